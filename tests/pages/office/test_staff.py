"""The office's staff, its audit log and its settings."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from sutler.accounts import audit_log, panel, terms
from sutler.accounts.models import Customer, Role, TermsVersion, User
from sutler.core.clock import SystemClock
from sutler.core.subjects import Subject, SubjectType
from tests.conftest import NOW
from tests.pages.conftest import browser_of, make_person
from tests.pages.office.test_customers import errors

PNG = b"\x89PNG\r\n\x1a\n...."


def owner() -> User:
    return User.objects.get(email="owner@example.com")


def test_somebody_is_invited_in_a_role(sam_browser: Client) -> None:
    sam_browser.post("/office/staff", {"email": "Sue@example.com", "name": "Sue", "role": "support"})
    sue = User.objects.get(email="sue@example.com")
    assert (sue.role, sue.is_staff, sue.has_usable_password()) == (Role.SUPPORT, True, False)
    html = sam_browser.post("/office/staff", {"email": "sue@example.com", "role": "owner"}).content.decode()
    assert errors(html) == ["email"]
    assert "Invited" in html


def test_roles_change_and_people_leave_but_nobody_does_it_to_themselves(sam_browser: Client) -> None:
    sue = make_person("sue@example.com", role=Role.SUPPORT)
    page = f"/office/staff/{sue.pk}"
    sam_browser.post(f"{page}/role", {"role": "manager"})
    sam_browser.post(f"{page}/deactivate")
    sue.refresh_from_db()
    assert (sue.role, sue.is_active) == (Role.MANAGER, False)
    sam_browser.post(f"{page}/reactivate")
    sue.refresh_from_db()
    assert sue.is_active
    for deed in ("role", "deactivate"):
        sam_browser.post(f"/office/staff/{owner().pk}/{deed}", {"role": "support"})
    assert "last owner" in sam_browser.get("/office/staff").content.decode()
    sam_browser.post(f"{page}/role", {"role": "owner"})
    sam_browser.post(f"/office/staff/{owner().pk}/deactivate")
    assert (owner().role, owner().is_active) == (Role.OWNER, True)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SUPPORT, Role.FULFILMENT])
def test_only_owners_choose_the_staff_and_the_settings(sam_browser: Client, role: str) -> None:
    browser = browser_of(make_person("who@example.com", role=role))
    for page in ("staff", "settings", "settings/terms", "settings/limits"):
        assert browser.get(f"/office/{page}").status_code == 404
    assert browser.post(f"/office/staff/{owner().pk}/deactivate").status_code == 404


def test_a_customer_is_no_member_of_staff(alice: Customer, sam_browser: Client) -> None:
    person = make_person("alice@example.com", alice)
    assert sam_browser.post(f"/office/staff/{person.pk}/role", {"role": "owner"}).status_code == 404


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["did", "did", "made"]),
        ({"about": "customer"}, ["did", "did", "made"]),
        ({"about": "order"}, []),
        ({"about": "customer", "id": "1"}, ["did", "made"]),
        ({"action": "mad"}, ["made"]),
        ({"actor": "{owner}"}, ["did"]),
        ({"last": "2026-11-20"}, []),
        ({"first": "2026-11-21", "last": "2026-11-21"}, ["did", "did", "made"]),
        ({"actor": "x"}, ["did", "did", "made"]),
    ],
)
def test_the_audit_log_is_filtered(sam_browser: Client, asked: dict[str, str], found: list[str]) -> None:
    audit_log.write(None, "made", Subject(SubjectType.CUSTOMER, 1), NOW, reason="<b>why", after={"name": "<i>"})
    audit_log.write(None, "did", Subject(SubjectType.CUSTOMER, 1), NOW)
    audit_log.write(owner(), "did", Subject(SubjectType.CUSTOMER, 2), NOW)
    given = {name: value.replace("{owner}", str(owner().pk)) for name, value in asked.items()}
    html = sam_browser.get("/office/audit", given).content.decode()
    assert re.findall(r'data-label="Action">(\w+)<', html) == found
    assert "<b>why" not in html
    assert "<i>" not in html


def test_the_panels_face_is_set(sam_browser: Client) -> None:
    given = {"name": "Harbour", "tagline": "Orders, calmly", "accent": "#1F6F5c"}
    sam_browser.post("/office/settings", given)
    kept = panel.profile()
    assert (kept.name, kept.tagline, kept.accent) == ("Harbour", "Orders, calmly", "#1f6f5c")
    html = sam_browser.post("/office/settings", given | {"accent": "green", "name": "Other"}).content.decode()
    assert errors(html) == ["accent"]
    assert 'value="Other"' in html


def test_a_logo_is_an_image(sam_browser: Client) -> None:
    page = "/office/settings/logo"
    assert sam_browser.get(f"{page}/image").status_code == 404
    for wrong in (b"<svg onload=alert(1)>", PNG + b"x" * 200_000):
        html = sam_browser.post(page, {"logo": SimpleUploadedFile("logo.png", wrong)}).content.decode()
        assert errors(html) == ["logo"]
    sam_browser.post(page, {"logo": SimpleUploadedFile("logo.svg", PNG)})
    answer = sam_browser.get(f"{page}/image")
    assert (answer.content, answer.headers["Content-Type"]) == (PNG, "image/png")
    sam_browser.post(f"{page}/remove")
    assert panel.logo() is None


def test_terms_are_previewed_and_then_published(sam_browser: Client) -> None:
    page, given = "/office/settings/terms", {"terms": "Be <fair>.\n\nAlways.", "acceptable_use": ""}
    html = sam_browser.post(page, given).content.decode()
    assert "<p>Be &lt;fair&gt;.</p>" in html
    assert not TermsVersion.objects.exists()
    for _ in range(2):
        sam_browser.post(f"{page}/publish", given)
    assert TermsVersion.objects.count() == 1
    current = terms.current()
    assert current is not None
    assert current.terms == "Be <fair>.\n\nAlways."
    assert errors(sam_browser.post(f"{page}/publish", {"terms": " "}).content.decode()) == ["terms"]


def test_limits_are_shown_and_no_secret_is(sam_browser: Client, settings: object) -> None:
    settings.SUTLER = settings.SUTLER | {"SUTLER_SECRET_KEY": "hidden-secret"}  # type: ignore[attr-defined]
    html = sam_browser.get("/office/settings/limits").content.decode()
    assert "SUTLER_KEY_REQUESTS_PER_SECOND" in html
    assert "hidden-secret" not in html


def test_an_invitation_is_written_anew_until_it_is_taken(sam_browser: Client) -> None:
    sam_browser.post("/office/staff", {"email": "sue@example.com", "role": "support"})
    sue = User.objects.get(email="sue@example.com")
    sam_browser.post(f"/office/staff/{sue.pk}/invite")
    assert "Invitation sent to" in sam_browser.get("/office/staff").content.decode()
    sue.set_password("a long pass phrase")
    sue.save()
    sam_browser.post(f"/office/staff/{sue.pk}/invite")
    assert "This person has already signed in" in sam_browser.get("/office/staff").content.decode()
    assert [each.at <= SystemClock().now() for each in audit_log.recent(action="invited")] == [True]
