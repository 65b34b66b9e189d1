"""The actions of the v2 API: what each asks and answers, who may, and whether it changes anything. The last are ours.

The lane runs on this table and the public API page is rendered from it (the protocol, section 2).
"""

from dataclasses import dataclass, replace

from django.utils.translation import gettext_noop as _

from sutler.core.order_types import ORDER_TYPES, OrderType

MOST_IDS = 100


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field of a request. `about` is its line in the public documentation."""

    name: str
    about: str
    required: bool = True
    choices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to ask an action, besides `key` and `action`, and an answer to it as Python data."""

    title: str
    parameters: tuple[Parameter, ...]
    answer: object
    note: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One value of `action`. `scope` is what a key must allow (`accounts.keys.CUSTOMER_SCOPES`).

    `aliases` are other spellings that old programs send. An action that `changes` something is never guessed.
    """

    name: str
    about: str
    scope: str
    shapes: tuple[Shape, ...]
    changes: bool = False
    aliases: tuple[str, ...] = ()


_SERVICE = Parameter("service", _("Service ID"))
_REQUEST_ID = Parameter(
    "request_id",
    _("Your own ID of this order, up to 128 characters: a repeated request returns the same order"),
    required=False,
)
_ORDER = Parameter("order", _("Order ID"))
_ORDERS = Parameter("orders", _("Order IDs (separated by a comma, up to 100 IDs)"))
_REFILL = Parameter("refill", _("Refill ID"))
_REFILLS = Parameter("refills", _("Refill IDs (separated by a comma, up to 100 IDs)"))

_PARTIAL = {"charge": "0.27819", "start_count": "3572", "status": "Partial", "remains": "157", "currency": "USD"}
_UNDER_WAY = {"charge": "1.44219", "start_count": "234", "status": "In progress", "remains": "10", "currency": "USD"}
_NO_ORDER = {"error": "Incorrect order ID"}


def _add_shape(order_type: OrderType) -> Shape:
    fields = tuple(Parameter(each.name, each.about, each.required, each.choices) for each in order_type.fields)
    return Shape(order_type.name, (_SERVICE, *fields, _REQUEST_ID), {"order": 23501})


_ACTIONS = (
    Action(
        "services",
        _("Lists the services with your prices."),
        "read",
        (
            Shape(
                _("Service list"),
                (),
                [
                    {
                        "service": 1,
                        "name": "Followers",
                        "type": "Default",
                        "rate": "0.90",
                        "min": "50",
                        "max": "10000",
                        "dripfeed": False,
                        "refill": True,
                        "cancel": True,
                        "category": "First Category",
                    },
                    {
                        "service": 2,
                        "name": "Comments",
                        "type": "Custom Comments",
                        "rate": "8.00",
                        "min": "10",
                        "max": "1500",
                        "dripfeed": False,
                        "refill": False,
                        "cancel": True,
                        "category": "Second Category",
                    },
                ],
                _("rate is the price per 1000, or per package. type determines the parameters of add."),
            ),
        ),
    ),
    Action(
        "add",
        _("Places an order and deducts its charge from the balance. Parameters depend on the service type."),
        "order",
        tuple(_add_shape(each) for each in ORDER_TYPES.values()),
        changes=True,
    ),
    Action(
        "status",
        _("Returns the status of an order and its current charge."),
        "read",
        (
            Shape(_("Order status"), (_ORDER,), _PARTIAL),
            Shape(
                _("Multiple orders status"),
                (_ORDERS,),
                {"1": _PARTIAL, "10": _NO_ORDER, "100": _UNDER_WAY},
            ),
            Shape(
                _("Drip-feed order status"),
                (_ORDER,),
                {
                    "charge": "0.27",
                    "start_count": "0",
                    "status": "In progress",
                    "remains": "200",
                    "currency": "USD",
                    "runs": "1",
                    "orders": [23502],
                },
                _("The runs delivered so far, and the ID of each run's own order."),
            ),
            Shape(
                _("Subscription status"),
                (_ORDER,),
                {
                    "charge": "0.18",
                    "start_count": "0",
                    "status": "In progress",
                    "remains": "8",
                    "currency": "USD",
                    "posts": "2",
                    "expiry": "2027-12-31",
                    "orders": [23504, 23507],
                },
                _("The posts served so far, and the ID of each post's own order, which is charged when it is placed."),
            ),
        ),
        aliases=("orders",),
    ),
    Action(
        "refill",
        _("Requests a refill of a completed order."),
        "refill_cancel",
        (
            Shape(_("Create refill"), (_ORDER,), {"refill": "1"}),
            Shape(
                _("Create multiple refill"),
                (_ORDERS,),
                [{"order": 1, "refill": 1}, {"order": 2, "refill": 2}, {"order": 3, "refill": _NO_ORDER}],
            ),
        ),
        changes=True,
    ),
    Action(
        "refill_status",
        _("Returns the status of a refill."),
        "read",
        (
            Shape(_("Get refill status"), (_REFILL,), {"status": "Completed"}),
            Shape(
                _("Get multiple refill status"),
                (_REFILLS,),
                [
                    {"refill": 1, "status": "Completed"},
                    {"refill": 2, "status": "Rejected"},
                    {"refill": 3, "status": {"error": "Refill not found"}},
                ],
            ),
        ),
    ),
    Action(
        "cancel",
        _("Requests the cancellation of orders. 1 means the request was accepted; status shows the result later."),
        "refill_cancel",
        (
            Shape(_("Create cancel"), (_ORDERS,), [{"order": 9, "cancel": _NO_ORDER}, {"order": 2, "cancel": 1}]),
            Shape(_("Cancel one order"), (_ORDER,), {"order": 2, "cancel": 1}),
        ),
        changes=True,
    ),
    Action(
        "balance",
        _("Returns the balance."),
        "read",
        (Shape(_("User balance"), (), {"balance": "100.84292", "currency": "USD"}),),
    ),
    Action(
        "find",
        _("Tells which order an add has placed, by its request_id: ask it where the answer to add was lost."),
        "order",
        (
            Shape(
                _("Find an order"),
                (replace(_REQUEST_ID, about=_("The request_id that was sent with add"), required=True),),
                {"order": 23501},
                _("Order not found means that none is placed yet: an add that is still on its way may place it later."),
            ),
        ),
    ),
    Action(
        "changes",
        _("Tells what has changed since a cursor: one request in the place of many for status."),
        "read",
        (
            Shape(
                _("What has changed"),
                (
                    Parameter("since", _("The cursor of the last answer; without one a cursor is answered"), False),
                    Parameter("limit", _("Most changes in the answer, up to 1000"), False),
                    Parameter("wait", _("Seconds to wait for something to change, up to 25"), False),
                ),
                {
                    "cursor": "4711-9f86d081884c7d65",
                    "orders": {"1": _PARTIAL},
                    "refills": {"1": {"status": "Completed"}},
                    "more": False,
                },
                _(
                    "Orders and refills are told as status and refill_status tell them. services is there, whole, if"
                    " any service or price has changed. If more is true, ask again at once."
                ),
            ),
        ),
    ),
)

ACTIONS: dict[str, Action] = {each.name: each for each in _ACTIONS}
