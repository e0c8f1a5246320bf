"""Several curves in one plot, without colour."""

from __future__ import annotations

import pytest

from console.view.curves import Curve, chart, nice, peaks
from console.view.plot import Charset

LOW = Curve("p50", ".", [10.0] * 20)
HIGH = Curve("p99", "^", [80.0] * 20)


@pytest.mark.parametrize(
    ("value", "top"), [(0.3, 0.3), (1, 1), (4.2, 5), (9.1, 10), (11, 15), (739, 800), (1001, 1500)]
)
def test_a_scale_ends_at_the_next_round_number(value: float, top: float) -> None:
    assert nice(value) == pytest.approx(top)


def test_each_curve_is_named_where_it_ends() -> None:
    lines = chart([LOW, HIGH], 40, 8, Charset.BRAILLE).lines

    named = {words[-1]: at for at, line in enumerate(lines) if (words := line.split())[-1] in {"p50", "p99"}}
    assert named == {"p99": 0, "p50": 6}


def test_curves_that_end_together_are_named_one_below_the_other_the_highest_first() -> None:
    close = [Curve(label, "*", [value] * 9) for label, value in (("a", 1.0), ("b", 3.0), ("c", 2.0))]

    lines = chart(close, 30, 4, Charset.BRAILLE, least=100.0).lines

    assert [line.split()[-1] for line in lines[1:]] == ["b", "c", "a"]


def test_where_there_is_no_braille_a_mark_tells_them_apart() -> None:
    lines = chart([LOW, HIGH], 40, 8, Charset.ASCII).lines

    assert "\n".join(lines).isascii()
    assert lines[0].endswith("^ p99")
    assert "^^^^" in lines[0]
    assert "....." in lines[6]


def test_a_curve_over_another_joins_its_dots() -> None:
    crossing = Curve("up", "u", [0.0, 50.0, 100.0])
    alone = chart([crossing], 24, 4, Charset.BRAILLE).lines
    both = chart([crossing, Curve("up", "d", [100.0, 50.0, 0.0])], 24, 4, Charset.BRAILLE).lines

    def dots(lines: list[str]) -> int:
        return sum((ord(one) & 0xFF).bit_count() for line in lines for one in line if ord(one) >= 0x2800)

    assert dots(both) > dots(alone)


def test_one_slow_second_does_not_fall_through_however_long_the_load() -> None:
    values: list[float | None] = [10.0] * 3600
    values[1801] = 900.0

    assert max(one for one in peaks(values, 50) if one is not None) == 900.0


def test_nothing_told_yet_draws_an_empty_plot_of_the_same_height() -> None:
    assert len(chart([Curve("p50", ".", [None] * 10)], 30, 4, Charset.BRAILLE).lines) == 4
