"""What the demo panel sells: each of the seventeen types, with and without every promise a service can make."""

from typing import Any

from sutler.catalogue.service_file import check
from sutler.catalogue.service_store import store

_Row = dict[str, Any]


def _row(name: str, category: str, rate: str, limits: tuple[int, int], may: str = "", **more: Any) -> _Row:
    """Returns a row as a file would have it; `may` are the promises. Refills need not wait in the demo."""
    promises = dict.fromkeys(("dripfeed", "refill", "cancel", "one_active_order_per_link"), False)
    return {
        "name": name,
        "category": category,
        "rate": rate,
        "min": str(limits[0]),
        "max": str(limits[1]),
        "type": "Default",
        "refill_wait_hours": "0",
        **(promises | dict.fromkeys(may.split(), True) | more),
    }


SERVICES: tuple[_Row, ...] = (
    # The first two are those of the published API pages, to the letter.
    _row("Followers", "First Category", "0.90", (50, 10_000), "refill cancel"),
    _row("Comments", "Second Category", "8", (10, 1500), "cancel", type="Custom Comments"),
    _row(
        "Followers, spread over time",
        "Followers and likes",
        "1.20",
        (10, 50_000),
        "dripfeed refill cancel",
        desc="Set runs and interval to deliver the quantity several times.",
    ),
    _row(
        "Followers, one order at a time",
        "Followers and likes",
        "0.45",
        (10, 5000),
        "one_active_order_per_link",
        desc="No refill and no cancel; one active order for a link.",
    ),
    _row("Followers, 30 days refill", "Followers and likes", "1.55", (100, 100_000), "refill cancel", refill_days="30"),
    _row("Likes", "Followers and likes", "0.32", (10, 20_000), "dripfeed cancel one_active_order_per_link"),
    _row("Views", "Followers and likes", "0.0125", (100, 1_000_000), "dripfeed"),
    _row("Starter package", "Packages", "4.90", (1, 1), "cancel", type="Package", desc="100 followers and 50 likes."),
    _row("Comments package", "Packages", "2.50", (1, 1), type="Custom Comments Package", desc="Up to ten comments."),
    _row("Replies to a comment", "Comments", "9.50", (5, 500), "cancel", type="Comment Replies"),
    _row("Likes for a comment", "Comments", "1.10", (20, 5000), "refill", type="Comment Likes"),
    _row("Mentions", "Mentions", "3.40", (20, 10_000), "cancel", type="Mentions"),
    _row("Mentions with hashtags", "Mentions", "3.80", (20, 10_000), type="Mentions with Hashtags"),
    _row("Mentions from your list", "Mentions", "5.00", (5, 1000), type="Mentions Custom List"),
    _row("Mentions by hashtag", "Mentions", "2.90", (50, 10_000), type="Mentions Hashtag"),
    _row("Mentions of followers", "Mentions", "3.10", (50, 10_000), type="Mentions User Followers"),
    _row("Mentions of likers", "Mentions", "3.05", (50, 10_000), type="Mentions Media Likers"),
    _row("Poll votes", "Engagement", "0.85", (10, 20_000), "cancel one_active_order_per_link", type="Poll"),
    _row("Invitations from groups", "Engagement", "6.20", (10, 2000), "cancel", type="Invites from Groups"),
    _row("Likes for new posts", "Engagement", "0.60", (10, 5000), "refill cancel", type="Subscriptions"),
    _row("Search keywords", "Web", "12.00", (10, 5000), "cancel", type="SEO"),
    _row("Visits", "Web", "0.40", (100, 1_000_000), "dripfeed cancel", type="Web Traffic"),
)


def stock() -> None:
    """Puts the demo's services on sale, with ids from 1 in the order of the table."""
    offers, faults = check([{"service": str(place), **row} for place, row in enumerate(SERVICES, 1)])
    assert not faults, faults  # noqa: S101 - the table is ours
    store(offers)
