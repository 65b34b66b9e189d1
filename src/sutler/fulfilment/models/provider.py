"""Providers, how they have answered lately, what they answered badly, and what staff must look at."""

from typing import Any

from django.db import models
from django.db.models import Q

from sutler.core.charge_digits import Rounding
from sutler.core.event_texts import cause_text
from sutler.core.upstream_words import DeclineKind


class ProviderState(models.Model):
    """How a provider stands: written all the time, while what staff type (`Provider`) stays as it is."""

    class RequestIds(models.TextChoices):
        UNASKED = "unasked"
        # It says that it knows no order with an ID that nobody has used.
        CLAIMED = "claimed"
        # It has named an order of ours by the ID that was sent with it.
        KEPT = "kept"
        NONE = "none"

    # The worker that speaks with it; one at a time, so that its rate limit is kept and its ids rise as we see them.
    worker = models.CharField(max_length=64, blank=True)
    leased_until = models.DateTimeField(null=True)

    # What it said last, and by how much our books then held more than it said.
    balance_micros = models.BigIntegerField(null=True)
    balance_at = models.DateTimeField(null=True)
    gap_micros = models.BigIntegerField(null=True)
    # With how many digits it tells its charges, as far as some were seen to be rounded, and how many (`charge_digits`).
    charge_digits = models.PositiveSmallIntegerField(null=True)
    charges_rounded = models.PositiveSmallIntegerField(default=0)
    # A gap that may still be explained by orders not asked about since, and when it was first seen (`care`).
    suspect_gap_micros = models.BigIntegerField(null=True)
    suspect_at = models.DateTimeField(null=True)
    catalogue_at = models.DateTimeField(null=True)
    # The highest id that has answered as ours, where its ids are numbers; up to where the ids are audited.
    highest_id = models.BigIntegerField(default=0)
    audited_id = models.BigIntegerField(default=0)
    audited_at = models.DateTimeField(null=True)
    # The brake: until then nothing is sent, and why.
    rests_until = models.DateTimeField(null=True)
    rest_cause = models.JSONField(null=True)
    # Whether it tells which order a request ID has placed (`reconciling.request_ids`), and when it was asked that.
    request_ids = models.CharField(
        max_length=7, choices=RequestIds, default=RequestIds.UNASKED, db_default=RequestIds.UNASKED.value
    )
    request_ids_at = models.DateTimeField(null=True)
    # How far its changes feed has been read; empty where it has none, and when it was answered last (`polling.feed`).
    changes_cursor = models.CharField(max_length=100, blank=True, default="", db_default="")
    changes_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"worker {self.worker or 'none'}, highest id {self.highest_id}"

    @property
    def rounding(self) -> Rounding:
        """How finely it tells its charges."""
        return Rounding(self.charge_digits, self.charges_rounded)


class Providers(models.QuerySet["Provider"]):
    """The providers of a query."""

    def locked(self) -> "Providers":
        """Returns them with their live states, both locked, by key: belongs into a transaction of the caller's.

        Rows that point to a provider may still be added meanwhile: who adds one after writing a live state would
        otherwise wait for the lock while the lock waits for that state.
        """
        return self.select_related("live_state").select_for_update(no_key=True).order_by("pk")


class Provider(models.Model):
    """An upstream panel at which the operator holds an account: what staff type. Never deleted, only switched off.

    The key and the fixed extra fields are kept sealed (`storage.sealed`).
    """

    class State(models.TextChoices):
        ON = "on"
        # What was sent is followed; nothing new is sent.
        STOPPED = "sending stopped"
        OFF = "off"

    # The first of the rows that speak to the same account there, usually this one itself: ids and charges are its.
    account = models.ForeignKey("self", null=True, on_delete=models.DO_NOTHING, related_name="rows")
    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(max_length=500)
    sealed_key = models.TextField()
    sealed_fields = models.TextField(blank=True)
    currency = models.CharField(max_length=5)
    state = models.CharField(max_length=16, choices=State, default=State.ON)

    # How it wants to be asked (protocol page, section 5).
    method = models.CharField(max_length=4, choices=[("POST", "POST"), ("GET", "GET")], default="POST")
    key_field = models.CharField(max_length=40, default="key")
    cancel_field = models.CharField(max_length=6, choices=[("orders", "orders"), ("order", "order")], default="orders")
    trailing_slash = models.BooleanField(null=True)
    # 0: as fast as it answers.
    call_interval_milliseconds = models.PositiveIntegerField(default=1000)
    most_at_once = models.PositiveIntegerField(default=8)
    # Whether drip-feeds, and subscriptions, are handed on whole where its service takes them, or run here.
    drip_feed_there = models.BooleanField(default=False)
    subscriptions_there = models.BooleanField(default=False)

    # Unknown outcomes (reliability page).
    settle_minutes = models.PositiveIntegerField(default=15)
    # Whether ids may be asked about to find an order whose answer was lost.
    may_scan = models.BooleanField(default=False)
    # Whether people order with the same account by hand.
    is_shared = models.BooleanField(default=False)
    brake_percent = models.PositiveIntegerField(default=2)
    brake_open = models.PositiveIntegerField(default=20)

    low_balance_micros = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    live_state = models.OneToOneField(ProviderState, on_delete=models.PROTECT)

    objects = Providers.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def has_low_balance(self) -> bool:
        """Whether it told of less than staff want to have there."""
        low, balance = self.low_balance_micros, self.live_state.balance_micros
        return low is not None and balance is not None and balance < low

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Stores the row; a new one has a live state and is an account of its own unless it says otherwise."""
        if getattr(self, "live_state_id", None) is None:
            self.live_state = ProviderState.objects.create()
        super().save(*args, **kwargs)
        if self.account_id is None:
            self.account_id = self.pk
            super().save(update_fields=["account"])


def account_rows(provider_id: int) -> models.QuerySet[Provider, int]:
    """Returns the keys of all rows that speak to the account of this provider, its own among them."""
    own = Provider.objects.filter(pk=provider_id).values("account")
    return Provider.objects.filter(account__in=own).values_list("pk", flat=True)


class ProviderMinute(models.Model):
    """The calls of one minute, for the brake, the latency and the error rates. Old minutes are deleted."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="minutes")
    minute = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)
    declined = models.PositiveIntegerField(default=0)
    unanswered = models.PositiveIntegerField(default=0)
    adds = models.PositiveIntegerField(default=0)
    unknown_adds = models.PositiveIntegerField(default=0)
    total_milliseconds = models.BigIntegerField(default=0)
    slowest_milliseconds = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "minute"], name="one_row_per_provider_and_minute")]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.minute:%Y-%m-%d %H:%M}"


