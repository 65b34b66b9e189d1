"""Changes of our services by staff, each in one transaction with what follows from it for routes, prices and limits."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import QuerySet

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.catalogue import availability, edit, updates, version
from sutler.catalogue.edit import Draft, Rules
from sutler.catalogue.models import Category, Service
from sutler.core.markup import rises_too_far
from sutler.core.money import LARGEST_MICROS, Micros, show_rate
from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.pricing import WHOLE_PRICE_BASIS_POINTS
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.catalogue import repricing
from sutler.fulfilment.catalogue.import_services import Rule
from sutler.fulfilment.models import PriceRule

T = TypeVar("T")
MOST_AT_ONCE = 5_000
FLAGS = ("dripfeed", "refill", "cancel", "needs_approval", "one_active_order_per_link")


@dataclass(frozen=True, slots=True)
class NewPrice:
    """A service, its rate, and the one it will have.

    `why` it keeps its own: it follows a rule, rises too far, or no such rate can be.

    All in micros of the base currency.
    """

    service: Service
    before_micros: int
    after_micros: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reprice:
    """What new rates are: so many basis points more (less than 0: less), rounded up; or all the same rate.

    One that rises by more than 30 % is left as it is unless staff accept it.
    """

    basis_points: int = 0
    rate_micros: int | None = None
    accept_rises: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is changed of many services; None leaves it. `refill_days` -1: for ever."""

    state: str | None = None
    category_id: int | None = None
    flags: Mapping[str, bool] | None = None
    refill_days: int | None = None


def save(
    draft: Draft,
    rules: Rules,
    rule: Rule | None,
    actor: User,
    now: datetime,
    service_id: int | None = None,
    *,
    accept_rises: bool = False,
) -> Service | Refusal:
    """Makes or changes a service and the rule of its price (None: its rate is as written). Refuses as `edit.save`.

    A price that a rule raises by more than 30 % waits, unless staff `accept_rises`.
    """
    with transaction.atomic():
        before = shown(service_id) if service_id else None
        services = Service.objects.filter(pk=service_id or 0)
        stood = repricing.bounds(services)
        made = edit.save(draft, rules, now, service_id)
        if isinstance(made, Refusal):
            return made
        if rule is None:
            PriceRule.objects.filter(pk=made.pk).delete()
        else:
            kept = {"markup_basis_points": rule.markup_basis_points, "fixed_micros": rule.fixed_micros}
            PriceRule.objects.update_or_create(service=made, defaults=kept | {"step_micros": rule.step_micros})
        repricing.adjust(Service.objects.filter(pk=made.pk), stood, now, accept_rises=accept_rises)
        after = shown(made.pk)
        changed = [name for name in after if before is None or before[name] != after[name]]
        if changed:
            audit_log.write(
                actor,
                "service changed" if service_id else "service made",
                Subject(SubjectType.SERVICE, made.pk),
                now,
                before={name: before[name] for name in changed} if before else None,
                after={name: after[name] for name in changed},
            )
        made.refresh_from_db()
        return made


def set_state(
    service_id: int, state: Service.State, actor: User | None, now: datetime, *, accept_rises: bool = False
) -> Service.State | Refusal:
    """Puts a service on sale, pauses or hides it; returns its state then.

    One that no route is left for stays paused. A price that would rise by more than 30 % waits, unless staff
    `accept_rises`. Refuses with NOT_FOUND.
    """
    with transaction.atomic():
        was = Service.objects.filter(pk=service_id).values_list("state", flat=True).first()
        if was is None or not availability.set_state(service_id, state, now):
            return Refusal(Reason.NOT_FOUND)
        services = Service.objects.filter(pk=service_id)
        _follow(services, now, accept_rises=accept_rises)
        before, after = {"state": was}, {"state": str(state)}
        audit_log.write(
            actor, "service state set", Subject(SubjectType.SERVICE, service_id), now, before=before, after=after
        )
        return Service.State(services.values_list("state", flat=True)[0])


def new_prices(services: QuerySet[Service], wanted: Reprice) -> list[NewPrice]:
    """Returns what the services would cost; changes nothing."""
    found = list(services.order_by("category__position", "position", "pk")[:MOST_AT_ONCE])
    ruled = set(PriceRule.objects.filter(service__in=[each.pk for each in found]).values_list("pk", flat=True))
    return [_new_price(each, wanted, is_ruled=each.pk in ruled) for each in found]


