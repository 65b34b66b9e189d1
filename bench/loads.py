"""The loads and what they must reach: which script of wrk, what a request counts for, the bars."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """What a ratio must reach and what it should; of memory, where less is better, what it must not exceed."""

    must: float
    aim: float
    lower_is_better: bool = False

    def met_by(self, ratio: float) -> bool:
        """Returns True if the ratio is good enough."""
        return ratio <= self.must if self.lower_is_better else ratio >= self.must


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of request: its script in bench/wrk, one such request as a form (`{order}` is filled in), its bars.

    One request counts for `each` units. Where a figure is demanded and not a ratio, `figure` is compared with.
    """

    name: str
    script: str
    sample: str
    unit: str
    bar: Bar
    each: int = 1
    figure: int | None = None


ADD = Load(
    "add",
    "add.lua",
    "action=add&service=1&link=https%3A%2F%2Fexample.com%2Fsample&quantity=100",
    "orders/s",
    Bar(0.30, 0.50),
)
STATUS = Load("status", "status.lua", "action=status&order={order}", "requests/s", Bar(0.45, 0.60))
BALANCE = Load("balance", "balance.lua", "action=balance", "requests/s", Bar(0.45, 0.60))
STATUSES = Load(
    "status of 100 ids",
    "statuses.lua",
    "action=status&orders={order},{order}",
    "statuses/s",
    Bar(1.0, 1.67),
    each=100,
    figure=60_000,
)
SERVICES = Load("services of 5,000", "services.lua", "action=services", "requests/s", Bar(0.85, 1.0))
# In this order: the catalogue is enlarged for the last one.
LOADS = (ADD, STATUS, BALANCE, STATUSES, SERVICES)

AGAINST_TRANSACTIONS = Bar(0.7, 1.2)
MEMORY_MIB = 200
MEMORY = Bar(1.0, 1.0, lower_is_better=True)

CALLERS = 64
SERVICES_LISTED = 5000
