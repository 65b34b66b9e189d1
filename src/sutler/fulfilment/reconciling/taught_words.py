"""Teaching the words of providers: what staff say that a refusal means, what that decides, files to share.

A word holds for the answers that come from then on, within seconds, and for the open outcomes that it decides. It never
turns an answer that names an order into a refusal.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.core import taught_words
from sutler.core.attempts import UNSETTLED, AttemptState
from sutler.core.events import declined
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.taught_words import TaughtWord
from sutler.core.text import json_text
from sutler.core.text.json_text import NotJson
from sutler.core.upstream_words import REFUSES_REQUEST, DeclineKind, is_unsure
from sutler.fulfilment.models import Attempt, Provider, Taught
from sutler.fulfilment.sending import outcome
from sutler.fulfilment.sending.outcome import Outcome
from sutler.storage.transactions import durable

MOST_WORDS = 200
# How many refused orders a preview looks at, the newest; and how many open ones are decided, so many at a time.
MOST_LOOKED_AT = 1_000
MOST_DECIDED = 1_000
AT_A_TIME = 100
LARGEST_FILE_BYTES = 256 * 1024
# Word for word the condition of the index: SQLite does not find it behind parameters.
_IN_INDEX_REFUSED = RawSQL("refusal > ''", [], BooleanField())
# In the order in which they are offered.
KINDS = tuple(kind for kind in DeclineKind if kind in REFUSES_REQUEST)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a word would have decided: the refused orders that it fits, how many of them are open.

    `is_unsure`: the text itself leaves open whether an order was placed.
    """

    refused: list[Attempt]
    open: int
    is_unsure: bool


def words_of(provider_id: int) -> tuple[TaughtWord, ...]:
    """Returns what was taught for this provider, its own words before those for all."""
    return words_by_provider([provider_id])[provider_id]


def words_by_provider(provider_ids: Iterable[int]) -> dict[int, tuple[TaughtWord, ...]]:
    """Returns the same of several, in one read."""
    own: dict[int | None, list[TaughtWord]] = defaultdict(list)
    for each in Taught.objects.filter(Q(provider=None) | Q(provider__in=provider_ids)).order_by("pk"):
        own[each.provider_id].append(TaughtWord(each.text, DeclineKind[each.kind], each.is_pattern))
    return {pk: (*own[pk], *own[None]) for pk in provider_ids}


def preview(provider_id: int | None, word: TaughtWord) -> Preview:
    """Returns which of the newest refused orders, of one provider or of all, the word would have decided."""
    found = [each for each in _refused(provider_id)[:MOST_LOOKED_AT] if taught_words.taught_kind(each.refusal, [word])]
    return Preview(found, sum(each.state in UNSETTLED for each in found), is_unsure(word.text))


def unknown_texts(provider_id: int) -> list[tuple[str, int]]:
    """Returns what the provider has refused with in words that we do not know, the most frequent first, with counts."""
    words = words_of(provider_id)
    texts = _refused(provider_id).values_list("refusal", flat=True)[:MOST_LOOKED_AT]
    return Counter(each for each in texts if taught_words.taught_kind(each, words) is None).most_common(50)


def teach(
    provider_id: int | None, word: TaughtWord, actor: User | None, now: datetime, *, name: str = "operator"
) -> Taught | Refusal:
    """Keeps the word, for one provider or (None) for all, and writes it down in the audit log.

    Refuses with INCORRECT_FIELD `text` or `kind` what cannot be taught, a pattern for a text that leaves open what was
    done among it, and with TOO_MANY_REQUESTS where there are 200 already. Taught again it is of its new kind.
    """
    text = taught_words.written(word.text, is_pattern=word.is_pattern)
    if text is None or (word.is_pattern and is_unsure(text)):
        return Refusal(Reason.INCORRECT_FIELD, "text")
    if word.kind not in KINDS:
        return Refusal(Reason.INCORRECT_FIELD, "kind")
    with durable():
        own = Taught.objects.filter(provider=provider_id)
        found = own.filter(text=text, is_pattern=word.is_pattern).select_for_update().first()
        if found is None and own.count() >= MOST_WORDS:
            return Refusal(Reason.TOO_MANY_REQUESTS)
        kept = found or Taught(provider_id=provider_id, text=text, is_pattern=word.is_pattern)
        kept.kind, kept.taught_at, kept.taught_by = word.kind.name, now, name[:60]
        kept.save()
        after = {"text": text, "kind": kept.kind, "pattern": word.is_pattern}
        audit_log.write(actor, "word taught", _whose(provider_id), now, after=after)
    return kept


