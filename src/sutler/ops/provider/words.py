"""`sutler provider words`: what staff teach of the words in which providers refuse."""

from typing import IO

import click

from sutler.core.clock import SystemClock
from sutler.core.refusals import Reason, Refusal
from sutler.core.text.text_input import number
from sutler.core.upstream_words import LONGEST_RAW, REFUSES_REQUEST, DeclineKind
from sutler.ops.command import ID, Failed, Text, example, on_panel, refused, show_table
from sutler.ops.provider.provider import find

_KINDS = [kind.name.lower() for kind in DeclineKind if kind in REFUSES_REQUEST]
_provider = click.argument("provider_id", type=ID, required=False)


@click.group(epilog=example("sutler provider words list 1", "sutler provider words teach 1 link 'Wrong target'"))
def words() -> None:
    """Refusal texts of providers that you added. Without a provider: those for all providers."""


@words.command("list", epilog=example("sutler provider words list 1"))
@_provider
@on_panel
def list_(provider_id: int | None) -> None:
    """List refusal texts, and unknown texts of the provider."""
    from django.db.models import Q

    from sutler.fulfilment.models import Taught
    from sutler.fulfilment.reconciling import taught_words

    chosen = Taught.objects.filter(Q(provider=None) | Q(provider=_found(provider_id))).order_by("pk")
    show_table(
        ("ID", "FOR", "KIND", "HOW", "TEXT"),
        (
            (
                each.pk,
                each.provider_id or "all",
                each.kind.lower(),
                "pattern" if each.is_pattern else "exact",
                each.text,
            )
            for each in chosen
        ),
    )
    unknown = taught_words.unknown_texts(provider_id) if provider_id is not None else []
    if unknown:
        click.echo()
        show_table(("COUNT", "UNKNOWN TEXT"), ((count, text) for text, count in unknown))


@words.command(epilog=example("sutler provider words teach 1 quantity 'At least * pieces' --pattern"))
@click.argument("provider_id", type=click.UNPROCESSED)
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("text", type=Text(LONGEST_RAW))
@click.option("--pattern", "is_pattern", is_flag=True, help="`*` stands for any words, `#` for a number.")
@click.option("--dry-run", is_flag=True, help="Show the matching orders without saving.")
@on_panel
def teach(provider_id: str, kind: str, text: str, *, is_pattern: bool, dry_run: bool) -> None:
    """Add a refusal text of a provider (an ID, or `all`): it means that nothing was placed.

    Applies to new answers, and resolves matching unconfirmed orders.
    """
    from sutler.core.taught_words import TaughtWord
    from sutler.fulfilment.reconciling import taught_words

    chosen = None if provider_id == "all" else _found(_id(provider_id))
    word = TaughtWord(text, DeclineKind[kind.upper()], is_pattern)
    shown = taught_words.preview(chosen, word)
    click.echo(f"Matching refused orders: {len(shown.refused)}, unconfirmed: {shown.open}.")
    for each in shown.refused[:10]:
        click.echo(f"  order {each.order_id} ({each.state}): {each.refusal}")
    if shown.is_unsure:
        click.echo("This text does not prove that no order was placed: add it only if you are sure.")
    if dry_run:
        return
    now = SystemClock().now()
    kept = taught_words.teach(chosen, word, None, now)
    if isinstance(kept, Refusal):
        raise refused(kept)
    click.echo(f"Text {kept.pk} saved. Unconfirmed orders resolved: {taught_words.decide_open(chosen, now)}.")


@words.command(epilog=example("sutler provider words forget 3"))
@click.argument("word_id", type=ID)
@on_panel
def forget(word_id: int) -> None:
    """Remove a refusal text. Orders it resolved stay resolved."""
    from sutler.fulfilment.reconciling import taught_words

    refusal = taught_words.forget(word_id, None, SystemClock().now())
    if refusal is not None:
        raise refused(refusal)
    click.echo(f"Text {word_id} removed.")


@words.command(epilog=example("sutler provider words export 1 > words.json"))
@_provider
@on_panel
def export(provider_id: int | None) -> None:
    """Export refusal texts to a file that other operators can import."""
    from sutler.fulfilment.reconciling import taught_words

    click.echo(taught_words.export(_found(provider_id)), nl=False)


@words.command("import", epilog=example("sutler provider words import words.json 1"))
@click.argument("file", type=click.File(encoding="utf-8"))
@_provider
@on_panel
def import_(file: IO[str], provider_id: int | None) -> None:
    """Import refusal texts from a file, for one provider or for all."""
    from sutler.fulfilment.reconciling import taught_words

    chosen, now = _found(provider_id), SystemClock().now()
    try:
        found = taught_words.read_file(file.read(taught_words.LARGEST_FILE_BYTES + 1))
    except UnicodeDecodeError:
        found = Refusal(Reason.INCORRECT_FIELD, "file")
    if isinstance(found, Refusal):
        raise refused(found)
    count = taught_words.import_words(chosen, found, None, now)
    if isinstance(count, Refusal):
        raise refused(count)
    click.echo(f"Texts imported: {count}. Unconfirmed orders resolved: {taught_words.decide_open(chosen, now)}.")


def _id(text: str) -> int:
    found = number(text)
    if found is None:
        raise Failed("give a provider ID, or `all`")
    return found


def _found(provider_id: int | None) -> int | None:
    return None if provider_id is None else find(provider_id).pk
