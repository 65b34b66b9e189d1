"""What happened, what people want to hear, and what is delivered to whom."""

from django.db import models
from django.db.models import Q


class Reading(models.Model):
    """One row: how far the readers have come. Locked while one reads, so that there is one at a time."""

    since = models.DateTimeField()
    last_event_id = models.BigIntegerField(default=0)
    # When a worker last read: whoever reads next sees how long none did.
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"event {self.last_event_id}"


class Notice(models.Model):
    """One thing that happened. `key` names the row that it was read from, so that nothing is noticed twice."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=60, unique=True)
    # Whose it is; None: it is for staff, or for all customers.
    customer = models.ForeignKey("accounts.Customer", null=True, on_delete=models.CASCADE, related_name="+")
    # IDs, amounts in micros, causes: worded when it is delivered, in the reader's language (`texts`).
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="notice_at")]

    def __str__(self) -> str:
        return self.key


class Preferences(models.Model):
    """What a person wants to hear of, and when. Without a row: the defaults of the table, at once."""

    class When(models.TextChoices):
        AT_ONCE = "at once"
        DAILY = "daily"

    user = models.OneToOneField("accounts.User", primary_key=True, on_delete=models.CASCADE, related_name="hears")
    # Kinds that were chosen or refused: {"ticket": false}. What is not named is as the table has it.
    kinds = models.JSONField(default=dict)
    when = models.CharField(max_length=8, choices=When, default=When.AT_ONCE)
    # Hours of the person's own clock. From the first to the second nothing is sent; the same: no quiet hours.
    daily_hour = models.PositiveSmallIntegerField(default=9)
    quiet_from = models.PositiveSmallIntegerField(default=0)
    quiet_until = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(daily_hour__lt=24, quiet_from__lt=24, quiet_until__lt=24), name="hours_of_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"


class Channel(models.Model):
    """A place besides e-mail where staff hear of some kinds: a chat, a webhook."""

    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=60)
    settings = models.JSONField(default=dict)
    sealed_settings = models.TextField(blank=True, default="")
    # Kinds of notices for staff.
    kinds = models.JSONField(default=list)
    language = models.CharField(max_length=10, blank=True)
    is_on = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One letter or message: what happened of one topic (a kind, or a digest) for one person or channel.

    While it is open more is added to it; claimed, it is sent.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        # A letter that stands in the queue of letters.
        QUEUED = "queued"
        SENT = "sent"
        GIVEN_UP = "given up"

    person = models.ForeignKey("accounts.User", null=True, on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE, related_name="deliveries")
    topic = models.CharField(max_length=20)
    # The first twenty; `count` counts all.
    notice_ids = models.JSONField(default=list)
    count = models.PositiveIntegerField(default=0)
    is_open = models.BooleanField(default=True)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    subject = models.CharField(max_length=200, blank=True)
    fault = models.CharField(max_length=300, blank=True)
    letter = models.OneToOneField("accounts.Letter", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=False, channel=None) | Q(person=None, channel__isnull=False),
                name="delivery_has_one_receiver",
            ),
            models.UniqueConstraint(
                fields=["person", "topic"], condition=Q(is_open=True, person__isnull=False), name="one_open_a_person"
            ),
            models.UniqueConstraint(
                fields=["channel", "topic"], condition=Q(is_open=True, channel__isnull=False), name="one_open_a_channel"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="delivery_due"),
            models.Index(fields=["state"], condition=Q(state="queued"), name="delivery_queued"),
            models.Index(fields=["person", "topic", "closed_at"], name="delivery_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.topic}: {self.state}"