def forget(word_id: int, actor: User | None, now: datetime) -> Refusal | None:
    """Forgets a word, which holds for no answer any more; refuses with NOT_FOUND."""
    with durable():
        taught = Taught.objects.filter(pk=word_id).select_for_update().first()
        if taught is None:
            return Refusal(Reason.NOT_FOUND)
        before = {"text": taught.text, "kind": taught.kind, "pattern": taught.is_pattern}
        audit_log.write(actor, "word forgotten", _whose(taught.provider_id), now, before=before)
        taught.delete()
    return None


def decide_open(provider_id: int | None, now: datetime, *, name: str = "operator") -> int:
    """Settles the open outcomes that the taught words decide, a hundred to a transaction; returns how many.

    At most 1,000 in one call. As if the provider had refused in words that we know.
    """
    decided = 0
    chosen = Provider.objects.filter(**({} if provider_id is None else {"pk": provider_id}))
    for pk in chosen.order_by("pk").values_list("pk", flat=True):
        words = words_of(pk)
        waiting = list(_refused(pk).filter(state__in=UNSETTLED)[: MOST_DECIDED - decided])
        outcomes = [
            _refusal_of(each, kind, name)
            for each in waiting
            if (kind := taught_words.taught_kind(each.refusal, words)) is not None
        ]
        for start in range(0, len(outcomes), AT_A_TIME):
            decided += len(outcome.settle(pk, outcomes[start : start + AT_A_TIME], (), now))
    return decided


def export(provider_id: int | None) -> str:
    """Returns what was taught for one provider, with what holds for all; or (None) the latter alone; as a file."""
    chosen = Taught.objects.filter(Q(provider=None) | Q(provider=provider_id)).order_by("pk")
    told = [{"text": each.text, "kind": each.kind.lower(), "pattern": each.is_pattern} for each in chosen]
    return json.dumps({"words": told}, ensure_ascii=False, indent=1) + "\n"


def read_file(content: str) -> list[TaughtWord] | Refusal:
    """Reads an exported file. Refuses with INCORRECT_FIELD `file` what is none, whole: half a file teaches nothing."""
    wrong = Refusal(Reason.INCORRECT_FIELD, "file")
    if len(content) > LARGEST_FILE_BYTES:
        return wrong
    try:
        rows = json_text.loads(content)["words"]
        words = [TaughtWord(row["text"], DeclineKind[row["kind"].upper()], row["pattern"] is True) for row in rows]
    except (NotJson, KeyError, TypeError, AttributeError):
        return wrong
    return words if 0 < len(words) <= MOST_WORDS and all(map(_is_fit, words)) else wrong


def _is_fit(word: TaughtWord) -> bool:
    is_text = isinstance(word.text, str)
    return is_text and word.kind in KINDS and taught_words.written(word.text, is_pattern=word.is_pattern) is not None


def import_words(
    provider_id: int | None, words: Sequence[TaughtWord], actor: User | None, now: datetime, *, name: str = "operator"
) -> int | Refusal:
    """Teaches the words of a file, each as `teach` does, up to the first that is refused. Returns how many it has."""
    for each in words:
        kept = teach(provider_id, each, actor, now, name=name)
        if isinstance(kept, Refusal):
            return kept
    return len(words)


def _refused(provider_id: int | None) -> QuerySet[Attempt]:
    attempts = Attempt.objects.filter(_IN_INDEX_REFUSED, action=Attempt.Action.ADD).order_by("-pk")
    return attempts if provider_id is None else attempts.filter(provider=provider_id)


def _refusal_of(attempt: Attempt, kind: DeclineKind, name: str) -> Outcome:
    # What has been put before staff is theirs: it ends as never placed, by their word.
    state = AttemptState.ABSENT if attempt.state == AttemptState.STAFF else AttemptState.DECLINED
    return Outcome(attempt.pk, state, cause=declined(kind, attempt.refusal), decided_by=name)


def _whose(provider_id: int | None) -> Subject:
    return Subject(SubjectType.PROVIDERS) if provider_id is None else Subject(SubjectType.PROVIDER, provider_id)
