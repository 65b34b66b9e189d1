"""What an order costs and what comes back: laws that hold for every rate and quantity, and worked examples."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.pricing import PER_PIECE, PER_THOUSAND, charge, give_back, quoted_rate, run_share
from sutler.core.worth import EVEN, Worth

rates = st.integers(1, 10**12)
worths = st.builds(Worth, st.integers(1, 10**10), st.integers(1, 10**18))
quantities = st.integers(1, 2**31 - 1)
pers = st.sampled_from([PER_THOUSAND, PER_PIECE])


@given(rates, quantities, pers)
def test_a_charge_rounds_up_by_less_than_a_micro_and_is_never_nothing(rate: int, quantity: int, per: int) -> None:
    exact = Fraction(rate * quantity, per)
    charged = charge(rate, quantity, per)
    assert exact <= charged < exact + 1
    assert charged > 0


@given(rates, quantities, st.integers(-(2**31), 2**32), pers)
def test_what_comes_back_is_neither_negative_nor_more_than_was_charged(
    rate: int, quantity: int, remains: int, per: int
) -> None:
    charged = charge(rate, quantity, per)
    back = give_back(charged, rate, quantity, remains, per)
    assert 0 <= back <= charged


@given(rates, quantities, pers, st.data())
def test_what_is_kept_never_falls_short_of_what_was_delivered(
    rate: int, quantity: int, per: int, data: st.DataObject
) -> None:
    remains = data.draw(st.integers(1, quantity))
    charged = charge(rate, quantity, per)
    kept = charged - give_back(charged, rate, quantity, remains, per)
    assert kept >= Fraction(rate * (quantity - remains), per)


@given(rates, quantities, pers)
def test_nothing_delivered_gives_all_back_and_all_delivered_gives_nothing(rate: int, quantity: int, per: int) -> None:
    charged = charge(rate, quantity, per)
    assert give_back(charged, rate, quantity, quantity, per) == charged
    assert give_back(charged, rate, quantity, 0, per) == 0


@given(rates, quantities, pers, st.data())
def test_the_more_remains_the_more_comes_back(rate: int, quantity: int, per: int, data: st.DataObject) -> None:
    less = data.draw(st.integers(0, quantity))
    more = data.draw(st.integers(less, quantity))
    charged = charge(rate, quantity, per)
    assert give_back(charged, rate, quantity, less, per) <= give_back(charged, rate, quantity, more, per)


@given(rates, st.integers(1, 10**6), st.integers(1, 200))
def test_the_shares_of_all_runs_add_up_to_the_charge(rate: int, quantity_per_run: int, runs: int) -> None:
    shares = [run_share(rate, quantity_per_run, run) for run in range(1, runs + 1)]
    assert sum(shares) == charge(rate, quantity_per_run * runs)
    assert min(shares) >= 0


@given(rates, st.integers(1, 10**6), st.integers(1, 10**4), st.data())
def test_what_comes_back_of_a_run_is_at_most_its_share(
    rate: int, quantity_per_run: int, run: int, data: st.DataObject
) -> None:
    share = run_share(rate, quantity_per_run, run)
    remains = data.draw(st.integers(0, quantity_per_run))
    assert 0 <= give_back(share, rate, quantity_per_run, remains) <= share


@given(rates, st.integers(0, 9_999), worths)
def test_a_quoted_rate_rounds_up_by_less_than_a_micro_and_is_never_nothing(
    rate: int, discount: int, exchange: Worth
) -> None:
    exact = Fraction(rate * (10_000 - discount) * exchange.units, 10_000 * exchange.base)
    quoted = quoted_rate(rate, discount, exchange)
    assert exact <= quoted < exact + 1
    assert quoted > 0


@pytest.mark.parametrize(
    ("rate", "quantity", "per", "charged"),
    [
        (900_000, 1000, PER_THOUSAND, 900_000),
        (900_000, 50, PER_THOUSAND, 45_000),
        (1, 1, PER_THOUSAND, 1),
        (1, 1001, PER_THOUSAND, 2),
        (1, 1000, PER_THOUSAND, 1),
        (12_500_000, 1, PER_PIECE, 12_500_000),
    ],
)
def test_a_charge_is_rate_times_quantity(rate: int, quantity: int, per: int, charged: int) -> None:
    assert charge(rate, quantity, per) == charged


@pytest.mark.parametrize(
    ("remains", "back"),
    [(0, 0), (1, 900), (157, 141_300), (999, 899_100), (1000, 900_000), (1001, 900_000), (-5, 0)],
)
def test_of_a_thousand_at_090_the_undelivered_part_comes_back(remains: int, back: int) -> None:
    assert give_back(900_000, 900_000, 1000, remains) == back


@pytest.mark.parametrize(
    ("base", "discount", "exchange", "quoted"),
    [
        (900_000, 0, EVEN, 900_000),
        (900_000, 1_000, EVEN, 810_000),
        (900_000, 0, Worth(108, 100), 833_334),
        (900_000, 0, Worth(12, 1_000), 75_000_000),
        (900_000, 0, Worth(612, 10_000_000), 14_705_882_353),  # 1 IDR = 0.0000612 USD
        (900_000, 0, Worth(10, 163_455), 14_710_950_000),  # 1 USD = 16345.5 IDR
        (1, 9_999, Worth(1_000_000, 1), 1),
    ],
)
def test_a_rate_is_quoted_less_the_discount_in_the_customers_currency(
    base: int, discount: int, exchange: Worth, quoted: int
) -> None:
    assert quoted_rate(base, discount, exchange) == quoted
