"""Fields of the office's forms: amounts with a sign or from zero up, percentages, moments in the reader's zone."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import formats
from django.utils.translation import gettext_lazy as _

from sutler.core.money import Micros, parse_amount, show_rate
from sutler.web.amount_field import AmountField

# A basis point, as micros of a percentage.
_BASIS_POINT_MICROS = 10_000
_SIGNS = {"-": -1, "\u2212": -1, "+": 1}
_YEARS = [MinValueValidator(datetime(2000, 1, 1, tzinfo=UTC)), MaxValueValidator(datetime(2100, 1, 1, tzinfo=UTC))]


class SignedAmountField(AmountField):
    """An amount that is given (`12.50`) or taken (`-12.50`); its value is in micros, below zero where it is taken."""

    default_error_messages = {"amount": _("Invalid amount. Use 12.50, or -12.50 to deduct.")}

    def __init__(self, **given: Any) -> None:
        super().__init__(widget=forms.TextInput({"inputmode": "text", "autocomplete": "off"}), **given)

    def to_python(self, value: Any) -> Micros | None:
        """Returns what was typed in micros, None if nothing was."""
        text = str(value or "").strip()
        sign = _SIGNS.get(text[:1])
        micros = super().to_python(text[1:].strip() if sign else text)
        return micros if micros is None else Micros(micros * (sign or 1))


class LimitField(AmountField):
    """An amount from zero up; its value is in micros."""

    def to_python(self, value: Any) -> Micros | None:
        """Returns what was typed in micros, None if nothing was."""
        text = str(value or "").strip()
        if not text:
            return None
        read = parse_amount(text.replace(formats.get_format("DECIMAL_SEPARATOR"), "."))
        if read is None:
            raise ValidationError(self.error_messages["amount"], "amount")
        return read

    def validate(self, value: Any) -> None:
        """Asks for an amount where one is required; zero is one."""
        if self.required and value is None:
            raise ValidationError(self.error_messages["required"], "required")


class PercentField(LimitField):
    """A percentage from zero up with up to two decimals; its value is in basis points."""

    default_error_messages = {"amount": _("Invalid percentage. Use digits, like 7 or 7.25.")}

    def to_python(self, value: Any) -> Any:
        """Returns what was typed in basis points, None if nothing was."""
        micros = super().to_python(value)
        points, rest = divmod(micros or 0, _BASIS_POINT_MICROS)
        if rest:
            raise ValidationError(self.error_messages["amount"], "amount")
        return None if micros is None else points

    def prepare_value(self, value: Any) -> Any:
        """Returns what stands in the field: basis points as a percentage, else what was typed."""
        return show_percent(value) if isinstance(value, int) else value


class MomentField(forms.DateTimeField):
    """A day and an hour in the reader's zone."""

    def __init__(self, **given: Any) -> None:
        widget = forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M")
        formats_read = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        super().__init__(widget=widget, input_formats=formats_read, validators=_YEARS, **given)


def show_percent(basis_points: int) -> str:
    """Returns a percentage in as few digits as it needs: 7, 7.5, 7.25."""
    return show_rate(basis_points * _BASIS_POINT_MICROS).rstrip("0").rstrip(".")


def search_field(placeholder: Any) -> forms.CharField:
    """Returns the field in which words are searched for."""
    widget = forms.TextInput({"type": "search", "placeholder": placeholder})
    return forms.CharField(label=_("Search"), required=False, max_length=100, widget=widget)


def reason_field(**given: Any) -> forms.CharField:
    """Returns the field in which staff say why; it is kept in the audit log."""
    return forms.CharField(**{"label": _("Reason"), "max_length": 500, **given})
