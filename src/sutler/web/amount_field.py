"""A form's field for an amount of money."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext_lazy as _

from sutler.core.money import Micros, parse_amount, show_rate


class AmountField(forms.Field):
    """An amount above zero, as a person types it; its value is in micros.

    The reader's own decimal separator is understood beside the dot; separators of thousands are not: `1,000` is a
    thousand to one reader and one to another.
    """

    default_error_messages = {"amount": _("Invalid amount. Use digits, like 25 or 25.50.")}

    def __init__(self, *, widget: forms.Widget | None = None, **given: Any) -> None:
        plain = forms.TextInput({"inputmode": "decimal", "autocomplete": "off", "maxlength": 20})
        super().__init__(widget=widget or plain, **given)

    def to_python(self, value: Any) -> Micros | None:
        """Returns what was typed in micros, None if nothing was."""
        text = str(value or "").strip()
        if not text:
            return None
        read = parse_amount(text.replace(formats.get_format("DECIMAL_SEPARATOR"), "."))
        if not read:
            raise ValidationError(self.error_messages["amount"], "amount")
        return read

    def prepare_value(self, value: Any) -> Any:
        """Returns what stands in the field: an amount in micros as a decimal, else what was typed."""
        return show_rate(value) if isinstance(value, int) else value