class LoggedCall(models.Model):
    """A call that went wrong, as it went: the key masked, the answer cut. The newest of each provider are kept."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="logged_calls")
    at = models.DateTimeField()
    action = models.CharField(max_length=20)
    asked = models.JSONField()
    answer = models.CharField(max_length=2000, blank=True)
    http_status = models.PositiveIntegerField(null=True)
    milliseconds = models.PositiveIntegerField()
    outcome = models.CharField(max_length=20)
    cause = models.JSONField(null=True)
    order_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["provider", "id"], name="logged_call_of_provider")]

    def __str__(self) -> str:
        return f"{self.action} {self.outcome}"

    @property
    def unknown_words(self) -> str:
        """What it refused with, if that was in words that are not known; else ""."""
        cause = self.cause or {}
        is_unknown = self.outcome == "Declined" and cause.get("decline_kind") == DeclineKind.OTHER.name
        return str(cause["raw"]) if is_unknown else ""


class Alarm(models.Model):
    """Something that staff must look at: one is open for each kind and provider, however many things it is about.

    The subject and `cause` are of the newest of its `subjects`.
    """

    class Kind(models.TextChoices):
        LOW_BALANCE = "low balance"
        BRAKE = "brake"
        KEY_OR_FUNDS = "key or funds refused"
        OVERCHARGE = "overcharge"
        UNDERCHARGE = "undercharge"
        REFUND = "silent refund"
        BALANCE = "balance differs"
        ORPHAN = "orphan"
        LATE_CHANGE = "changed after its end"
        LATE_ANSWER = "answer after the verdict"
        NOT_FOUND = "order not found upstream"
        FAILED = "failed upstream"
        UNKNOWN_STATUS = "unknown status"
        VERDICT = "verdict wanted"
        CATALOGUE = "catalogue"
        MARGIN = "margin"
        DESK = "no route"
        UNPAID = "post not paid"
        EXCHANGE = "exchange rate"
        REFUSED = "refused in unknown words"
        UNREAD = "unread answers"
        KEY_UNREADABLE = "key unreadable"
        BACKUP_FAILED = "backup failed"
        BACKUP_MISSED = "backup missed"
        RESTORED = "restored"
        NOTICES = "notices given up"

    provider = models.ForeignKey(Provider, null=True, on_delete=models.CASCADE, related_name="alarms")
    kind = models.CharField(max_length=30, choices=Kind)
    # One of `core.subjects`.
    subject_type = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=100, blank=True)
    cause = models.JSONField()
    times = models.PositiveIntegerField(default=1)
    raised_at = models.DateTimeField()
    last_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "kind"], condition=Q(closed_at=None), name="one_open_alarm"),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(closed_at=None, provider=None), name="one_open_alarm_of_the_panel"
            ),
        ]
        indexes = [models.Index(fields=["raised_at"], condition=Q(closed_at=None), name="alarm_open")]

    def __str__(self) -> str:
        return f"{self.kind}: {cause_text(self.cause)}"


class AlarmSubject(models.Model):
    """One thing that an alarm is about. Deleted as its cause passes; those of an alarm that staff have closed stay."""

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="subjects")
    # One of `core.subjects`.
    subject_type = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=100, blank=True)
    cause = models.JSONField()
    times = models.PositiveIntegerField(default=1)
    raised_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["alarm", "subject_type", "subject_id"], name="one_row_per_alarm_and_subject"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject_type} {self.subject_id}: {cause_text(self.cause)}"


class Heartbeat(models.Model):
    """One row: when a worker last said that it lives."""

    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"alive at {self.at}"


class ProviderTask(models.Model):
    """Something that staff want to know of a provider now: carried out by the worker that holds its line, and kept.

    `report` is what came of it, for people; what stands in it is another's: escape it.
    """

    class Kind(models.TextChoices):
        TEST = "test"
        BALANCE = "balance"
        SYNC = "sync"

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="tasks")
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    # Of a sync: whether a catalogue without half of the services that there were is taken over.
    trust = models.BooleanField(default=False)
    asked_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    report = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "kind"],
                condition=Q(state__in=["waiting", "running"]),
                name="one_open_task_of_a_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.provider_id}: {self.state}"
