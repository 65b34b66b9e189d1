"""Plots drawn on the server: shapes as SVG, words as HTML around them, every figure in a table for who cannot see them.

The shapes are stretched to the width of the page; no script, no inline style. Values are integers from 0 up.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from sutler.web.locale_middleware import written

Words = str | Promise

WIDTH, HEIGHT = 1000, 200
_MOST_STEPS = 4
_MOST_LABELS = 7


class _OfADay(Protocol):
    day: date


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values, as many as the plot has labels."""

    name: Words
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Plot:
    """What `{% plot %}` shows. `scale` goes up from 0, `along` are the labels that fit below."""

    title: Words
    shapes: SafeString
    scale: list[str]
    along: list[str]
    heads: list[Words]
    rows: list[tuple[str, list[str]]]


def line_plot(title: Words, labels: Sequence[str], series: Sequence[Series], show: Callable[[int], str] = str) -> Plot:
    """Returns the series as lines over a shaded area; `show` writes a value for the scale and the table."""
    return _plot(title, labels, series, show, _lines)


def bar_plot(title: Words, labels: Sequence[str], series: Sequence[Series], show: Callable[[int], str] = str) -> Plot:
    """Returns the series as bars side by side; `show` writes a value for the scale and the table."""
    return _plot(title, labels, series, show, _bars)


def days_of(days: Iterable[_OfADay]) -> list[str]:
    """Returns the labels of a plot by day, in the reader's language."""
    return [written(each.day, "j M") for each in days]


def ticks(largest: int) -> list[int]:
    """Returns round values from 0 up, evenly spaced, the last of them not below `largest`: [0, 25, 50, 75, 100]."""
    magnitude = 1
    while True:
        for factor in (1, 2, 5):
            step = magnitude * factor
            if step * _MOST_STEPS >= largest:
                return list(range(0, step * max(-(-largest // step), 1) + 1, step))
        magnitude *= 10


def _plot(
    title: Words,
    labels: Sequence[str],
    series: Sequence[Series],
    show: Callable[[int], str],
    draw: Callable[[int, Series, int, int], SafeString],
) -> Plot:
    scale = ticks(max((value for each in series for value in each.values), default=0))
    marks = [_y(tick, scale[-1]) for tick in scale]
    grid = format_html_join(
        "", '<line class="grid-line" x1="0" x2="{}" y1="{}" y2="{}"/>', ((WIDTH, y, y) for y in marks)
    )
    drawn = format_html_join("", "{}", ((draw(n, each, scale[-1], len(series)),) for n, each in enumerate(series)))
    rows = [(label, [show(each.values[at]) for each in series]) for at, label in enumerate(labels)]
    return Plot(
        title,
        format_html("{}{}{}", grid, drawn, _hits(rows, series)),
        [show(tick) for tick in scale],
        _along(labels),
        [each.name for each in series],
        rows,
    )


def _along(labels: Sequence[str]) -> list[str]:
    """Returns every n-th label, n such that the labels shown are evenly spaced and not too many."""
    count = len(labels)
    spread = next((n for n in range(1, count + 1) if count % n == 0 and count // n <= _MOST_LABELS), 1)
    return list(labels[::spread])


def _lines(number: int, series: Series, top: int, _count: int) -> SafeString:
    wide = WIDTH / max(len(series.values), 1)
    points = " ".join(f"{wide * (at + 0.5):.1f},{_y(value, top)}" for at, value in enumerate(series.values))
    ends = f"{wide / 2:.1f},{HEIGHT} {points} {WIDTH - wide / 2:.1f},{HEIGHT}"
    return format_html(
        '<polygon class="area series-{0}" points="{1}"/><polyline class="line series-{0}" points="{2}"/>',
        number + 1,
        ends,
        points,
    )


def _bars(number: int, series: Series, top: int, count: int) -> SafeString:
    wide = WIDTH / max(len(series.values), 1)
    bar = wide * 0.7 / count
    return format_html_join(
        "",
        '<rect class="bar series-{}" x="{}" y="{}" width="{}" height="{}"/>',
        (
            (number + 1, f"{wide * (at + 0.15) + bar * number:.1f}", y, f"{bar:.1f}", HEIGHT - y)
            for at, y in enumerate(_y(value, top) for value in series.values)
        ),
    )


def _hits(rows: Sequence[tuple[str, list[str]]], series: Sequence[Series]) -> SafeString:
    """Returns what is pointed at: a transparent column for each label, with all its figures."""
    wide = WIDTH / max(len(rows), 1)
    names = [f"{each.name}: " if len(series) > 1 else "" for each in series]
    return format_html_join(
        "",
        '<rect class="hit" x="{}" y="0" width="{}" height="{}"><title>{}</title></rect>',
        (
            (f"{wide * at:.1f}", f"{wide:.1f}", HEIGHT, f"{label}\n" + "\n".join(map(str.__add__, names, values)))
            for at, (label, values) in enumerate(rows)
        ),
    )


def _y(value: int, top: int) -> int:
    return HEIGHT - HEIGHT * min(max(value, 0), top) // top
