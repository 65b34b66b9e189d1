"""API keys: made, shown once, found again by digest, revoked."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.db.models import Q

from sutler.accounts.models import ApiKey

# Customers' keys: what each action of the v2 API needs is in api.v2. Staff keys: the parts of the fulfilment interface.
CUSTOMER_SCOPES = ("read", "order", "refill_cancel")
STAFF_SCOPES = ("fulfil_orders", "fulfil_refills", "fulfil_cancels")

PREFIX_LENGTH = 8
# More than these a customer has not in use at once.
MOST_KEYS = 50

_HOLDER_FIELDS = (
    "digest",
    "pk",
    "customer_id",
    "user_id",
    "scopes",
    "addresses",
    "daily_cap_micros",
    "customer__integer_services",
    "customer__null_start_count",
    "customer__suspended_at",
)


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """What the lane needs to know of a key: whose it is and what it may do."""

    key_id: int
    customer_id: int | None
    user_id: int | None
    scopes: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]
    daily_cap_micros: int | None
    integer_services: bool = False
    null_start_count: bool = False
    suspended: bool = False

    def allows_address(self, address: str) -> bool:
        """Returns True if the key may be used from this address."""
        if not self.networks:
            return True
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.networks)


def digest(secret: str) -> str:
    """Returns what is stored of a secret: its SHA-256. The secret has 256 bits, so no salt is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def create(
    secret: str,
    now: datetime,
    *,
    customer_id: int | None = None,
    user_id: int | None = None,
    label: str = "",
    scopes: tuple[str, ...] | None = None,
    networks: tuple[str, ...] = (),
    daily_cap_micros: int | None = None,
) -> ApiKey:
    """Stores a key for one holder, a customer or a member of staff. The secret comes from `core.clock.new_token`.

    Without scopes the key may do all that its holder may. Raises ValueError for an unknown scope or network.
    """
    known = CUSTOMER_SCOPES if customer_id is not None else STAFF_SCOPES
    unknown = set(scopes or ()) - set(known)
    if unknown:
        raise ValueError(f"unknown scope {min(unknown)}; known are {', '.join(known)}")
    return ApiKey.objects.create(
        customer_id=customer_id,
        user_id=user_id,
        label=label,
        prefix=secret[:PREFIX_LENGTH],
        digest=digest(secret),
        scopes=" ".join(scopes or known),
        addresses=" ".join(str(ip_network(each, strict=False)) for each in networks),
        daily_cap_micros=daily_cap_micros,
        created_at=now,
    )


def of_customer(customer_id: int) -> list[ApiKey]:
    """Returns the customer's keys that are in use, the newest first, at most MOST_KEYS."""
    return list(ApiKey.objects.filter(customer_id=customer_id, revoked_at=None).order_by("-pk")[:MOST_KEYS])


def revoke(key_id: int, now: datetime, *, customer_id: int | None = None, user_id: int | None = None) -> bool:
    """Ends a key for good. With a customer or a member of staff, only one of theirs.

    Returns False if there was none to revoke.
    """
    keys = ApiKey.objects.filter(pk=key_id, revoked_at=None)
    if customer_id is not None:
        keys = keys.filter(customer_id=customer_id)
    if user_id is not None:
        keys = keys.filter(user_id=user_id)
    for key in keys:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])  # saved singly: the lane forgets a saved key at once
        return True
    return False


def find(digests: list[str]) -> dict[str, KeyHolder]:
    """Returns the holders of those digests that belong to keys not revoked, in one query."""
    keys = ApiKey.objects.filter(digest__in=digests, revoked_at=None).filter(
        Q(user=None) | Q(user__is_active=True, user__is_staff=True)
    )
    return {row[0]: _holder(*row[1:]) for row in keys.values_list(*_HOLDER_FIELDS)}


def _holder(
    key_id: int,
    customer_id: int | None,
    user_id: int | None,
    scopes: str,
    addresses: str,
    daily_cap_micros: int | None,
    integer_services: bool | None,
    null_start_count: bool | None,
    suspended_at: datetime | None,
) -> KeyHolder:
    return KeyHolder(
        key_id=key_id,
        customer_id=customer_id,
        user_id=user_id,
        scopes=frozenset(scopes.split()),
        networks=tuple(ip_network(each) for each in addresses.split()),
        daily_cap_micros=daily_cap_micros,
        integer_services=bool(integer_services),
        null_start_count=bool(null_start_count),
        suspended=suspended_at is not None,
    )
