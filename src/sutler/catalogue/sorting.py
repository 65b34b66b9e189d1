"""Headings of the catalogue, and the order in which headings and services stand."""

from collections.abc import Sequence
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Count, Max

from sutler.catalogue import version
from sutler.catalogue.models import Category, Service
from sutler.core.refusals import Reason, Refusal
from sutler.core.service_row import LONGEST_CATEGORY
from sutler.core.text.text_input import one_line

T = TypeVar("T", Category, Service)


def categories() -> list[Category]:
    """Returns the categories in their order, each with `service_count`."""
    return list(Category.objects.annotate(service_count=Count("services")).order_by("position", "pk"))


def save_category(name: str, category_id: int | None = None) -> Category | Refusal:
    """Makes a category, which stands last, or renames one.

    Refuses with NOT_FOUND, and with INCORRECT_FIELD for `name` (empty, too long, or another's).
    """
    written = one_line(name, LONGEST_CATEGORY)
    if not written:
        return Refusal(Reason.INCORRECT_FIELD, "name")
    found = Category.objects.filter(pk=category_id).first() if category_id else Category(position=_last() + 1)
    if found is None:
        return Refusal(Reason.NOT_FOUND)
    found.name = written
    try:
        with transaction.atomic():
            found.save()
    except IntegrityError:
        return Refusal(Reason.INCORRECT_FIELD, "name")
    return found


def remove_category(category_id: int) -> str | Refusal:
    """Removes a category without services; returns its name. Refuses with NOT_FOUND and MOVE_NOT_ALLOWED."""
    with transaction.atomic():
        found = Category.objects.select_for_update().filter(pk=category_id).first()
        if found is None:
            return Refusal(Reason.NOT_FOUND)
        if found.services.exists():
            return Refusal(Reason.MOVE_NOT_ALLOWED)
        found.delete()
    return found.name


def put_categories(ids: Sequence[int]) -> None:
    """Puts these categories into this order, in the places that they take now; the others stay where they are."""
    with transaction.atomic():
        stand = list(Category.objects.select_for_update(of=("self",)).order_by("position", "pk"))
        moved = _moved(stand, ids)
        Category.objects.bulk_update(moved, ["position"])
        version.renew()


def put_services(category_id: int, ids: Sequence[int]) -> None:
    """Puts these services of a category into this order, in the places that they take now; others stay."""
    with transaction.atomic():
        found = Service.objects.select_for_update(of=("self",)).filter(category=category_id).only("pk", "position")
        moved = _moved(list(found.order_by("position", "pk")), ids)
        Service.objects.bulk_update(moved, ["position"], batch_size=500)
        version.renew()


def step(ids: Sequence[int], moved_id: int, *, is_up: bool) -> list[int]:
    """Returns the ids with one of them a place further up or down."""
    order = list(ids)
    if moved_id in order:
        at = order.index(moved_id)
        to = max(at - 1, 0) if is_up else min(at + 1, len(order) - 1)
        order.insert(to, order.pop(at))
    return order


def _moved(stand: list[T], ids: Sequence[int]) -> list[T]:
    """Numbers all places from 1 and returns what has another place than before."""
    by_id = {each.pk: each for each in stand}
    wanted = iter(by_id[each] for each in dict.fromkeys(ids) if each in by_id)
    chosen = set(ids) & set(by_id)
    order = [next(wanted) if each.pk in chosen else each for each in stand]
    changed = [(each, place) for place, each in enumerate(order, 1) if each.position != place]
    for each, place in changed:
        each.position = place
    return [each for each, _ in changed]


def _last() -> int:
    return Category.objects.aggregate(last=Max("position"))["last"] or 0
