"""The addresses of the shop."""

from django.urls import path

from sutler.shop import catalogue, dashboard, funds, funds_add, order, order_mass, order_new, orders, refills

app_name = "shop"
urlpatterns = [
    path("dashboard", dashboard.dashboard, name="dashboard"),
    path("services", catalogue.services, name="services"),
    path("services/<int:service_id>/favourite", catalogue.favourite, name="favourite"),
    path("orders/new", order_new.order_new, name="order_new"),
    path("orders/mass", order_mass.order_mass, name="order_mass"),
    path("orders", orders.orders, name="orders"),
    path("orders/<int:order_id>", order.order, name="order"),
    path("orders/<int:order_id>/refill", order.order_refill, name="order_refill"),
    path("orders/<int:order_id>/cancel", order.order_cancel, name="order_cancel"),
    path("refills", refills.refills, name="refills"),
    path("funds", funds.funds, name="funds"),
    path("funds/statement.csv", funds.funds_csv, name="funds_csv"),
    path("funds/add", funds_add.funds_add, name="funds_add"),
    path("funds/add/<int:request_id>", funds_add.funds_request, name="funds_request"),
    path("funds/add/<int:request_id>/withdraw", funds_add.funds_withdraw, name="funds_withdraw"),
]
