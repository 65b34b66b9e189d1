"""What people say about themselves: name, time zone, language, and what they want to be told by e-mail."""

from collections.abc import Collection
from zoneinfo import available_timezones

from django.conf import settings

from sutler.accounts.models import Notice, User
from sutler.core.refusals import Reason, Refusal
from sutler.core.text.text_input import one_line


def change(user_id: int, *, name: str, time_zone: str, language: str, notices: Collection[str]) -> Refusal | None:
    """Stores a person's profile. An empty time zone or language means: as the browser asks.

    Refuses with INCORRECT_FIELD naming the one that is none of those there are.
    """
    told = one_line(name, 200)
    faults = {
        "name": told is None,
        "time_zone": bool(time_zone) and time_zone not in available_timezones(),
        "language": bool(language) and language not in dict(settings.LANGUAGES),
        "notices": not set(notices) <= set(Notice.values),
    }
    for field, is_wrong in faults.items():
        if is_wrong:
            return Refusal(Reason.INCORRECT_FIELD, field)
    kept = " ".join(each for each in Notice.values if each in notices)
    User.objects.filter(pk=user_id).update(name=told, time_zone=time_zone, language=language, notices=kept)
    return None


def wants(user: User, notice: Notice) -> bool:
    """Returns True if the person wants to be told of this by e-mail."""
    return user.is_active and notice in user.notices.split()
