"""The office's customers: found, opened, changed, adjusted, signed in as."""

import re

import pytest
from django.core import mail as outgoing
from django.test import Client

from sutler.accounts import audit_log, keys, mail
from sutler.accounts.models import ApiKey, Customer, CustomerGroup, Role, User
from sutler.books.models import Adjustment, LedgerAccount
from sutler.catalogue.models import PriceOverride, Service
from sutler.core.clock import SystemClock
from tests.conftest import START_MICROS, make_customer
from tests.pages.conftest import browser_of, make_person

pytestmark = pytest.mark.postgresql

UNIT = 1_000_000


def balance(customer: Customer) -> int:
    return LedgerAccount.objects.get(customer=customer).balance_micros or 0


def errors(html: str) -> list[str]:
    """What stands beside fields as wrong with them."""
    return re.findall(r'<ul class="errorlist" id="id_(\w+)_error"', html)


def support() -> Client:
    return browser_of(make_person("support@example.com", role=Role.SUPPORT))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {"Alice", "Bob"}),
        ({"q": "ali"}, {"Alice"}),
        ({"q": "bob@exam"}, {"Bob"}),
        ({"q": "{alice}"}, {"Alice"}),
        ({"state": "off"}, {"Bob"}),
        ({"q": "nobody"}, set()),
    ],
)
def test_customers_are_found(
    alice: Customer, bob: Customer, sam_browser: Client, asked: dict[str, str], found: set[str]
) -> None:
    make_person("bob@example.com", bob)
    Customer.objects.filter(pk=bob.pk).update(suspended_at=SystemClock().now())
    given = {name: value.replace("{alice}", str(alice.pk)) for name, value in asked.items()}
    html = sam_browser.get("/office/customers", given).content.decode()
    assert set(re.findall(r'<a href="/office/customers/\d+">(\w+)</a>', html)) == found


def test_a_customer_is_opened_and_somebody_invited(sam_browser: Client) -> None:
    answer = sam_browser.post("/office/customers/new", {"name": "Eve", "currency": "USD", "email": "eve@example.com"})
    made = Customer.objects.get(name="Eve")
    assert answer.headers["Location"] == f"/office/customers/{made.pk}"
    assert balance(made) == 0
    mail.send_due(SystemClock().now())
    [letter] = outgoing.outbox
    link = re.search(r"http://testserver(/\S+)", str(letter.body))
    assert link is not None
    guest = Client()
    form = guest.get(link[1], follow=True)
    guest.post(form.request["PATH_INFO"], {"password1": "a long pass phrase", "password2": "a long pass phrase"})
    assert User.objects.get(email="eve@example.com").check_password("a long pass phrase")


def test_an_address_is_taken_once_and_nothing_is_opened_then(sam_browser: Client) -> None:
    given = {"name": "Eve", "currency": "USD", "email": "owner@example.com"}
    html = sam_browser.post("/office/customers/new", given).content.decode()
    assert errors(html) == ["email"]
    assert 'value="Eve"' in html
    assert not Customer.objects.exists()


def test_what_staff_say_of_a_customer_is_kept(alice: Customer, sam_browser: Client) -> None:
    page = f"/office/customers/{alice.pk}/edit"
    good = {"name": "Alice Ltd", "country": "de", "credit_limit": "50", "repeat_window_seconds": "60"}
    sam_browser.post(page, good | {"integer_services": "on"})
    alice.refresh_from_db()
    assert (alice.name, alice.country, alice.repeat_window_seconds, alice.integer_services) == (
        "Alice Ltd",
        "DE",
        60,
        True,
    )
    wallet = LedgerAccount.objects.get(customer=alice)
    assert (wallet.credit_limit_micros, wallet.largest_credit_limit_micros) == (50 * UNIT, 50 * UNIT)
    sam_browser.post(page, good | {"credit_limit": "0"})
    wallet.refresh_from_db()
    assert (wallet.credit_limit_micros, wallet.largest_credit_limit_micros) == (0, 50 * UNIT)
    assert {each.action for each in audit_log.recent(subject_type="customer", subject_id=alice.pk)} == {
        "customer changed",
        "credit limit set",
    }


def test_a_wrong_country_stands_beside_its_field_and_nothing_changes(alice: Customer, sam_browser: Client) -> None:
    given = {"name": "Other", "country": "XX", "credit_limit": "5", "repeat_window_seconds": "0"}
    html = sam_browser.post(f"/office/customers/{alice.pk}/edit", given).content.decode()
    assert errors(html) == ["country"]
    alice.refresh_from_db()
    assert alice.name == "Alice"


