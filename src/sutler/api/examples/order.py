"""Places an order at the panel and follows it. Python 3.8 or later, nothing to install.

    SUTLER_API_KEY=... python3 order.py SERVICE LINK QUANTITY OWN_NUMBER

OWN_NUMBER is your own number for the order. Whoever repeats it with the same order gets the first order again,
so that a repeat after a time-out never buys twice.
"""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

API_URL = os.environ.get("SUTLER_API_URL", "https://panel.example/api/v2")
API_KEY = os.environ.get("SUTLER_API_KEY", "your API key")
LOOK_EVERY_SECONDS = float(os.environ.get("LOOK_EVERY_SECONDS", "5"))
LOOKS = 120
TRIES = 4
FINAL = {"Completed", "Partial", "Canceled"}
NO_ANSWER = (OSError, ValueError, http.client.HTTPException)


class PanelError(Exception):
    """The panel said no; the message is its own. Nothing was placed and nothing was charged."""


def ask(action: str, **fields: str) -> Any:
    """Asks the panel and returns its answer. Raises PanelError if it says no, one of NO_ANSWER if it is silent."""
    body = urllib.parse.urlencode({"key": API_KEY, "action": action, **fields}).encode()
    try:
        with urllib.request.urlopen(API_URL, data=body, timeout=30) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        if error.code in (429, 503):  # busy: the answer names the seconds to wait
            time.sleep(int(error.headers.get("Retry-After", "1")))
        raise
    if isinstance(answer, dict) and "error" in answer:
        raise PanelError(answer["error"])
    return answer


def ask_until_answered(action: str, **fields: str) -> Any:
    """Asks again after a time-out or an overload. Only for questions that are safe to repeat."""
    for _ in range(TRIES - 1):
        try:
            return ask(action, **fields)
        except NO_ANSWER as error:
            print(f"no answer ({error}), asking again", file=sys.stderr)
            time.sleep(1)
    return ask(action, **fields)


def follow(order: str) -> None:
    """Looks at the order until it is finished."""
    for _ in range(LOOKS):
        status = ask_until_answered("status", order=order)
        left, charge = f"{status['remains']} to go", f"{status['charge']} {status['currency']}"
        print(f"Order {order}: {status['status']}, {left}, {charge}", flush=True)
        if status["status"] in FINAL:
            return
        time.sleep(LOOK_EVERY_SECONDS)
    print(f"Order {order} takes longer; look again later")


def main() -> None:
    """Lists services, places the order, follows it, shows the balance."""
    for each in ask_until_answered("services")[:5]:
        print(f"Service {each['service']}: {each['name']}, {each['type']}, {each['rate']} per 1000")
    if len(sys.argv) != 5:
        sys.exit("usage: order.py SERVICE LINK QUANTITY OWN_NUMBER")
    service, link, quantity, own_number = sys.argv[1:]
    placed = ask_until_answered("add", service=service, link=link, quantity=quantity, request_id=own_number)
    print(f"Placed order {placed['order']}")
    follow(placed["order"])
    balance = ask_until_answered("balance")
    print(f"Balance: {balance['balance']} {balance['currency']}")


if __name__ == "__main__":
    try:
        main()
    except PanelError as error:
        sys.exit(f"The panel says: {error}")
    except NO_ANSWER as error:
        sys.exit(f"The panel does not answer: {error}")
