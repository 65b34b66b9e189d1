"""Staff's search over all orders, by what is known of them upstream too."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q

from sutler.fulfilment.models import Provider, UpstreamOrder
from sutler.orders import search
from sutler.orders.search import Filters, Page


def of_all(
    filters: Filters,
    *,
    customer_id: int | None = None,
    provider_id: int | None = None,
    upstream_id: str = "",
    before: int | None = None,
    limit: int = 50,
) -> Page:
    """Does what `orders.search.of_all` does, for the orders that a provider has had, or that it knows by this id."""
    only: Q | Exists | None = None
    if upstream_id:
        only = Q(pk__in=ids_of(upstream_id, provider_id))
        return search.of_all(filters, customer_id=customer_id, only=only, before=before, limit=limit)
    if provider_id is not None:
        only = Exists(UpstreamOrder.objects.filter(order=OuterRef("pk"), provider=provider_id))
    return search.of_all(filters, customer_id=customer_id, only=only, before=before, limit=limit)


def ids_of(upstream_id: str, provider_id: int | None = None) -> Collection[int]:
    """Returns the ids of our orders that a provider, or this one, knows by the id; at most a page of them."""
    # With the providers named, the index by provider and id finds it.
    asked = Provider.objects.values_list("pk", flat=True) if provider_id is None else [provider_id]
    named = UpstreamOrder.objects.filter(provider__in=list(asked), upstream_id=upstream_id)
    return list(named.values_list("order_id", flat=True)[: search.MOST_ON_A_PAGE])
