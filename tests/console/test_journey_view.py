"""What the screen of a journey tells, out of made-up executions."""

from __future__ import annotations

from dataclasses import replace

from console.view.difference import SAME, difference
from console.view.journey import Mode, View, drawn
from console.view.story import Story
from console.view.waterfall import bar, span_ms, unhurried, waterfall
from probes.record import Exchange, Execution, Result
from tests.console.histories import broken, green
from tests.console.worlds import NOW

WAITED_S = 21.0


def waited() -> Execution:
    """It waited 21 s in its first step, and what came after came so much later."""
    execution = green("west", NOW, 1)
    first, *rest = execution.steps
    late = [replace(step, started_ms=step.started_ms + WAITED_S * 1000) for step in rest]
    return replace(execution, steps=(replace(first, waited_s=WAITED_S), *late))


def test_a_wait_for_a_code_takes_no_room_in_the_waterfall_but_is_told() -> None:
    calm, held_up = green("west", NOW, 1).steps, waited().steps

    assert span_ms(unhurried(held_up)) == span_ms(calm) == 50.0
    before, after = waterfall(calm, {}, 120), waterfall(held_up, {}, 120)
    assert after[0] == before[0]
    assert after[2:] == before[2:]
    assert "wait 21s" not in "\n".join(before)


def test_the_mark_of_a_wait_stands_where_there_is_room() -> None:
    step = waited().steps[0]

    early = bar(replace(step, started_ms=0.0, took_ms=10.0), 100.0, 30)
    late = bar(replace(step, started_ms=80.0, took_ms=20.0), 100.0, 30)
    whole = bar(replace(step, started_ms=0.0, took_ms=100.0), 100.0, 30)

    assert early == "|=| wait 21s".ljust(30)
    assert late.endswith(" wait 21s |====|")
    assert whole == f"|{'=' * 28}|"
    assert {len(early), len(late), len(whole)} == {30}


def said(execution: Execution, account: str, body: str) -> Execution:
    exchange = Exchange(f"GET /v2/me?of={account}", f"HTTP/1.1 200\n\n{body}", "curl")
    steps = tuple(replace(step, exchange=exchange) for step in execution.steps)
    return replace(execution, account=account, steps=steps)


def test_that_another_account_was_leased_is_no_difference() -> None:
    green_one = green("east", NOW - 60, 1)
    then = said(green_one, "synthetic-east-06", '{"name": "Synthetic east 6", "id": "synthetic-east-06"}')
    now = said(green_one, "synthetic-east-08", '{"name": "Synthetic east 8", "id": "synthetic-east-08"}')

    assert difference(now, then, NOW)[-1] == SAME


def test_another_customers_name_in_the_answer_is_a_difference() -> None:
    green_one = green("east", NOW - 60, 1)
    then = said(green_one, "synthetic-east-06", '{"name": "Synthetic east 6"}')
    wrong = said(green_one, "synthetic-east-08", '{"name": "Synthetic east 66"}')

    assert '+  "name": "Synthetic east 66"' in "\n".join(difference(wrong, then, NOW))


def test_what_a_server_says_is_written_out_before_it_is_laid_out() -> None:
    nasty = said(broken("west", NOW, 1), "ada", "\x1b[2J\x1b]0;pwned\x07\u202e <- \x9b31m")
    story = Story("sandbox", "j", "t", "billing", "west", shown=replace(nasty, result=Result.FAIL))

    for width in (80, 120):
        lines = drawn(story, View(width, 36, Mode.STEPS, step=1), NOW).lines
        told = "\n".join(lines)
        assert "\\x1b[2J\\x1b]0;pwned\\x07\\u202e <- " in told
        assert all(line.isprintable() for line in lines)
