"""Which address is answered by whom, apart from the v2 lane (`sutler.asgi`). Wiring only."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
