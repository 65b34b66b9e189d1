"""Which address is answered by whom, apart from the v2 lane (`sutler.asgi`). Wiring only."""

from django.urls import include, path, re_path

from sutler.api import admin_v1, pages

urlpatterns = [
    path("", include("sutler.api.pages")),
    path("adminapi/v1", admin_v1.view),
    path("adminapi/v1/", admin_v1.view),
    path("adminapi/v2/", include("sutler.api.admin_v2")),
    re_path(r"^(?i:api|adminapi)(?:/|$)", pages.no_such_address),
]
