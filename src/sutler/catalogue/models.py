"""Categories, services, exchange rates and price overrides."""

from django.db import models
from django.db.models import Q

from sutler.core.order_types import ORDER_TYPES
from sutler.core.worth import Worth


class Category(models.Model):
    """A heading of the catalogue."""

    name = models.CharField(max_length=200, unique=True)
    position = models.IntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """One thing that is sold. Never deleted, only hidden: orders point at it for ever."""

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        HIDDEN = "hidden"

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="services")
    name = models.CharField(max_length=500)
    type = models.CharField(max_length=40, choices=[(name, name) for name in ORDER_TYPES])
    # In the panel's base currency: for a thousand, or for one where the type is a package.
    rate_micros = models.BigIntegerField()
    min = models.PositiveIntegerField()
    max = models.PositiveIntegerField()
    dripfeed = models.BooleanField(default=False)
    refill = models.BooleanField(default=False)
    cancel = models.BooleanField(default=False)
    # Days after completion in which a refill may be asked; None means for ever.
    refill_days = models.PositiveIntegerField(null=True, blank=True)
    refill_wait_hours = models.PositiveIntegerField(default=24)
    one_active_order_per_link = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    position = models.IntegerField(default=0)
    description = models.TextField(blank=True)
    # Acceptable use: how it is delivered, in words; patterns of links, one a line (`core.link_rules`); whether each
    # order waits for staff; the countries it is not sold to, codes separated by spaces.
    delivery = models.TextField(blank=True)
    link_allowed = models.TextField(blank=True)
    link_refused = models.TextField(blank=True)
    needs_approval = models.BooleanField(default=False)
    closed_countries = models.CharField(max_length=1000, blank=True)
    # The least that anybody is quoted, in the base currency: its cost and the margin that must stay. 0: no bound.
    floor_rate_micros = models.BigIntegerField(default=0)
    # The price that it would have, but for a rise of more than 30 % that waits for a decision of staff.
    held_rate_micros = models.BigIntegerField(null=True, blank=True)
    # What the panel has against its routes, if it was paused for that, not by staff. Only then it comes back by itself.
    pause_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["category__position", "category_id", "position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(rate_micros__gt=0), name="service_rate_positive"),
            models.CheckConstraint(condition=Q(min__gte=1) & Q(max__gte=models.F("min")), name="service_min_max"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.name}"


class ExchangeRate(models.Model):
    """What a currency is worth: `units` of it are worth `base` of the panel's base currency (`core.worth`)."""

    currency = models.CharField(max_length=5, primary_key=True)
    base = models.BigIntegerField()
    units = models.BigIntegerField(default=1)
    # Where it is from: the name of the source, or nothing where staff set it. Only a followed one is ever overwritten.
    source = models.CharField(max_length=100, blank=True)
    is_followed = models.BooleanField(default=False)
    # The day that the source states, or when it was set; unknown for what was set before this was kept.
    dated = models.DateTimeField(null=True)
    # What the source says and staff have to look at first, since it jumped; both or neither.
    offered_base = models.BigIntegerField(null=True)
    offered_units = models.BigIntegerField(null=True)
    offered_dated = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(base__gt=0, units__gt=0), name="exchange_rate_positive")]

    def __str__(self) -> str:
        return self.currency

    @property
    def worth(self) -> Worth:
        """What the currency is worth."""
        return Worth(self.base, self.units)

    @property
    def offered(self) -> Worth | None:
        """What the source says that staff have to look at, if anything."""
        if self.offered_base is None or self.offered_units is None:
            return None
        return Worth(self.offered_base, self.offered_units)


class BaseCurrency(models.Model):
    """One row: the currency that prices are kept in."""

    currency = models.CharField(max_length=5)

    def __str__(self) -> str:
        return self.currency


class RateFetch(models.Model):
    """One row: how asking the source of exchange rates has gone, and when it is asked next."""

    due_at = models.DateTimeField()
    fetched_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    fault = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"due {self.due_at}"


class PriceOverride(models.Model):
    """The rate one customer pays for one service, in the base currency; stands above every discount."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="price_overrides")
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="price_overrides")
    rate_micros = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "service"], name="one_override_per_customer_and_service"),
            models.CheckConstraint(condition=Q(rate_micros__gt=0), name="override_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}/{self.service_id}"


class ServiceUpdate(models.Model):
    """Something that customers should know of a service: it is new, dearer, cheaper, paused, back, or has other limits.

    `before` and `after` are as a customer reads them; rates are in the base currency.
    """

    class Kind(models.TextChoices):
        NEW = "new"
        PRICE = "price"
        LIMITS = "limits"
        PAUSED = "paused"
        BACK = "back"

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="updates")
    kind = models.CharField(max_length=8, choices=Kind)
    before = models.CharField(max_length=100, blank=True)
    after = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind}: service {self.service_id}"


class CatalogueVersion(models.Model):
    """One row, given a fresh token in the same transaction as any change of a service, a price or an exchange rate.

    Whoever keeps a copy of the catalogue reads this row to know whether the copy still holds. A token and not a
    counter: a number that a rolled-back change had used would come back for another.
    """

    token = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.token


class Favourite(models.Model):
    """A service that a customer wants to find at once."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="favourites")
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "service"], name="one_favourite_per_customer_and_service")
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}/{self.service_id}"


class ServicePace(models.Model):
    """How long a service takes: the mean over about its last hundred completed orders, measured by the worker."""

    service = models.OneToOneField(Service, primary_key=True, on_delete=models.CASCADE, related_name="pace")
    mean_seconds = models.BigIntegerField()
    orders = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.service_id}: {self.mean_seconds} s"
