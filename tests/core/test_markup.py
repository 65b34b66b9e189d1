"""Prices from costs: laws that hold for every amount, and worked examples."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.markup import cost_in_base, floor_rate, jumps, rate_from_cost
from sutler.core.worth import Worth

amounts = st.integers(1, 10**12)
worths = st.builds(Worth, st.integers(1, 10**10), st.integers(1, 10**18))
percents = st.integers(0, 1_000_000)
fixed_amounts = st.integers(0, 10**10)
steps = st.integers(1, 10**8)


@given(amounts, worths)
def test_a_cost_in_the_base_currency_is_never_read_too_low(cost: int, worth: Worth) -> None:
    exact = Fraction(cost * worth.base, worth.units)
    assert exact <= cost_in_base(cost, worth) < exact + 1


@given(amounts, percents, fixed_amounts, steps)
def test_a_rate_is_the_next_step_at_or_above_the_exact_one(cost: int, markup: int, fixed: int, step: int) -> None:
    exact = Fraction(cost * (10_000 + markup), 10_000) + fixed
    rate = rate_from_cost(cost, markup, fixed, step)
    assert exact <= rate < exact + step
    assert rate % step == 0


@given(amounts, percents, percents, fixed_amounts, steps)
def test_a_markup_of_at_least_the_floor_never_falls_below_it(
    cost: int, floor: int, more: int, fixed: int, step: int
) -> None:
    assert rate_from_cost(cost, floor + more, fixed, step) >= floor_rate(cost, floor) >= cost


@given(amounts, amounts, percents, fixed_amounts, steps)
def test_what_costs_more_is_never_sold_for_less(one: int, other: int, markup: int, fixed: int, step: int) -> None:
    cheap, dear = sorted((one, other))
    assert rate_from_cost(cheap, markup, fixed, step) <= rate_from_cost(dear, markup, fixed, step)
    assert floor_rate(cheap, markup) <= floor_rate(dear, markup)


@pytest.mark.parametrize(
    ("cost", "markup", "fixed", "step", "rate"),
    [
        (500_000, 0, 0, 1, 500_000),
        (500_000, 2_500, 0, 1, 625_000),
        (500_000, 2_500, 10_000, 1, 635_000),
        (500_000, 2_500, 0, 10_000, 630_000),
        (1, 1, 0, 1, 2),
        (333_333, 3_333, 0, 10_000, 450_000),
    ],
)
def test_worked_rates(cost: int, markup: int, fixed: int, step: int, rate: int) -> None:
    assert rate_from_cost(cost, markup, fixed, step) == rate


@pytest.mark.parametrize(
    ("before", "after", "is_jump"),
    [
        (100, 130, False),
        (100, 131, True),
        (100, 70, False),
        (100, 69, True),
        (100, 100, False),
        (1_000_000, 1_300_001, True),
        (1, 2, True),
        (3, 3, False),
    ],
)
def test_a_jump_is_more_than_thirty_percent_either_way(before: int, after: int, is_jump: bool) -> None:
    assert jumps(before, after) is is_jump