def fingerprint(prices: Iterable[NewPrice]) -> str:
    """Returns what proves that these prices were seen: it is another as soon as one of them is another."""
    rows = [(each.service.pk, each.before_micros, each.after_micros, each.why) for each in prices]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def reprice(
    services: QuerySet[Service], wanted: Reprice, actor: User, now: datetime, *, seen: str
) -> list[NewPrice] | Refusal:
    """Gives the services their new rates, and tells customers. Those that follow a rule keep theirs. Returns them.

    `seen` is the `fingerprint` of the prices that staff have seen; refuses INCORRECT_FIELD `seen` if they are others.
    """
    with transaction.atomic():
        found = new_prices(services.select_for_update(of=("self",)), wanted)
        if fingerprint(found) != seen:
            return Refusal(Reason.INCORRECT_FIELD, "seen")
        moved = [each for each in found if not each.why and each.before_micros != each.after_micros]
        for each in moved:
            each.service.rate_micros = each.after_micros
        Service.objects.bulk_update([each.service for each in moved], ["rate_micros"], batch_size=500)
        terms = ((each, (each.before_micros, each.service.min, each.service.max)) for each in moved)
        updates.publish(note for each, before in terms for note in edit.told(each.service, before, now))
        if moved:
            version.renew()
            after: dict[str, Any] = {"services": ", ".join(str(each.service.pk) for each in moved)[:2000]}
            rate = wanted.rate_micros
            after |= {"percent": wanted.basis_points / 100} if rate is None else {"rate": show_rate(rate)}
            audit_log.write(actor, "prices changed", Subject(SubjectType.SERVICES, len(moved)), now, after=after)
    return moved


def change_many(
    ids: Collection[int], change: Change, actor: User, now: datetime, *, accept_rises: bool = False
) -> int | Refusal:
    """Changes what is given of these services; returns how many there are. Refuses NOT_FOUND for the category.

    Prices that would rise by more than 30 % wait, unless staff `accept_rises`.
    """
    with transaction.atomic():
        services = Service.objects.filter(pk__in=ids)
        if change.category_id and not Category.objects.filter(pk=change.category_id).exists():
            return Refusal(Reason.NOT_FOUND, "category")
        columns: dict[str, Any] = {name: on for name, on in (change.flags or {}).items() if name in FLAGS}
        if change.category_id:
            columns["category_id"] = change.category_id
        if change.refill_days is not None:
            columns["refill_days"] = None if change.refill_days < 0 else min(change.refill_days, LARGEST_NUMBER)
        count = services.update(**columns) if columns else services.count()
        if change.state is not None:
            for service_id in services.order_by("pk").values_list("pk", flat=True):
                availability.set_state(service_id, Service.State(change.state), now)
            _follow(services, now, accept_rises=accept_rises)
        version.renew()
        after = columns | ({"state": change.state} if change.state else {})
        after |= {"services": ", ".join(map(str, sorted(ids)))[:2000]}
        audit_log.write(actor, "services changed", Subject(SubjectType.SERVICES, count), now, after=after)
    return count


def audited(
    verb: Callable[[], T | Refusal],
    actor: User,
    action: str,
    subject: Subject | Callable[[T], Subject],
    now: datetime,
    **told: Any,
) -> T | Refusal:
    """Calls the verb and writes down that it was done, in one transaction; returns what it returned.

    The subject of what the verb makes is known from what it returns.
    """
    with transaction.atomic():
        outcome = verb()
        if not isinstance(outcome, Refusal):
            audit_log.write(actor, action, subject(outcome) if callable(subject) else subject, now, **told)
        return outcome


def shown(service_id: int) -> dict[str, Any]:
    """Returns a service as the audit log has it: every column but its place, and the rule of its price."""
    found: dict[str, Any] = dict(Service.objects.filter(pk=service_id).values().first() or {})
    rule = PriceRule.objects.filter(pk=service_id).values().first()
    told = {name: value for name, value in found.items() if name not in {"id", "position"}}
    return told | {"price_rule": {name: value for name, value in (rule or {}).items() if name != "service_id"}}


def _follow(services: QuerySet[Service], now: datetime, *, accept_rises: bool) -> None:
    repricing.adjust(services, repricing.bounds(services), now, accept_rises=accept_rises)


def _new_price(service: Service, wanted: Reprice, *, is_ruled: bool) -> NewPrice:
    before = service.rate_micros
    exact = before * (WHOLE_PRICE_BASIS_POINTS + wanted.basis_points)
    after = Micros(-(-exact // WHOLE_PRICE_BASIS_POINTS)) if wanted.rate_micros is None else wanted.rate_micros
    if is_ruled:
        return NewPrice(service, before, before, "rule")
    if not wanted.accept_rises and rises_too_far(max(before, service.floor_rate_micros), after):
        return NewPrice(service, before, before, "rise")
    fits = max(1, service.floor_rate_micros) <= after <= LARGEST_MICROS
    return NewPrice(service, before, after) if fits else NewPrice(service, before, before, "floor")
