"""Finding a key's holder: kept for at most five seconds, forgotten at once when this process changes it."""

from collections.abc import Iterable
from concurrent.futures import Executor
from datetime import datetime

from django.db.models.signals import post_save

from sutler.accounts.keys import KeyHolder, digest, find
from sutler.accounts.models import ApiKey, Customer, User
from sutler.api import metrics
from sutler.api.gather import Gatherer
from sutler.core.clock import Clock

KEPT_SECONDS = 5.0
_MOST_KEPT = 20_000
_LAST_USE_EVERY_SECONDS = 60.0


class KeyCache:
    """Answers who holds a secret. Unknown secrets are not kept: a key works as soon as it is made."""

    def __init__(self, clock: Clock, thread: Executor) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[KeyHolder, float]] = {}
        self._look_ups: Gatherer[str, KeyHolder | None] = Gatherer(_find_each, thread)
        metrics.watch_inbox("key", self._look_ups.__len__)
        self._used: dict[int, datetime] = {}
        self._noted_at = 0.0
        for model in (ApiKey, Customer, User):
            post_save.connect(self._forget, sender=model, weak=True, dispatch_uid=f"keys-{id(self)}-{model.__name__}")

    def has(self, secret: str) -> bool:
        """Returns True if the secret was a key's when it was last looked up, lately."""
        return digest(secret) in self._kept

    def kept(self, secret: str, now_seconds: float) -> KeyHolder | None:
        """Returns the holder of a secret that was looked up in the last seconds, else None."""
        kept = self._kept.get(digest(secret))
        return kept[0] if kept is not None and kept[1] > now_seconds else None

    async def look_up(self, secret: str, now_seconds: float, address: str) -> KeyHolder | None:
        """Returns the holder of a secret, or None if no key that is not revoked has it.

        Raises gather.Full where too many are looked up already, ShareFull if too many from this address.
        """
        hashed = digest(secret)
        found = await self._look_ups.ask(hashed, address)
        if found is not None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[hashed] = (found, now_seconds + KEPT_SECONDS)
            self._used[found.key_id] = self._clock.now()
        return found

    def used_keys(self, now_seconds: float) -> dict[int, datetime]:
        """Returns the keys used lately and when, once a minute; at other times nothing."""
        if not self._used or now_seconds - self._noted_at < _LAST_USE_EVERY_SECONDS:
            return {}
        self._noted_at = now_seconds
        used, self._used = self._used, {}
        return used

    def _forget(self, **_: object) -> None:
        self._kept.clear()


def note_use(used: dict[int, datetime]) -> None:
    """Stores when keys were last used."""
    for key_id, at in used.items():
        ApiKey.objects.filter(pk=key_id).update(last_used_at=at)


def _find_each(digests: Iterable[str]) -> list[KeyHolder | None]:
    asked = list(digests)
    found = find(asked)
    return [found.get(each) for each in asked]
