"""Customers, people, groups and API keys."""

from typing import ClassVar

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

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Creates people, who sign in with their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Stores a person under the normalised address; without a password nobody can sign in as them."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Stores a member of staff who may do everything."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: one of a customer's people, or staff."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="people")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField()

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
