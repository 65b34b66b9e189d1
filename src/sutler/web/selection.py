"""What of a list is selected: some rows, those of the page, or all that the filters leave. Nothing selected is nothing.

`{% pick %}` is the check box of a row, `web/selection.html` asks what the actions of the bar are for. Neither needs a
script: the page and "all found" are choices of the form.
"""

from dataclasses import dataclass

from django.http import QueryDict

# The choice in the bar, and the values of all rows of the page.
SCOPE, SHOWN = "scope", "shown"


@dataclass(frozen=True, slots=True)
class Selection:
    """The values of the rows selected, in their order; or, with `is_all_found`, whatever the list's filters find."""

    values: list[str]
    is_all_found: bool = False

    def __bool__(self) -> bool:
        return self.is_all_found or bool(self.values)


def selected(sent: QueryDict, name: str, most: int) -> Selection:
    """Returns what a form selects of a list whose rows are check boxes of this `name`; `most` values at most."""
    scope = sent.get(SCOPE, "")
    if scope == "found":
        return Selection([], is_all_found=True)
    values = sent.getlist(SHOWN if scope == "page" else name)
    return Selection(list(dict.fromkeys(filter(None, values)))[:most])
