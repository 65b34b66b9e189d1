"""The addresses of the shop."""

from django.urls import path

from sutler.shop import catalogue, dashboard, order_mass, order_new

app_name = "shop"
urlpatterns = [
    path("dashboard", dashboard.dashboard, name="dashboard"),
    path("services", catalogue.services, name="services"),
    path("services/<int:service_id>/favourite", catalogue.favourite, name="favourite"),
    path("orders/new", order_new.order_new, name="order_new"),
    path("orders/mass", order_mass.order_mass, name="order_mass"),
]
