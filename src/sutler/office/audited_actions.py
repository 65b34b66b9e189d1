"""What staff do to orders: done and written into the audit log in one transaction, or told why not."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text import text_input
from sutler.office.refusal_text import BUSY, UNCLEAR, Words, words
from sutler.storage.transactions import Busy, CommitUnclear, durable
from sutler.web.access import StaffRequest

OWN_WORDS: Mapping[str | Reason, Words] = {
    Reason.MOVE_NOT_ALLOWED: _(
        "This status cannot be set now: the order is finished, awaits approval or may be at a provider."
    ),
    Reason.CANCEL_NOT_AVAILABLE: _("The order is finished, or the cancel request was withdrawn. Reload the page."),
    Reason.INCORRECT_ORDER: _("Order not found. Check the ID."),
    Reason.NOT_FOUND: _("This order is not awaiting approval."),
    "remains": _("Invalid remains. Enter 0 up to the ordered quantity."),
}


def actor_of(user: User) -> str:
    """Returns how a member of staff stands in the events of orders."""
    return f"staff {user.pk}"


def named(actors: Collection[str]) -> dict[str, str]:
    """Returns the names of those actors of events that are members of staff."""
    ids = {each: text_input.number(each.removeprefix("staff ")) for each in actors if each.startswith("staff ")}
    people = User.objects.in_bulk([pk for pk in ids.values() if pk is not None])
    return {actor: people[pk].name or people[pk].email for actor, pk in ids.items() if pk in people}


def numbers(texts: Collection[str], most: int = 200) -> list[int]:
    """Returns the ids of orders among what a form sent, each once, in its order."""
    read = dict.fromkeys(map(text_input.number, texts))
    return [each for each in read if each is not None and 0 < each <= LARGEST_NUMBER][:most]


def to_orders(
    request: StaffRequest,
    action: str,
    order_ids: Sequence[int],
    verb: Callable[[], Sequence[Refusal | None]],
    *,
    reason: str = "",
    after: Mapping[str, Any] | None = None,
) -> list[Words]:
    """Calls the verb, which answers for each order, and writes down for which it was done.

    Returns why it was not done for each order, in the order given; nothing where it was.
    """
    try:
        with durable():
            answers = verb()
            done = [pk for pk, answer in zip(order_ids, answers, strict=True) if answer is None]
            if done:
                one = Subject(SubjectType.ORDER, done[0])
                subject = one if len(done) == 1 else Subject(SubjectType.ORDERS, len(done))
                told = dict(after or {}) | ({"orders": ", ".join(map(str, done))} if len(done) > 1 else {})
                audit_log.write(request.user, action, subject, request.now, reason=reason, after=told)
    except Busy:
        return [BUSY] * len(order_ids)
    except CommitUnclear:
        return [UNCLEAR] * len(order_ids)
    return ["" if each is None else words(each, OWN_WORDS) for each in answers]
