"""`sutler customer data` and `erase`: what is kept of a customer, given to them, and taken away."""

from pathlib import Path

import click

from sutler.core.clock import SystemClock
from sutler.core.refusals import Reason, Refusal
from sutler.ops.command import ID, Failed, example, on_panel, refused
from sutler.ops.customer.customer import customer


@customer.command(epilog=example("sutler customer data 3 customer-3.zip"))
@click.argument("customer_id", type=ID)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@on_panel
def data(customer_id: int, file: Path) -> None:
    """Write all that is kept of a customer into a new ZIP file of JSON lists, to be given to them."""
    from sutler.move_in.customer_data import write_data

    try:
        counts = write_data(customer_id, file)
    except FileExistsError as error:
        raise Failed(f"{file} is there already") from error
    except OSError as error:
        raise Failed(f"cannot write to {file}: {error.strerror}") from error
    if isinstance(counts, Refusal):
        raise refused(counts, "customer", customer_id)
    click.echo(", ".join(f"{count:,} {name}" for name, count in counts.items()) + f" in {file}.")


@customer.command(epilog=example("sutler customer data 3 customer-3.zip", "sutler customer erase 3"))
@click.argument("customer_id", type=ID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@on_panel
def erase(customer_id: int, *, yes: bool) -> None:
    """Erase a customer's names, addresses, keys, links and texts. Orders and transfers stay, under the number alone.

    It cannot be undone. Orders that run must have ended; what is in the wallet stays in the books.
    """
    from sutler.move_in.customer_data import erase as take_out

    if not yes:
        click.confirm(f"Erase what names customer {customer_id}, for good?", abort=True)
    refusal = take_out(customer_id, SystemClock().now())
    if refusal is not None and refusal.reason is Reason.MOVE_NOT_ALLOWED:
        raise Failed(f"customer {customer_id} has orders that have not ended: wait for them, or cancel them")
    if refusal is not None:
        raise refused(refusal, "customer", customer_id)
    click.echo(f"Customer {customer_id} is a number now.")
