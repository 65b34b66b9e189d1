"""What staff teach of the words in which a provider refuses: what it would have decided, and files to share."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.accounts.roles import Permission
from sutler.core.refusals import Reason, Refusal
from sutler.core.taught_words import TaughtWord
from sutler.core.text import text_input
from sutler.core.upstream_words import LONGEST_RAW, DeclineKind
from sutler.fulfilment.models import Provider, Taught
from sutler.fulfilment.reconciling import taught_words
from sutler.office.audited_actions import actor_of
from sutler.office.providers.provider import find, head
from sutler.office.refusal_text import Words, refuse, words
from sutler.web.access import StaffRequest, staff_page

SHOWN = 20
KINDS: dict[str, Words] = {
    DeclineKind.LINK.name: gettext_lazy("Invalid link"),
    DeclineKind.QUANTITY.name: gettext_lazy("Quantity out of range"),
    DeclineKind.SERVICE.name: gettext_lazy("Service not available"),
    DeclineKind.FUNDS.name: gettext_lazy("Not enough funds"),
    DeclineKind.DUPLICATE.name: gettext_lazy("Link has an active order"),
    DeclineKind.RATE.name: gettext_lazy("Too many requests"),
    DeclineKind.AUTH.name: gettext_lazy("API key or account refused"),
    DeclineKind.FIELD.name: gettext_lazy("Invalid value in another field"),
    DeclineKind.NOT_FOUND.name: gettext_lazy("Order or refill not found"),
    DeclineKind.NOT_AVAILABLE.name: gettext_lazy("Refill or cancel not available"),
}
_NOT_TAUGHT: dict[Any, Words] = {
    "text": gettext_lazy("Enter a longer text. Texts that do not prove a refusal can only be added word for word."),
    "file": gettext_lazy("Invalid file. Select one that was exported here, with at most 200 texts."),
    Reason.TOO_MANY_REQUESTS: gettext_lazy("The limit of 200 texts is reached. Remove some first."),
}


class WordForm(forms.Form):
    """A text, and what it refuses."""

    text = forms.CharField(label=gettext_lazy("Provider's text"), max_length=LONGEST_RAW)
    kind = forms.ChoiceField(label=gettext_lazy("Meaning"), choices=list(KINDS.items()))
    is_pattern = forms.BooleanField(
        label=gettext_lazy("Pattern"),
        required=False,
        help_text=gettext_lazy("* stands for any words, # for a number."),
    )
    for_all = forms.BooleanField(label=gettext_lazy("For all providers"), required=False)

    def word(self) -> TaughtWord:
        """Returns what is to be taught."""
        given = self.cleaned_data
        return TaughtWord(given["text"], DeclineKind[given["kind"]], given["is_pattern"])


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.PROVIDERS)
def provider_words(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Shows what was taught and what is not known; teaches a text once it was shown what that would have decided."""
    found = find(provider_id)
    form = WordForm(request.POST or None, initial={"text": request.GET.get("text", "")[:LONGEST_RAW]})
    shown: dict[str, Any] = {}
    if form.is_valid():
        for_whom = None if form.cleaned_data["for_all"] else provider_id
        if request.POST.get("step") == "save":
            kept = taught_words.teach(for_whom, form.word(), request.user, request.now, name=actor_of(request.user))
            if not isinstance(kept, Refusal):
                _tell(request, taught_words.decide_open(for_whom, request.now, name=actor_of(request.user)))
                return redirect("office:provider_words", provider_id)
            refuse(form, kept, _NOT_TAUGHT)
        else:
            preview = taught_words.preview(for_whom, form.word())
            shown = {"preview": preview, "rows": preview.refused[:SHOWN]}
    return render(request, "office/provider_words.html", _given(request, found, form) | shown)


@require_POST
@staff_page(Permission.PROVIDERS)
def word_forget(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Forgets a text."""
    refusal = taught_words.forget(text_input.number(request.POST.get("word", "")) or 0, request.user, request.now)
    if refusal is not None:
        messages.error(request, words(refusal))
    else:
        messages.success(request, _("Text removed."))
    return redirect("office:provider_words", provider_id)


@require_safe
@staff_page(Permission.PROVIDERS)
def words_file(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Returns what was taught as a file that other operators can import."""
    content = taught_words.export(find(provider_id).pk)
    headers = {"Content-Disposition": f'attachment; filename="refusal-texts-{provider_id}.json"'}
    return HttpResponse(content, content_type="application/json", headers=headers)


@require_POST
@staff_page(Permission.PROVIDERS)
def words_import(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Teaches the texts of an exported file for this provider."""
    found, file = find(provider_id), request.FILES.get("file")
    content = file.read(taught_words.LARGEST_FILE_BYTES + 1).decode("utf-8", "replace") if file is not None else ""
    read = taught_words.read_file(content)
    count = read if isinstance(read, Refusal) else taught_words.import_words(found.pk, read, request.user, request.now)
    if isinstance(count, Refusal):
        messages.error(request, words(count, _NOT_TAUGHT))
    else:
        _tell(request, taught_words.decide_open(found.pk, request.now, name=actor_of(request.user)))
    return redirect("office:provider_words", provider_id)


def _given(request: StaffRequest, found: Provider, form: WordForm) -> dict[str, Any]:
    known = Taught.objects.filter(provider=None) | Taught.objects.filter(provider=found)
    rows = [(each, KINDS.get(each.kind, each.kind)) for each in known.order_by("pk")]
    return head(found, "words", request.now) | {
        "form": form,
        "known": rows,
        "unknown": taught_words.unknown_texts(found.pk),
    }


def _tell(request: StaffRequest, decided: int) -> None:
    told = ngettext(
        "Saved. %(count)s unconfirmed order resolved.", "Saved. %(count)s unconfirmed orders resolved.", decided
    )
    messages.success(request, told % {"count": decided})
