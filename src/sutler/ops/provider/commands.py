"""`sutler provider` with all that stands below it."""

from sutler.ops.provider import account, catalogue, routes, words
from sutler.ops.provider.provider import provider

for _command in (
    account.test,
    account.check_balance,
    account.topup,
    account.draw,
    catalogue.services,
    catalogue.sync_catalogue,
    catalogue.import_,
    catalogue.decide,
    routes.route,
    words.words,
):
    provider.add_command(_command)

__all__ = ["provider"]
