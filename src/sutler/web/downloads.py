"""Files that are written while they are sent, however long they are."""

from collections.abc import AsyncIterator, Iterator
from itertools import islice

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

# So many lines are sent at once: a file of a million lines is never in memory.
_LINES_AT_ONCE = 1000


def csv_file(name: str, lines: Iterator[str]) -> StreamingHttpResponse:
    """Returns the lines as a file to keep under `name`, read from the database in the thread of the request."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(_sent(lines), content_type="text/csv; charset=utf-8", headers=headers)


async def _sent(lines: Iterator[str]) -> AsyncIterator[str]:
    while chunk := await sync_to_async(_chunk)(lines):
        yield chunk


def _chunk(lines: Iterator[str]) -> str:
    return "".join(islice(lines, _LINES_AT_ONCE))
