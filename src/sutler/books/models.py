"""Ledger accounts and the transfers between them."""

from django.db import models
from django.db.models import F, Q


class LedgerAccount(models.Model):
    """One pocket of money in one currency: a customer's wallet, an account at a provider, or one of the house's own.

    Only wallets keep a balance row. House accounts are summed: a row that every order updates is a global lock.
    """

    class Kind(models.TextChoices):
        WALLET = "wallet"
        # Paid for, not delivered yet; of it, what belongs to runs of a drip-feed that have not begun.
        IN_HAND = "in hand"
        SCHEDULED = "scheduled"
        REVENUE = "revenue"
        # Where money comes from and goes to outside the panel.
        DEPOSITS = "deposits"
        ADJUSTMENTS = "adjustments"
        # Of disputed payments: the customer's still, and not to be spent until the dispute is closed.
        FROZEN = "frozen"
        # What the operator holds at a provider; what orders have cost upstream.
        PROVIDER = "provider"
        COST = "cost"

    kind = models.CharField(max_length=12, choices=Kind)
    currency = models.CharField(max_length=5)
    customer = models.OneToOneField("accounts.Customer", null=True, on_delete=models.PROTECT, related_name="wallet")
    # Of which provider, without a foreign key: providers stand above the books.
    provider_id = models.BigIntegerField(null=True)
    balance_micros = models.BigIntegerField(null=True)
    credit_limit_micros = models.BigIntegerField(default=0)
    # Only rises: what the wallet's past is held against once the limit has been lowered.
    largest_credit_limit_micros = models.BigIntegerField(default=0)
    # How far below the credit limit reversed payments have taken the wallet. Only rises; orders never go there.
    reversed_below_micros = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "currency"], condition=Q(customer=None, provider_id=None), name="one_house_account"
            ),
            models.UniqueConstraint(
                fields=["provider_id"], condition=Q(provider_id__isnull=False), name="one_account_per_provider"
            ),
            models.CheckConstraint(
                condition=Q(kind="provider", provider_id__isnull=False) | (~Q(kind="provider") & Q(provider_id=None)),
                name="only_provider_accounts_have_provider",
            ),
            models.CheckConstraint(
                condition=Q(kind="wallet", customer__isnull=False, balance_micros__isnull=False)
                | (~Q(kind="wallet") & Q(customer__isnull=True, balance_micros__isnull=True)),
                name="only_wallets_have_customer_and_balance",
            ),
            models.CheckConstraint(
                condition=Q(balance_micros=None)
                | Q(balance_micros__gte=-F("credit_limit_micros") - F("reversed_below_micros")),
                name="wallet_within_credit_limit",
            ),
            models.CheckConstraint(
                condition=Q(
                    credit_limit_micros__gte=0,
                    largest_credit_limit_micros__gte=F("credit_limit_micros"),
                    reversed_below_micros__gte=0,
                ),
                name="credit_limit_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.currency}"


class Transfer(models.Model):
    """An amount moved from the debit account to the credit account, once for each cause. Never changed.

    `order_id` is the order it belongs to, without a foreign key: orders stand above the books. The two ends have none
    in the database either: on PostgreSQL every order would lock the house account's row. `sutler verify` checks them.
    """

    cause = models.CharField(max_length=60, unique=True)
    debit = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    credit = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    amount_micros = models.BigIntegerField()
    order_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="transfer_two_different_ends"),
        ]
        indexes = [
            # The order's own transfers, for settling and for the proof that they add up.
            models.Index(fields=["order_id"], condition=Q(order_id__isnull=False), name="transfer_of_order"),
            # A statement, newest first. Without the id PostgreSQL reads all that others have moved since.
            models.Index(fields=["debit", "id"], name="transfer_by_debit"),
            models.Index(fields=["credit", "id"], name="transfer_by_credit"),
        ]

    def __str__(self) -> str:
        return self.cause


class Adjustment(models.Model):
    """What a member of staff makes spendable, or takes: at once, or after another member has confirmed it.

    A correction of the balance stands in the books under the cause `adjustment:` and its id. A rise of the credit limit
    moves no money; a payment in (at the shell, or the part of a confirmed payment that nobody asked for) stands there
    under a cause of its own, and its row here only counts.
    """

    class Kind(models.TextChoices):
        BALANCE = "balance"
        CREDIT_LIMIT = "credit limit"
        PAYMENT = "payment"

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        REJECTED = "rejected"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.PROTECT, related_name="adjustments")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.BALANCE)
    amount_micros = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=8, choices=State)
    # None: the operator at the shell.
    asked_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    # The second person, where one was needed.
    decided_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(amount_micros=0), name="adjustment_of_something"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")), name="adjustment_decided_by_another"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="adjustment_waiting"),
            # What one person has adjusted for one customer lately.
            models.Index(fields=["customer", "asked_by", "asked_at"], name="adjustment_lately"),
        ]

    def __str__(self) -> str:
        return f"adjustment {self.pk}"


class DayFigure(models.Model):
    """What came together on one day (UTC) for one customer, or with customer 0 for the house: kept by the worker.

    Days that are not over, and what came in the last minutes, are added from the transfers (`books.figures`).
    """

    class Kind(models.TextChoices):
        ORDERS = "orders"
        RETURNS = "returns"
        DEPOSITS = "deposits"
        # Signed: what was taken counts below zero.
        ADJUSTMENTS = "adjustments"
        REVENUE = "revenue"
        # Signed, in the providers' currencies: what came back of it counts below zero.
        COST = "cost"

    day = models.DateField()
    customer_id = models.BigIntegerField()
    currency = models.CharField(max_length=5)
    kind = models.CharField(max_length=12, choices=Kind)
    amount_micros = models.BigIntegerField()
    transfers = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer_id", "day", "currency", "kind"], name="one_figure_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.day}"


class FiguresMark(models.Model):
    """One row: the last transfer that is in the figures of the days."""

    last_transfer_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.last_transfer_id)


class Snapshot(models.Model):
    """What an account without a balance row held after transfer `through_id`, so that only what came since is summed.

    `next_id` was the last transfer at `next_at`. Ids are given out before the transfers are committed, so the next
    snapshot goes only as far as that, once everything that had an id then must have been committed or undone.
    """

    account = models.OneToOneField(LedgerAccount, primary_key=True, on_delete=models.PROTECT, related_name="+")
    through_id = models.BigIntegerField(default=0)
    sum_micros = models.BigIntegerField(default=0)
    transfers = models.BigIntegerField(default=0)
    next_id = models.BigIntegerField()
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id} after {self.through_id}"


class Verification(models.Model):
    """One proof that books and orders agree, as staff asked for it: waiting, under way, or done with what was found.

    `findings` has an object for each check: name, sentence, rows, breaches, and the first breaches (`shown`).
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    # When the last check of it ended: whoever finds it silent for too long gives it up.
    heard_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    checks = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list)
    fault = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            # Never two at once.
            models.UniqueConstraint(
                models.Value(1), condition=Q(state__in=["waiting", "running"]), name="one_open_verification"
            )
        ]

    def __str__(self) -> str:
        return f"verification {self.pk}: {self.state}"
