"""The form in which people choose what they hear of, and when: the same for customers and for staff."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sutler.accounts.models import User
from sutler.core.refusals import Refusal
from sutler.notices import preferences
from sutler.notices.kinds import KINDS, kinds_of
from sutler.notices.models import Preferences

_HOURS = [(hour, f"{hour:02}:00") for hour in range(24)]
_WHEN = [
    (Preferences.When.AT_ONCE.value, gettext_lazy("At once")),
    (Preferences.When.DAILY.value, gettext_lazy("In one email a day")),
]


class NoticeForm(forms.Form):
    """What a person hears of by e-mail, and when."""

    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Email me about"), required=False, widget=forms.CheckboxSelectMultiple
    )
    when = forms.ChoiceField(label=gettext_lazy("When"), choices=_WHEN)
    daily_hour = forms.TypedChoiceField(label=gettext_lazy("Hour of the daily email"), coerce=int, choices=_HOURS)
    quiet_from = forms.TypedChoiceField(label=gettext_lazy("Quiet hours from"), coerce=int, choices=_HOURS)
    quiet_until = forms.TypedChoiceField(
        label=gettext_lazy("Quiet hours until"),
        coerce=int,
        choices=_HOURS,
        help_text=gettext_lazy("In your time zone. Nothing is sent meanwhile. The same hour twice: no quiet hours."),
    )

    def __init__(self, data: Any, user: User) -> None:
        own = preferences.of(user)
        wanted = preferences.wanted(user, own)
        initial = {name: getattr(own, name) for name in ("when", "daily_hour", "quiet_from", "quiet_until")}
        super().__init__(data, initial={**initial, "kinds": [each.value for each in wanted]})
        self._user = user
        self.fields["kinds"].choices = [  # type: ignore[attr-defined]
            (each.value, KINDS[each].words) for each in kinds_of(user)
        ]

    def save(self) -> bool:
        """Stores what was chosen, once the form is valid; returns False if it could not be, and says so in the form."""
        refusal = preferences.change(self._user, **self.cleaned_data)
        if isinstance(refusal, Refusal):
            self.add_error(refusal.field, _("Invalid value. Correct it and try again."))
        return refusal is None
