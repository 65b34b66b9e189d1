"""Limits on how often a name may call."""

from sutler.api.rate_limits import RateLimit


def test_twice_the_rate_is_allowed_at_once_and_then_the_rate() -> None:
    limit = RateLimit(10)
    assert sum(limit.allows("alice", 100.0) for _ in range(50)) == 20
    assert sum(limit.allows("alice", 100.5) for _ in range(50)) == 5


def test_names_do_not_share_a_limit() -> None:
    limit = RateLimit(1)
    assert [limit.allows(name, 0.0) for name in ("alice", "alice", "alice", "bob")] == [True, True, False, True]


def test_zero_means_no_limit() -> None:
    limit = RateLimit(0)
    assert all(limit.allows("alice", 0.0) for _ in range(1000))
