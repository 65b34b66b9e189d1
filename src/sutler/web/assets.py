"""The files that pages need (style, icons, scripts), under addresses that follow their content."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import Storage
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

_DIGEST_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: what is in it, plain and compressed, and the name it is served under, with a digest of its content."""

    content: bytes
    compressed: bytes
    kind: str
    hashed_name: str


class HashedAssets(Storage):
    """What `{% static %}` asks for addresses: with the digest in them browsers may keep the files for ever."""

    def url(self, name: str | None) -> str:
        """Returns the present address of a file, such as `/assets/web/base.0123456789ab.css`. KeyError if none."""
        return f"/assets/{_by_name()[str(name)].hashed_name}"


@require_safe
@cache_control(public=True, immutable=True, max_age=31_536_000)
def asset(request: HttpRequest, name: str) -> HttpResponse:
    """Answers a file under its present address; 404 for any other."""
    found = _by_hashed_name().get(name)
    if found is None:
        raise Http404
    is_compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(found.compressed if is_compressed else found.content, content_type=found.kind)
    response["Vary"] = "Accept-Encoding"
    if is_compressed:
        response["Content-Encoding"] = "gzip"
    return response


@cache
def _by_name() -> dict[str, Asset]:
    return {
        name: _asset(name, Path(storage.path(name)).read_bytes())
        for finder in get_finders()
        for name, storage in finder.list([])
    }


@cache
def _by_hashed_name() -> dict[str, Asset]:
    return {each.hashed_name: each for each in _by_name().values()}


def _asset(name: str, content: bytes) -> Asset:
    path = PurePosixPath(name)
    digest = hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind == "image/svg+xml"
    hashed_name = str(path.with_name(f"{path.stem}.{digest}{path.suffix}"))
    return Asset(content, gzip.compress(content, mtime=0), f"{kind}; charset=utf-8" if text else kind, hashed_name)
