"""The addresses of the shop."""

from django.urls import path

from sutler.shop import dashboard

app_name = "shop"
urlpatterns = [
    path("dashboard", dashboard.dashboard, name="dashboard"),
]
