"""Customers, people, groups and API keys."""

from typing import Any, ClassVar, NoReturn

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class CustomerGroup(models.Model):
    """Customers who share a discount on every service."""

    name = models.CharField(max_length=100, unique=True)
    discount_basis_points = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(discount_basis_points__lt=10_000), name="group_discount_in_range")
        ]

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """One account that buys: it holds one balance in one currency, set at creation and never changed."""

    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=5)
    group = models.ForeignKey(CustomerGroup, null=True, blank=True, on_delete=models.PROTECT)
    suspended_at = models.DateTimeField(null=True, blank=True)
    # How the account's old programs want their answers (protocol page, sections 1 and 2).
    integer_services = models.BooleanField(default=False)
    null_start_count = models.BooleanField(default=False)
    repeat_window_seconds = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    # Where they are: an ISO code, or nothing while it is not known. Some services are closed to some countries.
    country = models.CharField(max_length=2, blank=True)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member of staff does here; `accounts.roles` says what each may do."""

    OWNER = "owner"
    MANAGER = "manager"
    SUPPORT = "support"
    FULFILMENT = "fulfilment"


class Notice(models.TextChoices):
    """What a person can be told of by e-mail, if they wish."""

    TICKETS = "tickets"
    FUNDS = "funds"


class UserManager(BaseUserManager["User"]):
    """Creates people, who sign in with their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Stores a person under the normalised address; without a password nobody can sign in as them.

        Staff without a role get the one that may least.
        """
        if fields.get("is_staff"):
            fields.setdefault("role", Role.FULFILMENT)
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Stores a member of staff who may do everything."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, role=Role.OWNER, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: one of a customer's people, or staff."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="people")
    is_staff = models.BooleanField(default=False)
    role = models.CharField(max_length=10, choices=Role, blank=True)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField()
    # How they read the pages; empty: as their browser asks.
    time_zone = models.CharField(max_length=50, blank=True)
    language = models.CharField(max_length=10, blank=True)
    # The notices that they want by e-mail, separated by spaces.
    notices = models.CharField(max_length=100, blank=True, default=" ".join(Notice.values))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_staff=True, role__in=Role.values) | models.Q(is_staff=False, role=""),
                name="staff_have_a_role",
            )
        ]

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email


class ApiKey(models.Model):
    """A secret that lets a program act for a customer, or for a member of staff on the fulfilment interface.

    The secret itself is shown once and never stored: `digest` is its SHA-256, `prefix` its first eight characters.
    """

    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="keys")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="keys")
    label = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=8)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.CharField(max_length=100)
    # Networks the key may be used from, separated by spaces; empty means any.
    addresses = models.CharField(max_length=2000, blank=True)
    daily_cap_micros = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(customer__isnull=False, user__isnull=True)
                | models.Q(customer__isnull=True, user__isnull=False),
                name="key_has_one_holder",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}..."


class KeptRows(models.QuerySet[Any]):
    """Rows that are only ever inserted."""

    def update(self, **_: object) -> NoReturn:
        """Raises TypeError: nothing is changed afterwards."""
        raise TypeError("these rows are only ever inserted")

    def delete(self) -> NoReturn:
        """Raises TypeError: nothing is taken away."""
        raise TypeError("these rows are only ever inserted")


class AuditEntry(models.Model):
    """One thing that a member of staff did, why, and what it changed. Never changed, never deleted."""

    at = models.DateTimeField()
    # None: the operator, at the shell.
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)
    # What it was done to: one of `core.subjects`.
    subject_type = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    objects = KeptRows.as_manager()

    class Meta:
        indexes = [models.Index(fields=["subject_type", "subject_id", "id"], name="audit_of_subject")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_type} {self.subject_id}"


class Shared(models.Model):
    """What all processes must know for a while, kept by Django's database cache: attempts to sign in, used codes."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.cache_key


class PanelProfile(models.Model):
    """One row: how the panel presents itself."""

    name = models.CharField(max_length=60)
    tagline = models.CharField(max_length=200, blank=True)
    accent = models.CharField(max_length=7, blank=True)
    logo = models.BinaryField(null=True)
    logo_type = models.CharField(max_length=20, blank=True)
    changed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class PanelKey(models.Model):
    """One row: the digest of the secret key that everything in this database is signed and sealed with."""

    digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.digest


class TermsVersion(models.Model):
    """What customers agree to, as it stood from one day on; a change is a new version."""

    terms = models.TextField()
    acceptable_use = models.TextField(blank=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"terms {self.pk}"


class TermsAcceptance(models.Model):
    """That a person agreed to a version, and when."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="accepted_terms")
    version = models.ForeignKey(TermsVersion, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "version"], name="terms_accepted_once")]

    def __str__(self) -> str:
        return f"{self.user_id} accepted {self.version_id}"


class Letter(models.Model):
    """An e-mail to be sent: written in the transaction of what it tells, sent afterwards by the worker."""

    to = models.EmailField()
    subject = models.CharField(max_length=200)
    # What says something secret, such as a link that signs in, is in `sealed_text` instead, and only until it is sent.
    text = models.TextField()
    sealed_text = models.TextField(blank=True, default="")
    written_at = models.DateTimeField()
    # When it may be tried; None once it is sent or given up.
    due_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="letter_due")]

    def __str__(self) -> str:
        return f"{self.to}: {self.subject}"