def test_nobody_owes_more_than_the_limit(sam_browser: Client) -> None:
    customer = make_customer("Eve", balance_micros=0)
    LedgerAccount.objects.filter(customer=customer).update(
        credit_limit_micros=9 * UNIT, largest_credit_limit_micros=9 * UNIT, balance_micros=-5 * UNIT
    )
    given = {"name": "Eve", "credit_limit": "4.99", "repeat_window_seconds": "0"}
    html = sam_browser.post(f"/office/customers/{customer.pk}/edit", given).content.decode()
    assert errors(html) == ["credit_limit"]


def test_support_may_change_no_money(alice: Customer) -> None:
    browser = support()
    given = {"name": "Alice", "credit_limit": "50", "repeat_window_seconds": "0"}
    browser.post(f"/office/customers/{alice.pk}/edit", given)
    assert LedgerAccount.objects.get(customer=alice).credit_limit_micros == 0
    for page in (f"customers/{alice.pk}/adjust", "adjustments", "groups", "currencies"):
        assert browser.get(f"/office/{page}").status_code == 404, page
    html = browser.get(f"/office/customers/{alice.pk}/prices").content.decode()
    assert "Save custom rate" not in html
    browser.post(f"/office/customers/{alice.pk}/prices/set", {"service": "1", "rate": "1"})
    assert not PriceOverride.objects.exists()


def test_a_customer_is_suspended_for_a_reason_and_resumed(alice: Customer, sam_browser: Client) -> None:
    page = f"/office/customers/{alice.pk}"
    html = sam_browser.post(f"{page}/suspend", {"reason": ""}).content.decode()
    assert errors(html) == ["reason"]
    for do, is_suspended in (("suspend", True), ("resume", False)):
        sam_browser.post(f"{page}/{do}", {"reason": "Chargeback"})
        alice.refresh_from_db()
        assert (alice.suspended_at is not None) is is_suspended
    assert [each.reason for each in audit_log.recent(subject_type="customer", subject_id=alice.pk)] == [
        "Chargeback"
    ] * 2


def test_an_adjustment_is_shown_before_it_is_made_and_made_once(alice: Customer, sam_browser: Client) -> None:
    page = f"/office/customers/{alice.pk}/adjust"
    given = {"amount": "-25.50", "reason": "Paid twice"}
    html = sam_browser.post(page, given).content.decode()
    assert "9,974.50" in html
    assert balance(alice) == START_MICROS
    last = re.search(r'name="last_id" value="(\d*)"', html)
    assert last is not None
    sam_browser.post(f"{page}/apply", given | {"last_id": last[1]})
    again = sam_browser.post(f"{page}/apply", given | {"last_id": last[1]})
    assert "after you opened this page" in again.content.decode()
    assert balance(alice) == START_MICROS - 25_500_000


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amount": "0", "reason": "x"}, "amount"),
        ({"amount": "5", "reason": " "}, "reason"),
        ({"amount": "much", "reason": "x"}, "amount"),
        ({"amount": "-10000.01", "reason": "x"}, "amount"),
    ],
)
def test_a_wrong_adjustment_is_told_beside_its_field(
    alice: Customer, sam_browser: Client, given: dict[str, str], field: str
) -> None:
    for page in ("adjust", "adjust/apply"):
        html = sam_browser.post(f"/office/customers/{alice.pk}/{page}", given).content.decode()
        assert errors(html) == [field]
    assert balance(alice) == START_MICROS


def test_a_large_adjustment_waits_for_another_person(alice: Customer, sam_browser: Client, settings: object) -> None:
    settings.SUTLER = settings.SUTLER | {"SUTLER_ADJUSTMENT_LIMIT": 10}  # type: ignore[attr-defined]
    given = {"amount": "100", "reason": "Goodwill", "last_id": "0"}
    sam_browser.post(f"/office/customers/{alice.pk}/adjust/apply", given)
    made = Adjustment.objects.get()
    assert "Another person must confirm" in sam_browser.get("/office/adjustments").content.decode()
    sam_browser.post(f"/office/adjustments/{made.pk}/confirm")
    assert balance(alice) == START_MICROS
    other = browser_of(make_person("manager@example.com", role=Role.MANAGER))
    other.post(f"/office/adjustments/{made.pk}/confirm")
    assert balance(alice) == START_MICROS + 100 * UNIT


def test_a_large_credit_limit_waits_for_another_person(alice: Customer, sam_browser: Client, settings: object) -> None:
    settings.SUTLER = settings.SUTLER | {"SUTLER_ADJUSTMENT_LIMIT": 10}  # type: ignore[attr-defined]
    given = {"name": "Alice", "credit_limit": "100000", "repeat_window_seconds": "0"}
    html = sam_browser.post(f"/office/customers/{alice.pk}/edit", given, follow=True).content.decode()
    assert "The credit limit awaits confirmation by a second person" in html
    assert "Higher credit limit" in sam_browser.get("/office/adjustments").content.decode()
    limit = LedgerAccount.objects.filter(customer=alice).values_list("credit_limit_micros", flat=True)
    assert limit.get() == 0
    other = browser_of(make_person("manager@example.com", role=Role.MANAGER))
    other.post(f"/office/adjustments/{Adjustment.objects.get().pk}/confirm")
    assert limit.get() == 100_000 * UNIT


