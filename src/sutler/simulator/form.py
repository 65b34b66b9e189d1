"""What a caller of the scripted upstream sent, as fields: a form, a JSON object or a query string."""

import json
from urllib.parse import parse_qsl


def read_form(query: bytes, body: bytes, content_type: str) -> dict[str, str]:
    """Returns the fields by name; one in the body wins over the same one of the query. What is unreadable has none."""
    if "json" in content_type:
        return _pairs(query) | _members(body)
    return _pairs(query) | _pairs(body)


def _pairs(data: bytes) -> dict[str, str]:
    return dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))


def _members(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else {}
