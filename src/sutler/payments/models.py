"""Methods of paying, requests to add funds, and what gateways report of them."""

from django.db import models
from django.db.models import Q

from sutler.core.pricing import WHOLE_PRICE_BASIS_POINTS


class Method(models.Model):
    """A way to pay and its terms. Never deleted, only withdrawn.

    Without a kind staff look after it by hand; with one a gateway does (`payments.gateways`), which sends its notices
    to the address that ends in `public_id`.
    """

    kind = models.CharField(max_length=20, blank=True)
    public_id = models.CharField(max_length=32, null=True, unique=True)
    # What the gateway's kind asks for; secrets stand apart, as a sealed JSON object.
    settings = models.JSONField(default=dict)
    sealed_settings = models.TextField(blank=True)
    # Whether less than was asked is credited, or left for staff.
    accepts_partial = models.BooleanField(default=False)
    name = models.CharField(max_length=100)
    instructions = models.TextField()
    currency = models.CharField(max_length=5)
    min_micros = models.BigIntegerField()
    max_micros = models.BigIntegerField()
    # Of the amount paid: what is kept back, and what is given on top.
    fee_basis_points = models.PositiveIntegerField(default=0)
    bonus_basis_points = models.PositiveIntegerField(default=0)
    is_offered = models.BooleanField(default=True)
    position = models.IntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(min_micros__gt=0, max_micros__gte=models.F("min_micros")), name="method_min_max"
            ),
            models.CheckConstraint(
                condition=Q(fee_basis_points__lt=WHOLE_PRICE_BASIS_POINTS), name="method_fee_in_range"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FundsRequest(models.Model):
    """A customer's word that they pay an amount. It is credited once staff confirm it, or a gateway reports it paid.

    What staff confirm stands in the books under the cause `funds:` and the id of the request; what a gateway reports,
    under the cause of each receipt.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        CONFIRMED = "confirmed"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        # A gateway's time was over and nothing came.
        EXPIRED = "expired"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.PROTECT, related_name="funds_requests")
    method = models.ForeignKey(Method, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=5)
    # What is paid, and what the wallet gets for it by the method's terms of that day.
    amount_micros = models.BigIntegerField()
    credit_micros = models.BigIntegerField()
    note = models.CharField(max_length=500, blank=True)
    # Of a payment by hand: what the customer says that its transaction is called.
    transaction_id = models.CharField(max_length=100, blank=True)
    # What a first member of staff says has come, where a second has to say the same.
    received_micros = models.BigIntegerField(null=True)
    received_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0, credit_micros__gt=0), name="funds_positive")
        ]
        indexes = [
            models.Index(fields=["customer", "id"], name="funds_of_customer"),
            models.Index(fields=["id"], condition=Q(state="waiting"), name="funds_waiting"),
            # One transaction that pays two requests, and looking for one.
            models.Index(fields=["transaction_id"], condition=~Q(transaction_id=""), name="funds_transaction"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What the customer quotes with the payment, so that staff find the request."""
        return f"F-{self.pk:06d}"


class Checkout(models.Model):
    """A request at a gateway: a row before the customer leaves for it, so that whatever comes later has its place."""

    request = models.OneToOneField(FundsRequest, on_delete=models.PROTECT, related_name="checkout")
    # What the gateway knows the payment by; what it calls it itself, once it has answered.
    reference = models.CharField(max_length=40, unique=True)
    gateway_id = models.CharField(max_length=128, blank=True)
    # Where the customer pays: a page, or an address with an amount to send.
    page_url = models.TextField(blank=True)
    pay_address = models.CharField(max_length=200, blank=True)
    pay_amount = models.CharField(max_length=80, blank=True)
    # The terms of that day.
    asked_micros = models.BigIntegerField()
    fee_basis_points = models.PositiveIntegerField(default=0)
    bonus_basis_points = models.PositiveIntegerField(default=0)
    begun_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    # When the worker looks next; None: not any more.
    look_at = models.DateTimeField(null=True)
    looks = models.PositiveIntegerField(default=0)
    looked_at = models.DateTimeField(null=True)
    # Why the gateway could not be asked the last time.
    fault = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(asked_micros__gt=0), name="checkout_positive")]
        indexes = [
            models.Index(fields=["look_at"], condition=Q(look_at__isnull=False), name="checkout_to_look_up"),
            models.Index(fields=["gateway_id"], condition=~Q(gateway_id=""), name="checkout_gateway_id"),
        ]

    def __str__(self) -> str:
        return self.reference


