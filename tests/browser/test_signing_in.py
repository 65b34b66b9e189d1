"""More than a password: an authenticator app with recovery codes, and a passkey of a virtual authenticator."""

import re
from time import sleep, time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from tests.browser import PASSWORD
from tests.browser.conftest import People
from tests.live.panel import Panel

OFFICE = re.compile("/office/$")
PERIOD_SECONDS, MARGIN_SECONDS = 30, 8
# Chromium's own authenticator for tests, which asks nobody.
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def member(panel: Panel, request: pytest.FixtureRequest) -> str:
    """The address of a member of staff of this test alone."""
    email = f"{request.function.__name__.replace('_', '-')}@example.com"
    panel.sutler("staff", "create", email, "--password", PASSWORD, "--role", "support")
    return email


def code_of(secret: str) -> str:
    """What an authenticator app shows now; it waits where the code would end before it is read."""
    if (left := PERIOD_SECONDS - time() % PERIOD_SECONDS) < MARGIN_SECONDS:
        sleep(left)
    return str(format_hotp_value(hotp_value(secret, int(time()) // PERIOD_SECONDS)))


def enter(page: Page, email: str) -> None:
    """Fills in address and password."""
    page.goto("/account/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def manage(page: Page, path: str) -> None:
    """Opens a page that asks for the password once more."""
    page.goto(path)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(f"**{path}")


def test_an_authenticator_app_is_asked_for_and_a_recovery_code_stands_in(people: People, member: str) -> None:
    page = people.signed_in(member)
    manage(page, "/account/2fa/totp/activate/")
    secret = page.locator("#authenticator_secret").input_value()
    expect(page.locator(".qr svg")).to_be_visible()
    page.get_by_label("Authenticator code").fill(code_of(secret))
    page.get_by_role("button", name="Activate").click()
    codes = page.get_by_label("Unused codes").input_value().split()
    assert len(codes) == 10

    phone = people.guest()
    enter(phone, member)
    phone.get_by_placeholder("Code").fill(code_of(secret))
    phone.get_by_role("button", name="Sign in", exact=True).click()
    phone.wait_for_url(OFFICE)

    lost = people.guest()
    enter(lost, member)
    for code in ("000000", codes[0]):
        lost.get_by_placeholder("Code").fill(code)
        lost.get_by_role("button", name="Sign in", exact=True).click()
    lost.wait_for_url(OFFICE)


def test_a_passkey_signs_in_without_a_password(panel: Panel, people: People, member: str) -> None:
    home = panel.url.replace("127.0.0.1", "localhost")  # passkeys belong to a name, never to an address
    page = people.signed_in(member, base_url=home)
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    manage(page, "/account/2fa/webauthn/add/")
    page.get_by_label("Name").fill("My laptop")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url("**/recovery-codes/")
    page.context.clear_cookies()
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(OFFICE)
    page.goto("/account/2fa/webauthn/")
    expect(page.get_by_role("row", name="My laptop")).to_contain_text("Passkey")
