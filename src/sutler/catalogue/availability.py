"""Whether a service is on sale, and under which heading it stands."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from sutler.catalogue import updates
from sutler.catalogue.models import Category, Service, ServiceUpdate


def set_state(service_id: int, state: Service.State, now: datetime) -> bool:
    """Puts a service on sale, pauses or hides it, and tells customers; returns False if there is no such service.

    What staff have paused stays so until staff decide otherwise.
    """
    with transaction.atomic():
        found = Service.objects.select_for_update().filter(pk=service_id).first()
        if found is None:
            return False
        told = _TOLD.get((Service.State(found.state), state))
        found.state, found.pause_reason = state, ""
        found.save(update_fields=["state", "pause_reason"])
        if told is not None:
            updates.publish([updates.note(found, told, now)])
    return True


_TOLD = {
    (Service.State.ACTIVE, Service.State.PAUSED): ServiceUpdate.Kind.PAUSED,
    (Service.State.PAUSED, Service.State.ACTIVE): ServiceUpdate.Kind.BACK,
    (Service.State.HIDDEN, Service.State.ACTIVE): ServiceUpdate.Kind.NEW,
}


def headings(names: Iterable[str]) -> dict[str, Category]:
    """Returns the categories of these names; those there were not yet are made and stand last, in the order given."""
    there = {each.name: each for each in Category.objects.all()}
    last = Category.objects.aggregate(last=Max("position"))["last"] or 0
    for name in dict.fromkeys(names):
        if name not in there:
            last += 1
            there[name] = Category.objects.create(name=name, position=last)
    return there