def test_prices_of_their_own(alice: Customer, service: Service, sam_browser: Client) -> None:
    page = f"/office/customers/{alice.pk}/prices"
    group = CustomerGroup.objects.create(name="Resellers", discount_basis_points=750)
    sam_browser.post(page.replace("/prices", "/group"), {"group": group.pk})
    alice.refresh_from_db()
    assert alice.group == group
    html = sam_browser.post(f"{page}/set", {"service": "999", "rate": "0.5"}).content.decode()
    assert errors(html) == ["service"]
    sam_browser.post(f"{page}/set", {"service": service.pk, "rate": "0.5"})
    assert PriceOverride.objects.get().rate_micros == 500_000
    assert "0.50" in sam_browser.get(page).content.decode()
    sam_browser.post(f"{page}/{service.pk}/remove")
    assert not PriceOverride.objects.exists()
    assert [each.action for each in audit_log.recent()] == ["own rate removed", "own rate set", "group set"]


def test_keys_are_revoked_of_this_customer_alone(alice: Customer, bob: Customer, sam_browser: Client) -> None:
    key = keys.create("k" * 64, SystemClock().now(), customer_id=alice.pk)
    assert sam_browser.post(f"/office/customers/{bob.pk}/keys/{key.pk}/revoke").status_code == 404
    sam_browser.post(f"/office/customers/{alice.pk}/keys/{key.pk}/revoke")
    assert ApiKey.objects.get(pk=key.pk).revoked_at is not None
    assert "Revoked" in sam_browser.get(f"/office/customers/{alice.pk}/access").content.decode()


def test_staff_sign_in_as_a_customer_and_it_is_written_down(alice: Customer, sam_browser: Client) -> None:
    sam_browser.post(f"/office/customers/{alice.pk}/sign-in")
    assert "signed in as Alice" in sam_browser.get("/dashboard").content.decode()
    [entry] = audit_log.recent(subject_type="customer", subject_id=alice.pk)
    assert entry.action == "signed in as"
    manager = browser_of(make_person("fulfil@example.com", role=Role.FULFILMENT))
    assert manager.post(f"/office/customers/{alice.pk}/sign-in").status_code == 404


@pytest.mark.parametrize("part", ["", "/statement", "/adjust", "/prices", "/access", "/edit"])
def test_a_customers_pages_need_few_queries(
    alice: Customer, service: Service, sam_browser: Client, part: str, django_assert_max_num_queries: object
) -> None:
    make_person("alice@example.com", alice)
    sam_browser.get(f"/office/customers/{alice.pk}{part}")  # the process keeps the panel's face
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert sam_browser.get(f"/office/customers/{alice.pk}{part}").status_code == 200


def test_groups(alice: Customer, sam_browser: Client) -> None:
    sam_browser.post("/office/groups", {"name": "Resellers", "discount": "7.25"})
    group = CustomerGroup.objects.get()
    assert group.discount_basis_points == 725
    assert errors(sam_browser.post("/office/groups", {"name": "Resellers", "discount": "1"}).content.decode()) == [
        "name"
    ]
    assert errors(sam_browser.post("/office/groups", {"name": "X", "discount": "100"}).content.decode()) == ["discount"]
    sam_browser.post(f"/office/groups/{group.pk}", {"name": "Partners", "discount": "8"})
    Customer.objects.filter(pk=alice.pk).update(group=group)
    assert "7.25" not in sam_browser.get("/office/groups").content.decode()
    sam_browser.post(f"/office/groups/{group.pk}/remove")
    assert CustomerGroup.objects.get().name == "Partners"
    Customer.objects.filter(pk=alice.pk).update(group=None)
    sam_browser.post(f"/office/groups/{group.pk}/remove")
    assert not CustomerGroup.objects.exists()


def test_a_rate_shows_its_effect_before_it_is_set(service: Service, sam_browser: Client) -> None:
    given = {"currency": "eur", "way": "of_one", "number": "1.25"}
    html = sam_browser.post("/office/currencies", given).content.decode()
    assert "0.72" in html
    assert "EUR" not in sam_browser.get("/office/currencies").content.decode().replace("like EUR", "")
    sam_browser.post("/office/currencies/set", given)
    assert "1.25" in sam_browser.get("/office/currencies").content.decode()
    for wrong in ("USD", "€"):
        given = {"currency": wrong, "way": "of_base", "number": "1"}
        for page in ("/office/currencies", "/office/currencies/set"):
            assert errors(sam_browser.post(page, given).content.decode()) == ["currency"]
