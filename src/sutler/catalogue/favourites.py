"""The services that customers have marked for themselves."""

from sutler.catalogue.models import Favourite, Service
from sutler.core.refusals import Reason, Refusal


def add(customer_id: int, service_id: int) -> Refusal | None:
    """Marks a service; again changes nothing. Refuses with INCORRECT_SERVICE if there is no such service."""
    if not Service.objects.filter(pk=service_id).exists():
        return Refusal(Reason.INCORRECT_SERVICE)
    Favourite.objects.bulk_create([Favourite(customer_id=customer_id, service_id=service_id)], ignore_conflicts=True)
    return None


def remove(customer_id: int, service_id: int) -> None:
    """Takes the mark away, if there is one."""
    Favourite.objects.filter(customer_id=customer_id, service_id=service_id).delete()


def of(customer_id: int) -> set[int]:
    """Returns the ids of the services that the customer has marked."""
    return set(Favourite.objects.filter(customer_id=customer_id).values_list("service_id", flat=True))
