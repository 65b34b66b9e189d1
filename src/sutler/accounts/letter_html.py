"""The HTML of a letter, made from its text: so both say the same, and whatever stands in it is only text."""

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

DEFAULT_ACCENT = "#3b5bdb"
_PAGE = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"></head>'
    "<body style=\"margin:0;padding:24px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">"
    '<div style="max-width:560px;margin:0 auto">'
    '<p style="margin:0 0 24px;padding-bottom:12px;border-bottom:3px solid {};font-weight:600">{}</p>'
    "{}</div></body></html>"
)


def html_of(text: str, panel_name: str, accent: str = "") -> str:
    """Returns a page under the panel's name. Empty lines part paragraphs; an address alone in a line is a link."""
    blocks = [each for each in text.replace("\r\n", "\n").split("\n\n") if each.strip()]
    paragraphs = format_html_join("", '<p style="margin:0 0 16px">{}</p>', ((_lines(each),) for each in blocks))
    return format_html(_PAGE, accent or DEFAULT_ACCENT, panel_name, paragraphs)


def _lines(block: str) -> SafeString:
    return format_html_join(
        "", "{}{}", (("" if not at else _BREAK, _line(each)) for at, each in enumerate(block.split("\n")))
    )


def _line(line: str) -> SafeString | str:
    address = line.strip()
    if address.startswith(("https://", "http://")) and not any(each.isspace() for each in address):
        return format_html('<a href="{}">{}</a>', address, address)
    return line


_BREAK = format_html("<br>{}", "")
