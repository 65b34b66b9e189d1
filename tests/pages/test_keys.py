"""API keys: made, shown once, used, revoked."""

from django.test import Client

from sutler.accounts import keys
from sutler.accounts.models import ApiKey, Customer
from sutler.core.clock import SystemClock
from sutler.shop.keys import COOKIE

GIVEN = {"label": "Shop", "scopes": ["read", "order"], "addresses": "203.0.113.7\n2001:db8::/32", "daily_cap": "25.50"}


def test_a_key_is_shown_once_and_works(alice: Customer, alice_browser: Client) -> None:
    answer = alice_browser.post("/account/keys", GIVEN)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account/keys")
    secret = answer.cookies[COOKIE].value.partition(":")[0]
    shown = alice_browser.get("/account/keys").content.decode()
    assert secret in shown
    again = alice_browser.get("/account/keys").content.decode()
    assert secret not in again
    assert secret[:8] in again
    holder = keys.find([keys.digest(secret)])[keys.digest(secret)]
    assert (holder.customer_id, holder.scopes) == (alice.pk, frozenset({"read", "order"}))
    assert holder.daily_cap_micros == 25_500_000
    assert holder.allows_address("203.0.113.7")
    assert not holder.allows_address("203.0.113.8")


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_made(alice_browser: Client) -> None:
    answer = alice_browser.post("/account/keys", GIVEN | {"addresses": "my office", "daily_cap": "-1", "scopes": []})
    errors = answer.context["form"].errors
    assert set(errors) == {"addresses", "daily_cap", "scopes"}
    assert "my office" in answer.content.decode()
    assert not ApiKey.objects.filter(label=GIVEN["label"]).exists()


def test_a_key_is_revoked_by_its_holder_alone(alice: Customer, alice_browser: Client, bob_browser: Client) -> None:
    key = keys.create("s" * 64, SystemClock().now(), customer_id=alice.pk, label="Alice's own")
    assert "Alice&#x27;s own" not in bob_browser.get("/account/keys").content.decode()
    assert bob_browser.post(f"/account/keys/{key.pk}/revoke").status_code == 404
    assert keys.find([key.digest])
    assert alice_browser.post(f"/account/keys/{key.pk}/revoke").status_code == 302
    assert not keys.find([key.digest])
