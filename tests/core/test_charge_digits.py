"""How finely a panel tells its charges: learnt from them, and where they are compared no difference."""

import pytest

from sutler.core.charge_digits import ENOUGH, Rounding, digits_of, learn


@pytest.mark.parametrize(
    ("micros", "digits"),
    [(0, 0), (3_000_000, 0), (900_000, 1), (450_000, 2), (451_000, 3), (451_230, 5), (1, 6), (4_500_000_000, 0)],
)
def test_the_digits_of_an_amount(micros: int, digits: int) -> None:
    assert digits_of(micros) == digits


@pytest.mark.parametrize(
    ("charges", "within"),
    [
        # Nothing is known; or what was told is what was expected, or that with five decimals.
        ([], 10),
        ([(450_000, 450_000)] * 20, 10),
        ([(451_230, 451_234)] * 20, 10),
        # Rounded to cents: up, down, to the nearest.
        ([(460_000, 451_234)], 9_999),
        ([(450_000, 451_234)], 9_999),
        ([(900_000, 895_600)], 9_999),
        # To tenths or whole units only after some, so that one dearer order is not taken for it.
        ([(3_000_000, 2_471_200)], 9_999),
        ([(3_000_000, 2_471_200)] * ENOUGH, 999_999),
        ([(4_500_000_000, 4_500_350_000)] * ENOUGH, 999_999),
        # Three and four decimals.
        ([(451_000, 451_234)], 999),
        ([(451_200, 451_234)], 99),
        # One with more digits shows that they are told, whenever it comes.
        ([(450_000, 451_234), (447_120, 447_120)], 10),
        ([(900_000, 895_600), (447_120, 447_120), (450_000, 451_234)], 10),
        # Dearer than any rounding makes it, and nothing at all, are no rounding.
        ([(470_000, 451_234)], 10),
        ([(0, 1_234)], 10),
    ],
)
def test_what_a_told_charge_may_be_off_by(charges: list[tuple[int, int]], within: int) -> None:
    assert learn(Rounding(), charges).within_micros == within


def test_what_is_kept_is_bounded_and_goes_on_from_what_is_known() -> None:
    known = learn(Rounding(2, 3), [(450_000, 451_234)] * 100)
    assert known == Rounding(2, ENOUGH)
    assert learn(known, []) == known
