"""Customers with their wallets, people and keys; those that are here already are brought up to date."""

from collections.abc import Sequence
from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from sutler.accounts import keys
from sutler.accounts.models import ApiKey, Customer, CustomerGroup, User
from sutler.books.models import LedgerAccount
from sutler.books.post import open_wallet
from sutler.catalogue import version
from sutler.catalogue.models import PriceOverride
from sutler.move_in.reading.customers import CustomerRecord, PriceRecord

KEY_LABEL = "old panel"


def write_customers(records: Sequence[CustomerRecord], now: datetime) -> None:
    """Writes customers, suspended until the cut-over. One that is here already gets the password and key of now."""
    here = set(Customer.objects.filter(pk__in=[each.id for each in records]).values_list("pk", flat=True))
    new = [each for each in records if each.id not in here]
    groups = _groups({each.discount_basis_points for each in new} - {0})
    Customer.objects.bulk_create(
        Customer(
            pk=each.id,
            name=each.name,
            currency=each.currency,
            group=groups.get(each.discount_basis_points),
            suspended_at=now,
            created_at=each.created_at,
        )
        for each in new
    )
    _open_wallets(new)
    _write_people(records)
    _write_keys(records, now)


def write_prices(records: Sequence[PriceRecord]) -> None:
    """Writes customers' own prices; one that is here already takes the rate that stands there now."""
    PriceOverride.objects.bulk_create(
        [
            PriceOverride(customer_id=each.customer, service_id=each.service, rate_micros=each.rate_micros)
            for each in {(each.customer, each.service): each for each in records}.values()
        ],
        update_conflicts=True,
        unique_fields=["customer", "service"],
        update_fields=["rate_micros"],
    )
    version.renew()


def _groups(discounts: set[int]) -> dict[int, CustomerGroup]:
    return {
        points: CustomerGroup.objects.get_or_create(
            name=f"Discount {points / 100:g} %", defaults={"discount_basis_points": points}
        )[0]
        for points in sorted(discounts)
    }


def _open_wallets(records: Sequence[CustomerRecord]) -> None:
    """Opens wallets with nothing in them: the first of each currency with the house accounts."""
    rest = list(records)
    for currency in sorted({each.currency for each in records}):
        first = next(each for each in rest if each.currency == currency)
        open_wallet(first.id, currency, first.credit_limit_micros)
        rest.remove(first)
    LedgerAccount.objects.bulk_create(
        LedgerAccount(
            kind=LedgerAccount.Kind.WALLET,
            currency=each.currency,
            customer_id=each.id,
            balance_micros=0,
            credit_limit_micros=each.credit_limit_micros,
            largest_credit_limit_micros=each.credit_limit_micros,
        )
        for each in rest
    )


def _write_people(records: Sequence[CustomerRecord]) -> None:
    with_email = {each.email: each for each in records if each.email}
    here = {each.email: each for each in User.objects.filter(email__in=list(with_email))}
    new = [
        User(
            email=email,
            name=record.name,
            customer_id=record.id,
            password=record.password or make_password(None),
            date_joined=record.created_at,
            time_zone=record.time_zone,
            language=record.language,
        )
        for email, record in with_email.items()
        if email not in here
    ]
    people = User.objects.bulk_create(new)
    # They signed in by it there: nothing has to be confirmed before the first time here.
    EmailAddress.objects.bulk_create(
        EmailAddress(user=each, email=each.email, verified=True, primary=True) for each in people
    )
    for email, user in here.items():
        record = with_email[email]
        if user.customer_id == record.id and record.password and user.password != record.password:
            User.objects.filter(pk=user.pk).update(password=record.password)


def _write_keys(records: Sequence[CustomerRecord], now: datetime) -> None:
    """Writes the keys that are new, and revokes those that have another in their place there."""
    digests = {each.id: each.key_digest for each in records if each.key_digest}
    here = ApiKey.objects.filter(customer__in=[each.id for each in records], label=KEY_LABEL, revoked_at=None)
    replaced = [each.pk for each in here if each.customer_id and digests.get(each.customer_id) != each.digest]
    ApiKey.objects.filter(pk__in=replaced).update(revoked_at=now)
    ApiKey.objects.bulk_create(
        (
            ApiKey(
                customer_id=each.id,
                label=KEY_LABEL,
                prefix=each.key_prefix,
                digest=each.key_digest,
                scopes=" ".join(keys.CUSTOMER_SCOPES),
                created_at=now,
            )
            for each in records
            if each.key_digest
        ),
        ignore_conflicts=True,
    )
