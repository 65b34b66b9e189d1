"""The customers that staff mean who type a few letters: an ID, the start of an email, a part of a name."""

from sutler.accounts.models import Customer, User
from sutler.core.text import text_input
from sutler.storage.bounded_search import newest, starts_with

# How many customers a part of a name is looked for in: no index serves it.
MOST_CUSTOMERS_READ = 20_000


def customers(text: str, limit: int) -> list[Customer]:
    """Returns at most `limit` customers, those found by email first."""
    number = text_input.number(text)
    if number is not None:
        return list(Customer.objects.filter(pk=number))
    people = User.objects.filter(starts_with("email", text.lower()), customer__isnull=False)
    ids = list(people.order_by("email").values_list("customer_id", flat=True)[:limit])
    if "@" in text:
        return list(Customer.objects.filter(pk__in=ids))
    found = list(newest(Customer.objects.all(), MOST_CUSTOMERS_READ).filter(name__icontains=text)[:limit])
    missing = set(ids) - {each.pk for each in found}
    return [*(Customer.objects.filter(pk__in=missing) if missing else ()), *found][:limit]
