"""Roles of staff, their audit log, the panel's face, terms, profiles: who may what, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest

from sutler.accounts import audit_log, customers, groups, panel, profile, staff, terms
from sutler.accounts.models import AuditEntry, Customer, CustomerGroup, Notice, Role, TermsVersion, User
from sutler.accounts.roles import ROLES, Permission, may, permissions_of
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
PNG, JPEG, WEBP = b"\x89PNG\r\n\x1a\n....", b"\xff\xd8\xff\xe0....", b"RIFF\x00\x00\x00\x00WEBPVP8 "


def member(email: str, role: Role = Role.SUPPORT) -> User:
    return User.objects.create_user(email, is_staff=True, role=role, date_joined=NOW)


def test_every_role_has_its_permissions_and_only_owners_choose_the_staff() -> None:
    assert set(ROLES) == set(Role)
    assert ROLES[Role.OWNER] == set(Permission)
    assert {role for role, allowed in ROLES.items() if Permission.STAFF in allowed} == {Role.OWNER}
    assert {role for role, allowed in ROLES.items() if Permission.ADJUST_BALANCE in allowed} == {
        Role.OWNER,
        Role.MANAGER,
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"is_staff": True, "role": Role.SUPPORT}, True),
        ({"is_staff": True, "role": Role.FULFILMENT}, False),
        ({"is_staff": True}, False),
        ({"is_staff": True, "role": Role.SUPPORT, "is_active": False}, False),
        ({}, False),
    ],
)
def test_a_person_may_what_their_role_may(fields: dict[str, Any], expected: bool) -> None:
    person = User.objects.create_user("p@example.com", date_joined=NOW, **fields)
    assert may(person, Permission.TICKETS) is expected


def test_customers_may_nothing(alice: Customer) -> None:
    person = User.objects.create_user("p@example.com", customer=alice, date_joined=NOW)
    assert permissions_of(person) == frozenset()


def test_a_role_is_given_and_written_down(sam: User) -> None:
    sue = member("sue@example.com")
    assert staff.give_role(sue.pk, "manager", sam, NOW) is None
    sue.refresh_from_db()
    assert sue.role == Role.MANAGER
    [entry] = audit_log.recent(subject_type="staff", subject_id=sue.pk)
    assert (entry.actor, entry.before, entry.after) == (sam, {"role": "support"}, {"role": "manager"})


def test_the_last_owner_stays_owner(sam: User, alice: Customer) -> None:
    no = Refusal(Reason.MOVE_NOT_ALLOWED)
    assert staff.give_role(sam.pk, "support", sam, NOW) == no
    assert staff.set_active(sam.pk, active=False, actor=sam, now=NOW) == no
    sue = member("sue@example.com", Role.OWNER)
    assert staff.set_active(sam.pk, active=False, actor=sam, now=NOW) == Refusal(Reason.OTHER_PERSON_NEEDED)
    assert staff.give_role(sam.pk, "support", sam, NOW) == Refusal(Reason.OTHER_PERSON_NEEDED)
    assert staff.set_active(sam.pk, active=False, actor=sue, now=NOW) is None
    assert [(each.email, each.is_active) for each in staff.members()] == [
        ("sue@example.com", True),
        ("sam@example.com", False),
    ]
    assert staff.give_role(sam.pk, "emperor", sam, NOW) == Refusal(Reason.INCORRECT_FIELD, "role")
    assert staff.give_role(999, "owner", sam, NOW) == Refusal(Reason.NOT_FOUND)


def test_the_audit_log_is_read_page_by_page_and_never_changed(sam: User) -> None:
    for number in range(5):
        audit_log.write(sam, "did", Subject(SubjectType.ALARM, number), NOW)
    newest = audit_log.recent(limit=2)
    assert [each.subject_id for each in newest] == ["4", "3"]
    assert [each.subject_id for each in audit_log.recent(before=newest[-1].pk, limit=2)] == ["2", "1"]
    with pytest.raises(TypeError):
        AuditEntry.objects.filter(pk=newest[0].pk).update(reason="another")
    with pytest.raises(TypeError):
        AuditEntry.objects.all().delete()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": "x" * 201}),
        ("time_zone", {"time_zone": "Mars/Base"}),
        ("language", {"language": "xx"}),
        ("notices", {"notices": ["spam"]}),
    ],
)
def test_a_profile_takes_only_what_there_is(sam: User, field: str, values: dict[str, object]) -> None:
    good: dict[str, object] = {"name": "Sam", "time_zone": "Europe/Berlin", "language": "en", "notices": ["funds"]}
    assert profile.change(sam.pk, **(good | values)) == Refusal(Reason.INCORRECT_FIELD, field)  # type: ignore[arg-type]
    sam.refresh_from_db()
    assert sam.time_zone == ""


def test_a_profile_is_kept(sam: User) -> None:
    assert profile.change(sam.pk, name=" Sam  S ", time_zone="Asia/Tokyo", language="", notices=["funds"]) is None
    sam.refresh_from_db()
    assert (sam.name, sam.time_zone, sam.language) == ("Sam S", "Asia/Tokyo", "")
    assert profile.wants(sam, Notice.FUNDS)
    assert not profile.wants(sam, Notice.TICKETS)


@pytest.mark.parametrize(("said", "kept"), [("de", "DE"), ("", ""), ("XX", None), ("DEU", None)])
def test_a_country_is_a_code(alice: Customer, said: str, kept: str | None) -> None:
    outcome = customers.set_country(alice.pk, said)
    alice.refresh_from_db()
    assert outcome == (None if kept is not None else Refusal(Reason.INCORRECT_FIELD, "country"))
    assert alice.country == (kept or "")


def test_the_panel_has_the_name_of_the_settings_until_staff_give_it_another(sam: User) -> None:
    assert (panel.profile().name, panel.logo()) == ("Sutler", None)
    assert panel.change("Acme  Desk", "All good", "#A1B2C3", sam, NOW) is None
    assert (panel.profile().name, panel.profile().accent) == ("Acme Desk", "#a1b2c3")
    [entry] = audit_log.recent(subject_type="panel")
    assert entry.before == {"name": "Sutler", "tagline": "", "accent": ""}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", ("", "", "")),
        ("name", ("x" * 61, "", "")),
        ("tagline", ("x", "y" * 201, "")),
        ("accent", ("x", "", "red")),
        ("accent", ("x", "", "#12345")),
        ("accent", ("x", "", "#12345g")),
        ("accent", ("x", "", "#123456;}")),
    ],
)
def test_the_panels_face_takes_only_what_can_be_shown(sam: User, field: str, given: tuple[str, str, str]) -> None:
    assert panel.change(*given, sam, NOW) == Refusal(Reason.INCORRECT_FIELD, field)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (WEBP, "image/webp"),
        (b"<svg onload=x>", ""),
        (b"GIF89a", ""),
        (b"", ""),
        (PNG.ljust(200_001, b"x"), ""),
    ],
)
def test_a_logo_is_what_its_bytes_say(sam: User, content: bytes, media_type: str) -> None:
    refusal = panel.set_logo(content, sam, NOW)
    assert (refusal is None) is bool(media_type)
    assert panel.logo() == ((content, media_type) if media_type else None)
    assert panel.set_logo(None, sam, NOW) is None
    assert panel.logo() is None


def test_terms_are_accepted_version_by_version(sam: User) -> None:
    assert terms.accepted(sam)
    first = terms.publish("Be good.", "No fakes.", sam, NOW)
    assert isinstance(first, TermsVersion)
    assert terms.publish("Be good.", "No fakes.", sam, NOW) == first
    assert not terms.accepted(sam)
    assert [terms.accept(sam, first.pk, NOW) for _ in range(2)] == [None, None]
    assert terms.accepted(sam)
    second = terms.publish("Be better.", "No fakes.", sam, NOW + timedelta(days=1))
    assert isinstance(second, TermsVersion)
    assert terms.current() == second
    assert not terms.accepted(sam)
    assert terms.accept(sam, first.pk, NOW) == Refusal(Reason.INCORRECT_FIELD, "terms")


@pytest.mark.parametrize(
    ("text", "use", "field"), [("", "", "terms"), ("a\x00b", "", "terms"), ("a", "\x07", "acceptable_use")]
)
def test_terms_are_a_text(sam: User, text: str, use: str, field: str) -> None:
    assert terms.publish(text, use, sam, NOW) == Refusal(Reason.INCORRECT_FIELD, field)


def test_a_group_with_customers_stays(sam: User, alice: Customer) -> None:
    group = groups.save("Resellers", 750, sam, NOW)
    assert isinstance(group, CustomerGroup)
    assert customers.set_group(alice.pk, group, sam, NOW) is None
    assert groups.remove(group.pk, sam, NOW) == Refusal(Reason.MOVE_NOT_ALLOWED)
    assert [each.member_count for each in groups.listed()] == [1]  # type: ignore[attr-defined]
    assert customers.set_group(999, group, sam, NOW) == Refusal(Reason.NOT_FOUND)
    assert groups.save("Partners", 800, sam, NOW, group_id=999) == Refusal(Reason.NOT_FOUND)


def test_what_does_not_change_is_not_written_down(sam: User, alice: Customer) -> None:
    for _ in range(2):
        assert customers.change(alice.pk, customers.Draft("Alice Ltd", "DE"), sam, NOW) is None
    [entry] = audit_log.recent(subject_type="customer", subject_id=alice.pk)
    assert entry.before == {"name": "Alice", "country": ""}
    assert entry.after == {"name": "Alice Ltd", "country": "DE"}
