"""The addresses of the fulfilment interface alone, for tests of its views."""

from django.urls import include, path, re_path

from sutler.api import admin_v1, admin_v2

urlpatterns = [
    path("adminapi/v2/", include("sutler.api.admin_v2")),
    re_path(r"^adminapi/v1/?$", admin_v1.view),
    re_path(r"^adminapi(?:/.*)?$", admin_v2.unknown),
]
