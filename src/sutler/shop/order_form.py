"""The form of a new order: category, service, and the fields of the service's type, as `core.order_types` has them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse_lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sutler.catalogue.storefront import Offer, Storefront
from sutler.core.order_types import (
    LARGEST_NUMBER,
    LONGEST_TEXT,
    MAY_BE_ZERO,
    Field,
    Kind,
    Measure,
    items,
    pieces,
    read_number,
)
from sutler.core.refusals import Reason, Refusal
from sutler.shop.order_text import DEVICES, FIELDS, TRAFFIC
from sutler.web.long_select import LongSelect

FAVOURITES = "favourites"
# So many services stand in one list; past that a category has to be chosen first.
MOST_LISTED = 300
DRIP = ("runs", "interval")
_CHOICES = {"device": DEVICES, "type_of_traffic": TRAFFIC}
# Sends the form as it is and shows it for another service: nothing that was typed is lost.
_CHOOSES = {
    "hx-post": reverse_lazy("shop:order_new"),
    "hx-trigger": "change",
    "hx-target": "#order",
    "hx-swap": "outerHTML",
    "autocomplete": "off",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen: a category (its id, FAVOURITES, or nothing for all), the offers in it, one of them or none."""

    category: str
    offers: list[Offer]
    offer: Offer | None


def choose(sold: Storefront, marked: Collection[int], category: str, service_id: int | None) -> Choice:
    """Returns the choice that fits what was asked: the service if it is in the category, else the category's first."""
    asked = sold.offer(service_id)
    if not category and asked is not None:
        category = str(asked.category_id)
    offers = [
        each
        for each in sold.offers
        if (each.pk in marked if category == FAVOURITES else str(each.category_id) == category)
    ]
    if not offers and len(sold.offers) <= MOST_LISTED:
        category, offers = "", list(sold.offers)
    elif not offers:
        category = str(sold.offers[0].category_id)
        offers = [each for each in sold.offers if str(each.category_id) == category]
    return Choice(category, offers, asked if asked in offers else next(iter(offers), None))


class OrderForm(forms.Form):
    """One order for the offer of a choice. `asked()` is what it asks for, once it is valid."""

    category = forms.CharField(label=_("Category"), required=False)
    service = forms.CharField(label=_("Service"))
    once = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, sold: Storefront, choice: Choice, has_favourites: bool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert choice.offer is not None  # noqa: S101 - there is no form without a service
        self.offer = choice.offer
        self.fields["category"].widget = forms.Select(_CHOOSES, _categories(sold, has_favourites))
        self.fields["service"].widget = LongSelect(_CHOOSES, _services(choice))
        for each in self.offer.terms.type.fields:
            if each.name not in DRIP or self.offer.terms.dripfeed:
                self.fields[each.name] = _field(each, self.offer)

    def plain(self) -> Iterator[forms.BoundField]:
        """Yields the fields of the type that always stand open."""
        apart = {"category", "service", "once", *DRIP}
        return (self[name] for name in self.fields if name not in apart)

    def drip(self) -> list[forms.BoundField]:
        """Returns the fields of a drip-feed; none where the service has no drip-feed."""
        return [self[name] for name in DRIP if name in self.fields]

    def has_drip(self) -> bool:
        """Returns whether a field of the drip-feed is filled in or wrong."""
        return any(each.value() or each.errors for each in self.drip())

    def asked(self) -> dict[str, str]:
        """Returns the fields as `orders.place` takes them, those left empty not among them."""
        values = {name: self.cleaned_data[name] for name in self.fields if name not in {"category", "once"}}
        return {name: _written(value) for name, value in values.items() if value}


def counts(offer: Offer, given: Mapping[str, str]) -> dict[str, int]:
    """Returns how many items each list of the form has so far."""
    lists = (each for each in offer.terms.type.fields if each.kind in {Kind.LINES, Kind.NAMES})
    return {each.name: items(each, given.get(each.name, "")) for each in lists}


