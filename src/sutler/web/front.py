"""The front page: for guests what is sold and how to begin; everybody else goes to where they work."""

from django.conf import settings
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from sutler.catalogue.models import Category, Service

MOST_CATEGORIES = 24


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """Shows what the panel sells; who is signed in is led on to the dashboard or the office."""
    if request.user.is_authenticated:
        return redirect("office:overview" if request.user.is_staff else "shop:dashboard")
    sold = (
        Category.objects.filter(services__state=Service.State.ACTIVE)
        .annotate(service_count=Count("services"), from_micros=Min("services__rate_micros"))
        .order_by("position", "pk")[:MOST_CATEGORIES]
    )
    return render(request, "web/front.html", {"sold": sold, "currency": settings.SUTLER["SUTLER_BASE_CURRENCY"]})
