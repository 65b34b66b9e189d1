"""Channels besides e-mail, where staff hear of some kinds together: set up, tested, removed."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sutler.accounts.roles import Permission
from sutler.core.refusals import Refusal
from sutler.notices import channel_settings, send
from sutler.notices.channels.registry import channel_kinds
from sutler.notices.channels.shape import ChannelKind
from sutler.notices.kinds import FOR_STAFF, KINDS
from sutler.notices.models import Channel
from sutler.office.payment_methods import setting_field
from sutler.office.refusal_text import BUSY, refuse
from sutler.storage.transactions import Busy, CommitUnclear
from sutler.web.access import StaffRequest, staff_page

# Before the names of a channel's settings, so that none is taken for a field of every channel.
_SETTING = "setting_"


class ChannelForm(forms.Form):
    """A channel as staff write it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Send notices about"),
        required=False,
        choices=[(each.value, KINDS[each].words) for each in FOR_STAFF],
        initial=[each.value for each in FOR_STAFF],
        widget=forms.CheckboxSelectMultiple,
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    is_on = forms.BooleanField(label=gettext_lazy("Active"), required=False, initial=True)

    def __init__(self, data: Any, kind: ChannelKind, channel: Channel | None) -> None:
        names = ("name", "kinds", "language", "is_on")
        super().__init__(data, initial={name: getattr(channel, name) for name in names} if channel else {})
        there = channel_settings.secrets_there(channel) if channel else frozenset()
        for each in kind.fields:
            plain = channel.settings if channel else {}
            field = setting_field(each, plain, is_there=each.name in there)
            field.required = each.is_required and each.name not in there
            self.fields[_SETTING + each.name] = field
        self.order_fields(["name", *(_SETTING + each.name for each in kind.fields)])

    def draft(self, kind: ChannelKind) -> channel_settings.Draft:
        """Returns what the verb takes, once the form is valid."""
        given = self.cleaned_data
        own = {name.removeprefix(_SETTING): text for name, text in given.items() if name.startswith(_SETTING)}
        common = {name: given[name] for name in ("name", "kinds", "language", "is_on")}
        return channel_settings.Draft(kind=kind.kind, settings=own, **common)


@require_safe
@staff_page(Permission.SETTINGS)
def channels_list(request: StaffRequest) -> HttpResponse:
    """Shows every channel, and the kinds that can be added."""
    rows = [(each, channel_settings.kind_of(each)) for each in Channel.objects.order_by("name", "pk")]
    return render(
        request, "office/channels.html", {"rows": rows, "kinds": channel_kinds().values(), "here": "channels"}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.SETTINGS)
def channel_new(request: StaffRequest) -> HttpResponse:
    """Makes a channel of the kind `kind`."""
    kind = channel_kinds().get(request.GET.get("kind", ""))
    if kind is None:
        raise Http404
    return _edited(request, kind, None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Permission.SETTINGS)
def channel(request: StaffRequest, channel_id: int) -> HttpResponse:
    """Changes a channel."""
    found = _find(channel_id)
    kind = channel_settings.kind_of(found)
    if kind is None:
        raise Http404
    return _edited(request, kind, found)


@require_POST
@staff_page(Permission.SETTINGS)
def channel_test(request: StaffRequest, channel_id: int) -> HttpResponse:
    """Sends a test message at once and says what came of it."""
    failure = send.send_test(_find(channel_id))
    if failure is None:
        messages.success(request, _("The test message was accepted."))
    else:
        messages.error(request, _("The test message was not accepted: %(why)s") % {"why": failure.why})
    return redirect("office:channel", channel_id)


@require_POST
@staff_page(Permission.SETTINGS)
def channel_remove(request: StaffRequest, channel_id: int) -> HttpResponse:
    """Removes a channel."""
    try:
        if channel_settings.remove(channel_id, request.user, request.now) is not None:
            raise Http404
    except (Busy, CommitUnclear):
        messages.error(request, str(BUSY))
    return redirect("office:channels")


def _find(channel_id: int) -> Channel:
    found = Channel.objects.filter(pk=channel_id).first()
    if found is None:
        raise Http404
    return found


def _edited(request: StaffRequest, kind: ChannelKind, found: Channel | None) -> HttpResponse:
    form = ChannelForm(request.POST if request.method == "POST" else None, kind, found)
    if form.is_valid():
        try:
            saved = channel_settings.save(
                form.draft(kind), request.user, request.now, channel_id=found.pk if found else None
            )
        except (Busy, CommitUnclear):
            form.add_error(None, BUSY)
        else:
            if not isinstance(saved, Refusal):
                messages.success(request, _("%(name)s saved.") % {"name": saved.name})
                return redirect("office:channel", saved.pk)
            if _SETTING + saved.field in form.fields:
                form.add_error(_SETTING + saved.field, _("Missing or invalid. Correct it and try again."))
            else:
                refuse(form, saved)
    return render(request, "office/channel.html", {"form": form, "channel": found, "kind": kind})
