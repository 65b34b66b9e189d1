"""The addresses of the office, below `/office/`."""

from django.urls import path

from sutler.office import overview, signed_in_as

app_name = "office"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("stop", signed_in_as.stop, name="stop"),
]
