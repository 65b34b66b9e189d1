"""What a person hears of, and when: the defaults of the table, and what they have chosen."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sutler.accounts.models import User
from sutler.core.refusals import Reason, Refusal
from sutler.notices.kinds import KINDS, Kind, kinds_of
from sutler.notices.models import Preferences


def of(user: User) -> Preferences:
    """Returns a person's preferences; the defaults, not stored, where there are none."""
    return Preferences.objects.filter(pk=user.pk).first() or Preferences(user=user)


def of_all(users: Iterable[User]) -> Mapping[int, Preferences]:
    """Returns the preferences of people by their ID, with one query."""
    people = {each.pk: each for each in users}
    stored = Preferences.objects.in_bulk(people)
    return {pk: stored.get(pk) or Preferences(user=user) for pk, user in people.items()}


def wanted(user: User, preferences: Preferences) -> frozenset[Kind]:
    """Returns what the person hears of: what they may hear of and have not refused."""
    chosen = preferences.kinds
    return frozenset(each for each in kinds_of(user) if chosen.get(each.value, KINDS[each].is_default))


def change(
    user: User, kinds: Collection[str], *, when: str, daily_hour: int, quiet_from: int, quiet_until: int
) -> Refusal | None:
    """Stores what a person hears of, by `Kind`, and when. Hours are 0 to 23 of the person's own clock.

    What the person may not hear of now stays as it was chosen. Refuses with INCORRECT_FIELD naming the one that is none
    of those there are.
    """
    own = kinds_of(user)
    hours = {"daily_hour": daily_hour, "quiet_from": quiet_from, "quiet_until": quiet_until}
    faults = {name: hour not in range(24) for name, hour in hours.items()}
    faults |= {"kinds": not set(kinds) <= set(own), "when": when not in Preferences.When.values}
    for field, is_wrong in faults.items():
        if is_wrong:
            return Refusal(Reason.INCORRECT_FIELD, field)
    chosen = {**of(user).kinds, **{each.value: each.value in kinds for each in own}}
    Preferences.objects.update_or_create(user=user, defaults={"kinds": chosen, "when": when, **hours})
    return None


def is_daily(preferences: Preferences) -> bool:
    """Returns True if all goes into one letter a day."""
    return preferences.when == Preferences.When.DAILY


def due_at(preferences: Preferences, time_zone: str, earliest: datetime) -> datetime:
    """Returns when a letter that may leave at `earliest` is due: then, at the hour of the daily one, or after the quiet
    hours, by the clock of the time zone (empty: UTC).
    """
    there = earliest.astimezone(ZoneInfo(time_zone or "UTC"))
    if is_daily(preferences):
        return _at_hour(there, preferences.daily_hour, earliest)
    if _is_quiet(preferences, there.hour):
        return _at_hour(there, preferences.quiet_until, earliest)
    return earliest


def _is_quiet(preferences: Preferences, hour: int) -> bool:
    start, end = preferences.quiet_from, preferences.quiet_until
    return start <= hour < end if start <= end else hour >= start or hour < end


def _at_hour(there: datetime, hour: int, earliest: datetime) -> datetime:
    """Returns the next time that a clock shows the full hour."""
    at = there.replace(hour=hour, minute=0, second=0, microsecond=0)
    while at.astimezone(earliest.tzinfo) < earliest:
        at += timedelta(days=1)
    return at.astimezone(earliest.tzinfo)
