"""Wrong passwords slow whoever guesses, not the owner.

Counted are the attempts of an address at an account, of an address, and of all strangers at an account. A browser that
has signed in to the account before is known by a cookie: it is counted by itself and meets none of the others' limits
(OWASP: device cookies).
"""

import hashlib

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from sutler.core.clock import new_token

COOKIE = "device"
PER_GUESSER, PER_ADDRESS, ALL_STRANGERS = "5/5m/key", "10/m/ip", "300/h/key"
_KEPT_SECONDS = 365 * 24 * 3600
_SALT = "sutler.web.sign_in.guessing"


def count(request: HttpRequest, account: str) -> ratelimit.RateLimitUsage | None:
    """Counts an attempt to sign in to the account; returns what may be taken back, or None if it is one too many.

    Whoever is over a limit of their own uses up nothing of the account's.
    """
    device = _device(request, account)
    limits = [(f"{device or ratelimit.get_ip(request)} {account}", PER_GUESSER)]
    if not device:
        limits += [("", PER_ADDRESS), (account, ALL_STRANGERS)]
    spent = ratelimit.RateLimitUsage(usage=[])
    for key, rate in limits:
        usage = ratelimit.consume(request, app="sutler", action="guess", key=key, config={"guess": rate})
        if usage is None:
            return None
        spent.usage += usage.usage
    return spent


def remember(response: HttpResponseBase, account: str) -> None:
    """Has the browser known at the account from now on: somebody has signed in with it."""
    response.set_cookie(
        COOKIE,
        signing.dumps([_name(account), new_token()[:16]], salt=_SALT),
        _KEPT_SECONDS,
        path="/account/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _device(request: HttpRequest, account: str) -> str:
    """Returns what tells the browser from others if it is known at the account, else nothing."""
    try:
        name, device = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_KEPT_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(device) if name == _name(account) else ""


def _name(account: str) -> str:
    return hashlib.sha256(account.encode()).hexdigest()
