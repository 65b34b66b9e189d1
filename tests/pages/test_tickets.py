"""A customer's tickets, and what is new."""

from django.test import Client

from sutler.accounts.models import Customer, User
from sutler.core.clock import SystemClock
from sutler.support import announcements, tickets
from sutler.support.models import Message, Ticket
from tests.conftest import make_service
from tests.orders.ordering import placed

GIVEN = {"category": "order", "subject": "Slow", "text": "Where is it?", "orders": ""}


def opened(customer: Customer) -> Ticket:
    made = tickets.open_(customer.pk, None, "Slow", "Where is it?", SystemClock().now())
    assert isinstance(made, Ticket)
    return made


def test_a_ticket_is_opened_about_an_order(alice: Customer, alice_browser: Client) -> None:
    order = placed(alice, make_service())
    shown = alice_browser.get("/tickets/new", {"order": order.pk}).content.decode()
    assert f'value="{order.pk}"' in shown
    answer = alice_browser.post("/tickets/new", GIVEN | {"orders": f"#{order.pk}"}, follow=True)
    assert "Where is it?" in answer.content.decode()
    assert [each.pk for each in answer.context["orders"]] == [order.pk]


def test_refusals_stand_beside_their_fields(alice_browser: Client, bob: Customer) -> None:
    order = placed(bob, make_service())
    for orders in (str(order.pk), "x"):
        answer = alice_browser.post("/tickets/new", GIVEN | {"orders": orders, "subject": "Kept"})
        assert set(answer.context["form"].errors) == {"orders"}
        assert 'value="Kept"' in answer.content.decode()
    assert not Ticket.objects.exists()


def test_an_answer_is_new_until_it_is_read_and_notes_are_never_shown(
    alice: Customer, alice_browser: Client, sam: User
) -> None:
    ticket, now = opened(alice), SystemClock().now()
    tickets.answer(ticket.pk, sam, "Soon.", now)
    tickets.note(ticket.pk, sam, "Between us.", now)
    assert "New reply" in alice_browser.get("/tickets").content.decode()
    thread = alice_browser.get(f"/tickets/{ticket.pk}").content.decode()
    assert "Soon." in thread
    assert "Between us." not in thread
    assert "New reply" not in alice_browser.get("/tickets").content.decode()


def test_the_same_message_sent_twice_is_one(alice: Customer, alice_browser: Client) -> None:
    ticket = opened(alice)
    first = Message.objects.get().pk
    for _ in range(2):
        assert alice_browser.post(f"/tickets/{ticket.pk}", {"text": "Thanks", "last": first}).status_code == 302
    assert ticket.messages.count() == 2
    assert alice_browser.post(f"/tickets/{ticket.pk}", {"text": " "}).context["form"].errors.keys() == {"text"}


def test_a_ticket_is_closed_and_opened_again_by_its_owner_alone(
    alice: Customer, alice_browser: Client, bob_browser: Client
) -> None:
    ticket = opened(alice)
    for do, state in (("close", "closed"), ("reopen", "open")):
        assert bob_browser.post(f"/tickets/{ticket.pk}/{do}").status_code == 404
        assert alice_browser.post(f"/tickets/{ticket.pk}/{do}").status_code == 302
        ticket.refresh_from_db()
        assert ticket.state == state
    assert bob_browser.get(f"/tickets/{ticket.pk}").status_code == 404
    assert bob_browser.post(f"/tickets/{ticket.pk}", {"text": "mine"}).status_code == 404
    assert ticket.messages.count() == 1


def test_announcements_stand_on_the_dashboard_and_among_the_news(alice_browser: Client, sam: User) -> None:
    now = SystemClock().now()
    announcements.save("Holiday", "Closed on <b>Monday</b>.", "warning", now, None, sam, now)
    for path in ("/dashboard", "/updates"):
        html = alice_browser.get(path).content.decode()
        assert "Holiday" in html
        assert "&lt;b&gt;Monday" in html


def test_an_urgent_announcement_stands_above_every_page_of_customers_once(
    alice_browser: Client, sam_browser: Client, sam: User
) -> None:
    now = SystemClock().now()
    announcements.save("We are closing", "Tomorrow.", "danger", now, None, sam, now)
    for path in ("/dashboard", "/updates", "/orders", "/account/keys", "/account/2fa/"):
        assert alice_browser.get(path).content.decode().count("We are closing") == 1, path
    assert "We are closing" not in sam_browser.get("/office/orders").content.decode()
