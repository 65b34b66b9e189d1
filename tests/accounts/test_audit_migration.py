"""Subjects of the audit log become types and ids where that is certain, and stay as they were written elsewhere."""

from importlib import import_module

import pytest

from sutler.core.subjects import SubjectType, subject_text

subject_of = import_module("sutler.accounts.migrations.0002_audit_subjects").subject_of


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("customer 3", (SubjectType.CUSTOMER, "3")),
        ("staff 2", (SubjectType.STAFF, "2")),
        ("currency EUR", (SubjectType.CURRENCY, "EUR")),
        ("3 services", (SubjectType.SERVICES, "3")),
        ("orders", (SubjectType.ORDERS, "")),
        ("catalogue", (SubjectType.CATEGORIES, "")),
        ("category", (SubjectType.CATEGORY, "")),
        ("panel", (SubjectType.PANEL, "")),
        ("all providers", (SubjectType.PROVIDERS, "")),
        ("provider North", (SubjectType.TEXT, "provider North")),
        ("verification 4", (SubjectType.VERIFICATION, "4")),
    ],
)
def test_the_subject_of_an_entry_becomes_a_type_and_an_id(text: str, subject: tuple[str, str]) -> None:
    assert subject_of(text) == subject


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (("customer", "3"), "customer 3"),
        (("services", "3"), "3 services"),
        (("orders", ""), "orders"),
        (("text", "provider North"), "provider North"),
        (("prices", ""), ""),
    ],
)
def test_a_subject_is_worded(subject: tuple[str, str], text: str) -> None:
    assert subject_text(*subject) == text
