"""What is kept of upstream panels: the providers, what they sell, and each order that was sent to one of them."""

from sutler.fulfilment.models.attempt import AskTime, Attempt, DeskOrder, Orphan, UpstreamOrder
from sutler.fulfilment.models.catalogue import CatalogueChange, PriceRule, Route, UpstreamService
from sutler.fulfilment.models.named import NamedOrder
from sutler.fulfilment.models.provider import (
    Alarm,
    AlarmSubject,
    Heartbeat,
    LoggedCall,
    Provider,
    ProviderMinute,
    ProviderState,
    ProviderTask,
    account_rows,
)
from sutler.fulfilment.models.taught import Taught

__all__ = [
    "Alarm",
    "AlarmSubject",
    "AskTime",
    "Attempt",
    "CatalogueChange",
    "DeskOrder",
    "Heartbeat",
    "LoggedCall",
    "NamedOrder",
    "Orphan",
    "PriceRule",
    "Provider",
    "ProviderMinute",
    "ProviderState",
    "ProviderTask",
    "Route",
    "Taught",
    "UpstreamOrder",
    "UpstreamService",
    "account_rows",
]
