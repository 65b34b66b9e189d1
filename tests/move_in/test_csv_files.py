"""A hosted panel's files by a saved mapping: the same move, and each mistake in the mapping in one line."""

from pathlib import Path

import pytest

from sutler.accounts.models import Customer, User
from sutler.core.lifecycle import Status
from sutler.fulfilment.models import AskTime
from sutler.move_in import passes, totals
from sutler.move_in.models import Finding
from sutler.move_in.sources.csv_files import CsvSource
from sutler.move_in.sources.mysql import NotReadable
from sutler.orders.models import Order
from tests.conftest import NOW
from tests.move_in.test_passes import assert_green

MAPPING = """
currency = "USD"

[lists.customers]
file = "users.csv"
columns = { id = "ID", name = "Username", email = "Email", balance = "Balance", is_on = "Status", created = "Created" }

[lists.services]
file = "services.csv"
columns = { id = "ID", name = "Name", rate = "Rate", min = "Min", max = "Max", \
provider = "Provider", upstream_service = "There" }

[lists.providers]
file = "providers.csv"
columns = { id = "ID", name = "Name", url = "URL", key = "Key" }

[lists.orders]
file = "orders.csv"
columns = { id = "ID", customer = "User", service = "Service", link = "Link", quantity = "Quantity", \
charge = "Charge", status = "Status", remains = "Remains", created = "Created", \
provider = "Provider", upstream_id = "External ID", upstream_cost = "Provider charge" }
"""
FILES = {
    "users.csv": "\ufeffID;Username;Email;Balance;Status;Created\n"
    "2;Bob;bob@example.com;3.14159;Active;2026-01-01 10:00:00\n"
    "1;Ann;ann@example.com;10.5;Suspended;2026-01-01 10:00:00\nx;Nobody;no@example.com;1;Active;\n",
    "services.csv": "ID,Name,Rate,Min,Max,Provider,There\n7,Followers,0.9,10,1000,3,101\n",
    "providers.csv": "ID,Name,URL,Key\n3,First,https://upstream.example/api/v2,kkkk\n",
    "orders.csv": "ID,User,Service,Link,Quantity,Charge,Status,Remains,Created,Provider,External ID,Provider charge\n"
    "5,1,7,https://example.com/a,1000,0.9,Completed,0,2026-02-01 10:00:00,3,900,0.5\n"
    "6,2,7,https://example.com/b,1000,0.9,In progress,400,2026-02-02 10:00:00,3,901,0.5\n"
    "6,2,7,https://example.com/c,1000,0.9,Completed,0,2026-02-02 10:00:00,3,902,0.5\n",
}


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    file = tmp_path / "hosted.toml"
    file.write_text(MAPPING)
    return file


@pytest.mark.django_db
def test_files_move_in_like_a_server(mapping: Path) -> None:
    source = CsvSource(mapping)
    known = passes.known_of(source, None, NOW)
    passes.begin(source, "", NOW)
    passes.run(source, known, lambda _name, _rows: None, is_last=True)

    assert [each for each in totals.compare(source, known) if each.difference] == []
    assert dict(Order.objects.values_list("pk", "status")) == {5: Status.COMPLETED, 6: Status.IN_PROGRESS}
    assert AskTime.objects.count() == 1
    assert User.objects.get(customer=1).has_usable_password() is False
    assert Customer.objects.get(pk=2).wallet.balance_micros == 3_141_590
    behind = Finding.objects.filter(came=False).values_list("name", "old_id")
    assert set(behind) == {("customers", str(10**18 + 4)), ("orders", str(10**18 + 4))}
    assert passes.active(source, known) == ([2], [3])
    assert_green()
    source.close()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('currency = "USD"', 'currency = "dollars"', "code such as USD"),
        ('currency = "USD"', "", "currency"),
        ("[lists.orders]", "[lists.orderz]", "no list 'orderz'"),
        ('balance = "Balance"', 'balance = "Saldo"', "no column 'Saldo'"),
        ('balance = "Balance", ', "", "needs 'balance'"),
        ('balance = "Balance"', 'saldo = "Balance", balance = "Balance"', "no column 'saldo'"),
        ("orders.csv", "nothing.csv", "nothing.csv"),
        ("[lists.orders]", "[lists.orders", "hosted.toml"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_in_one_line(mapping: Path, before: str, after: str, words: str) -> None:
    mapping.write_text(mapping.read_text().replace(before, after, 1))

    with pytest.raises(NotReadable, match=words):
        CsvSource(mapping)
