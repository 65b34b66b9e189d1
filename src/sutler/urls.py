"""Which address is answered by whom, apart from the v2 lane (`sutler.asgi`). Wiring only."""

from django.urls import include, path

from sutler.api import admin_v1

urlpatterns = [
    path("", include("sutler.web.urls")),
    path("", include("sutler.shop.urls")),
    path("office/", include("sutler.office.urls")),
    path("", include("sutler.api.pages")),
    path("adminapi/v1", admin_v1.view),
    path("adminapi/v1/", admin_v1.view),
    path("adminapi/v2/", include("sutler.api.admin_v2")),
]
handler400 = "sutler.web.errors.bad_request"
handler403 = "sutler.web.errors.forbidden"
handler404 = "sutler.web.errors.not_found"
handler500 = "sutler.web.errors.failure"
