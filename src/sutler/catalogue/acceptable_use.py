"""What the operator answers for: how a service is delivered, for which links, to which countries, after whose look."""

from sutler.catalogue.models import Service
from sutler.core import countries, link_rules
from sutler.core.refusals import Reason, Refusal
from sutler.core.text.text_input import paragraphs

LONGEST_DELIVERY = 2000


def restrict(
    service_id: int,
    *,
    delivery: str | None = None,
    link_allowed: str | None = None,
    link_refused: str | None = None,
    needs_approval: bool | None = None,
    closed_countries: str | None = None,
) -> Refusal | None:
    """Changes what is given of a service's rules; None leaves it. Orders that were placed before are not touched.

    Patterns come one a line (`core.link_rules`), countries as ISO codes with spaces or commas between. Refuses with
    INCORRECT_SERVICE, or INCORRECT_FIELD naming the parameter that cannot be read.
    """
    service = Service.objects.filter(pk=service_id).first()
    if service is None:
        return Refusal(Reason.INCORRECT_SERVICE)
    if delivery is not None:
        told = paragraphs(delivery, LONGEST_DELIVERY)
        if told is None:
            return Refusal(Reason.INCORRECT_FIELD, "delivery")
        service.delivery = told
    for name, text in (("link_allowed", link_allowed), ("link_refused", link_refused)):
        if text is not None:
            patterns = link_rules.lines(text)
            if not link_rules.are_readable(patterns):
                return Refusal(Reason.INCORRECT_FIELD, name)
            setattr(service, name, "\n".join(patterns))
    if closed_countries is not None:
        codes = countries.read(closed_countries)
        if codes is None:
            return Refusal(Reason.INCORRECT_FIELD, "closed_countries")
        service.closed_countries = " ".join(sorted(codes))
    if needs_approval is not None:
        service.needs_approval = needs_approval
    service.save()  # renews the catalogue's token
    return None
