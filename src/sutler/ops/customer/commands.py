"""`sutler customer` with all that stands below it."""

from sutler.ops.customer import account, data
from sutler.ops.customer.customer import customer

assert {account.show.name, data.erase.name} <= customer.commands.keys()  # noqa: S101 - they add themselves

__all__ = ["customer"]
