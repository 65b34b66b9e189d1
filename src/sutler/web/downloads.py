"""Files that are written while they are sent, however long they are."""

from collections.abc import Iterator
from itertools import islice

from django.http import StreamingHttpResponse

# So many lines are sent at once: a file of a million lines is never in memory.
_LINES_AT_ONCE = 1000


def csv_file(name: str, lines: Iterator[str]) -> StreamingHttpResponse:
    """Returns the lines as a file to keep under `name`, read from the database while they are sent.

    Each part may be read on another thread: the lines must not rest on one connection.
    """
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(_sent(lines), content_type="text/csv; charset=utf-8", headers=headers)


def _sent(lines: Iterator[str]) -> Iterator[str]:
    while chunk := "".join(islice(lines, _LINES_AT_ONCE)):
        yield chunk
