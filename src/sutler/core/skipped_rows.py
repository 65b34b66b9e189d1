"""What was left out, counted by reason: a summary that is short and cuts nothing off in silence. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

NAMES_SHOWN = 20
REASONS_SHOWN = 30
OTHER_REASONS = "other reasons"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """So many were left out for this reason: the first of them by name, and how many more there are."""

    why: str
    count: int
    names: tuple[str, ...]

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.count - len(self.names)

    def __str__(self) -> str:
        more = f" and {self.more} more" if self.more else ""
        return f"{self.count} left out: {self.why} ({', '.join(self.names)}{more})"


def by_reason(items: Iterable[tuple[str, str]]) -> list[LeftOut]:
    """Returns the names and reasons summed by reason, the most frequent first; rare ones beyond 30 are one."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, why in items:
        names[why].append(name or "?")
    ranked = sorted(names.items(), key=lambda item: -len(item[1]))
    if len(ranked) > REASONS_SHOWN:
        rest = [name for _, each in ranked[REASONS_SHOWN - 1 :] for name in each]
        ranked = [*ranked[: REASONS_SHOWN - 1], (OTHER_REASONS, rest)]
    return [LeftOut(why, len(each), tuple(each[:NAMES_SHOWN])) for why, each in ranked]


def counted(items: Iterable[tuple[str, str]]) -> str:
    """Returns the reasons and how often each was one, in one line."""
    return ", ".join(f"{each.why} ({each.count})" for each in by_reason(items))