class Receipt(models.Model):
    """A transaction of a gateway that belongs to a request: what came, what was credited, what went back.

    A credited one has exactly one transfer, under its cause. What goes back is taken from the wallet under the causes
    `gateway-back:`, its id and the sum taken by then. What a dispute freezes moves under `gateway-frozen:` and its id,
    and back under `gateway-released:`, its id and what is still frozen.
    """

    class State(models.TextChoices):
        HELD = "held"
        CREDITED = "credited"

    class Dispute(models.TextChoices):
        NONE = "none"
        OPEN = "open"
        WON = "won"
        LOST = "lost"

    request = models.ForeignKey(FundsRequest, on_delete=models.PROTECT, related_name="receipts")
    method = models.ForeignKey(Method, on_delete=models.PROTECT, related_name="+")
    transaction_id = models.CharField(max_length=200)
    cause = models.CharField(max_length=60, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.HELD)
    # 0: only that it went back is known yet.
    amount_micros = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=10, blank=True)
    credit_micros = models.BigIntegerField(default=0)
    # Of the amount, all that was refunded so far and what is or was disputed; of the credit, what was taken.
    refunded_micros = models.BigIntegerField(default=0)
    dispute = models.CharField(max_length=4, choices=Dispute, default=Dispute.NONE)
    disputed_micros = models.BigIntegerField(default=0)
    taken_micros = models.BigIntegerField(default=0)
    # Of the credit, what the dispute still freezes; None: nothing was disputed yet.
    frozen_micros = models.BigIntegerField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["method", "transaction_id"], name="one_receipt_a_transaction"),
            models.CheckConstraint(
                condition=Q(amount_micros__gte=0, refunded_micros__gte=0, disputed_micros__gte=0, taken_micros__gte=0),
                name="receipt_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.cause


class Alert(models.Model):
    """What staff must look at in a payment of a gateway. One is open for each kind and request."""

    class Kind(models.TextChoices):
        TOO_LITTLE = "too little"
        TOO_MUCH = "too much"
        CURRENCY = "currency"
        AMOUNT = "amount"
        LATE = "late"
        DECIDED = "decided"
        TOO_LARGE = "too large"
        REVERSED = "reversed"
        DISPUTE = "dispute"
        REINSTATED = "reinstated"
        DEBT = "debt"
        MISSING = "missing"
        TRANSACTION = "transaction"

    request = models.ForeignKey(FundsRequest, on_delete=models.PROTECT, related_name="alerts")
    kind = models.CharField(max_length=12, choices=Kind)
    # Amounts in micros, currencies and ids, by the kind.
    data = models.JSONField(default=dict)
    raised_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "kind"], condition=Q(closed_at__isnull=True), name="one_open_alert_a_kind"
            )
        ]
        indexes = [models.Index(fields=["id"], condition=Q(closed_at__isnull=True), name="alert_open")]

    def __str__(self) -> str:
        return self.kind


class GatewayNotice(models.Model):
    """The log of what gateways sent, bounded for each method; of the body only what was read out of it."""

    method = models.ForeignKey(Method, on_delete=models.PROTECT, related_name="notices")
    request = models.ForeignKey(FundsRequest, null=True, on_delete=models.PROTECT, related_name="notices")
    outcome = models.CharField(max_length=12)
    kind = models.CharField(max_length=12, blank=True)
    transaction_id = models.CharField(max_length=200, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["method", "outcome", "id"], name="notice_of_method")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.kind}"
