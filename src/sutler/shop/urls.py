"""The addresses of the shop."""

from django.urls import path

from sutler.shop import (
    dashboard,
    funds,
    funds_add,
    keys,
    order,
    order_mass,
    order_new,
    orders,
    profile,
    refills,
    services,
    tickets,
    updates,
)

app_name = "shop"
urlpatterns = [
    path("dashboard", dashboard.dashboard, name="dashboard"),
    path("services", services.services, name="services"),
    path("services/<int:service_id>/favourite", services.favourite, name="favourite"),
    path("orders/new", order_new.order_new, name="order_new"),
    path("orders/new/price", order_new.order_price, name="order_price"),
    path("orders/new/place", order_new.order_place, name="order_place"),
    path("orders/mass", order_mass.order_mass, name="order_mass"),
    path("orders/mass/place", order_mass.order_mass_place, name="order_mass_place"),
    path("orders", orders.orders, name="orders"),
    path("orders/<int:order_id>", order.order, name="order"),
    path("orders/<int:order_id>/refill", order.order_refill, name="order_refill"),
    path("orders/<int:order_id>/cancel", order.order_cancel, name="order_cancel"),
    path("refills", refills.refills, name="refills"),
    path("funds", funds.funds, name="funds"),
    path("funds/statement.csv", funds.funds_csv, name="funds_csv"),
    path("funds/add", funds_add.funds_add, name="funds_add"),
    path("funds/add/<int:request_id>", funds_add.funds_request, name="funds_request"),
    path("funds/add/<int:request_id>/pay", funds_add.funds_pay, name="funds_pay"),
    path("funds/add/<int:request_id>/transaction", funds_add.funds_transaction, name="funds_transaction"),
    path("funds/add/<int:request_id>/withdraw", funds_add.funds_withdraw, name="funds_withdraw"),
    path("updates", updates.service_updates, name="updates"),
    path("tickets", tickets.tickets_list, name="tickets"),
    path("tickets/new", tickets.ticket_new, name="ticket_new"),
    path("tickets/<int:ticket_id>", tickets.ticket, name="ticket"),
    path("tickets/<int:ticket_id>/close", tickets.ticket_close, name="ticket_close"),
    path("tickets/<int:ticket_id>/reopen", tickets.ticket_reopen, name="ticket_reopen"),
    path("account", profile.own_profile, name="profile"),
    path("account/keys", keys.keys_list, name="keys"),
    path("account/keys/<int:key_id>/revoke", keys.key_revoke, name="key_revoke"),
]
