"""Filters by day: the first and the last day of a list, as the reader's zone counts days."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import pgettext_lazy

# No order is older than the trade, and every zone's days of these years are moments that a database holds.
_YEARS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2100, 1, 1))]


class DayField(forms.DateField):
    """A day that may be left empty, chosen from the browser's calendar."""

    def __init__(self, **given: Any) -> None:
        widget = forms.DateInput({"type": "date"}, "%Y-%m-%d")
        super().__init__(required=False, widget=widget, validators=_YEARS, **given)


class DaysForm(forms.Form):
    """The fields `first` and `last`; a form with more filters is built on it."""

    first = DayField(label=pgettext_lazy("first day", "From"))
    last = DayField(label=pgettext_lazy("last day", "To"))

    def since(self) -> datetime | None:
        """Returns the first moment of the range, None for no bound. The form has been validated."""
        first = self.cleaned_data.get("first")
        return _begin(first) if first else None

    def until(self) -> datetime | None:
        """Returns the last moment of the range, None for no bound."""
        last = self.cleaned_data.get("last")
        return _begin(last + timedelta(days=1)) - timedelta(microseconds=1) if last else None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_current_timezone())