def impossible(offer: Offer, given: Mapping[str, str]) -> list[Refusal]:
    """Returns what of the fields filled in so far can never be ordered: a link that is not taken, a number of pieces
    out of the service's range. The same rules as `core.placing`, field by field."""
    terms, texts = offer.terms, {name: text.strip() for name, text in given.items()}
    link = texts.get("link", "")
    refusals = []
    if link and (len(link) > LONGEST_TEXT or (terms.link_rules is not None and not terms.link_rules.allow(link))):
        refusals.append(Refusal(Reason.INCORRECT_FIELD, "link"))
    if terms.type.measure is Measure.POSTS:
        counts = [read_number(texts.get(name, "")) for name in ("min", "max")]
    elif terms.type.measure is Measure.ONE:
        return refusals
    else:
        counts = [pieces(terms.type, {name: text for name, text in texts.items() if name != "runs"})]
        if counts == [None] and texts.get("quantity"):
            refusals.append(Refusal(Reason.INCORRECT_FIELD, "quantity"))
    numbers = [count for count in counts if count is not None]
    if any(count < terms.min for count in numbers):
        refusals.append(Refusal(Reason.QUANTITY_BELOW_MINIMUM, bound=terms.min))
    if any(count > terms.max for count in numbers):
        refusals.append(Refusal(Reason.QUANTITY_ABOVE_MAXIMUM, bound=terms.max))
    return refusals


def _written(value: Any) -> str:
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value)


def _categories(sold: Storefront, has_favourites: bool) -> list[tuple[str, Any]]:
    everything = [("", _("All categories"))] if len(sold.offers) <= MOST_LISTED else []
    favourites = [(FAVOURITES, _("Favourites"))] if has_favourites else []
    return [*everything, *favourites, *((str(pk), name) for pk, name in sold.categories.items())]


def _services(choice: Choice) -> list[tuple[str, Any]]:
    """Returns the services of a choice, under the names of their categories where there are several."""
    named: dict[str, list[tuple[str, str]]] = {}
    for each in choice.offers:
        named.setdefault(each.category, []).append((str(each.pk), f"{each.pk} · {each.name}"))
    return list(named.items()) if len(named) > 1 else next(iter(named.values()))


def _field(asked: Field, offer: Offer) -> forms.Field:
    words = FIELDS[asked.name]
    given: dict[str, Any] = {"label": words.label, "help_text": words.help, "required": asked.required}
    if asked.kind is Kind.DATE:
        return forms.DateField(**given, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    if asked.kind is Kind.CHOICE:
        named = _CHOICES.get(asked.name)
        return forms.ChoiceField(**given, choices=[(each, named[each] if named else each) for each in asked.choices])
    if asked.kind in {Kind.LINES, Kind.NAMES}:
        if offer.terms.type.measure is Measure.LINES and asked.name in {"comments", "usernames"}:
            given["help_text"] = format_lazy("{} {}", words.help, _limits(offer))
        return forms.CharField(**given, widget=forms.Textarea({"rows": 6, "spellcheck": "false"}))
    if asked.kind is Kind.NUMBER:
        return _number(asked, offer, given)
    is_link = asked.name in {"link", "media", "referring_url"}
    attributes = {"inputmode": "url", "placeholder": "https://"} if is_link else {}
    return forms.CharField(
        **given,
        max_length=LONGEST_TEXT,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false", **attributes}),
    )


def _number(asked: Field, offer: Offer, given: dict[str, Any]) -> forms.Field:
    least, most = (0 if asked.name in MAY_BE_ZERO else 1), LARGEST_NUMBER
    if asked.name in {"quantity", "min", "max"}:
        least, most = offer.terms.min, offer.terms.max
        given["help_text"] = _limits(offer)
    widget = forms.NumberInput({"min": least, "max": most, "inputmode": "numeric", "autocomplete": "off"})
    return forms.CharField(**given, widget=widget)


def _limits(offer: Offer) -> str:
    return gettext("Min: %(min)s, max: %(max)s.") % {"min": intcomma(offer.terms.min), "max": intcomma(offer.terms.max)}
