"""How a provider has answered lately: calls, refusals, silences, seconds. Added up from its minutes; asks nobody."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q, Sum

from sutler.fulfilment.models import Provider, ProviderMinute

_ADDED_UP = ("calls", "declined", "unanswered", "adds", "unknown_adds", "total_milliseconds")


@dataclass(frozen=True, slots=True)
class Health:
    """How a provider has answered lately. `unanswered` counts what never left too; `unknown_adds` is of `adds`."""

    calls: int = 0
    declined: int = 0
    unanswered: int = 0
    adds: int = 0
    unknown_adds: int = 0
    total_milliseconds: int = 0
    slowest_milliseconds: int = 0

    @property
    def error_rate(self) -> float:
        """The share of calls that were not answered as asked, 0 to 1; a refusal counts."""
        return (self.declined + self.unanswered) / self.calls if self.calls else 0.0

    @property
    def unknown_rate(self) -> float:
        """The share of `add` whose outcome was unknown, 0 to 1."""
        return self.unknown_adds / self.adds if self.adds else 0.0

    @property
    def mean_milliseconds(self) -> int:
        """How long an answer took on average; 0 where nothing was asked."""
        return self.total_milliseconds // self.calls if self.calls else 0


def of_provider(provider_id: int, now: datetime, minutes: int = 60) -> Health:
    """Returns how the provider has answered in the last so many minutes."""
    lately = ProviderMinute.objects.filter(provider=provider_id, minute__gt=now - timedelta(minutes=minutes))
    sums = {each: Sum(each) for each in _ADDED_UP}
    found = lately.aggregate(slowest_milliseconds=Max("slowest_milliseconds"), **sums)
    return Health(**{name: int(value or 0) for name, value in found.items()})


def of_all(now: datetime, minutes: int = 60) -> list[tuple[Provider, Health]]:
    """Returns every provider, by name, with how it has answered in the last so many minutes; one read."""
    lately = Q(minutes__minute__gt=now - timedelta(minutes=minutes))
    sums = {f"lately_{name}": Sum(f"minutes__{name}", filter=lately) for name in _ADDED_UP}
    slowest = Max("minutes__slowest_milliseconds", filter=lately)
    providers = (
        Provider.objects.select_related("live_state")
        .annotate(lately_slowest_milliseconds=slowest, **sums)
        .order_by("name")
    )
    names = ("slowest_milliseconds", *_ADDED_UP)
    return [(each, Health(**{name: getattr(each, f"lately_{name}") or 0 for name in names})) for each in providers]
