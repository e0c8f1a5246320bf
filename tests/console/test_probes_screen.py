"""The screens of journeys over a made-up history, at both sizes, without colour."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.text import Text
from textual.pilot import Pilot
from textual.widgets import Static

from console.tui.app import Keelwatch
from probes.record import Exchange
from tests.console import histories
from tests.console.screens import SIZES, assert_golden, console, drive, named, screen_text, sees, until
from tests.console.worlds import NOW


async def board(pilot: Pilot[str]) -> None:
    await pilot.press("3")
    await sees(pilot, "Probes 20/20")


async def journey(pilot: Pilot[str]) -> None:
    """The first row is the one that fails."""
    await board(pilot)
    await pilot.press("enter")
    await sees(pilot, "vs median")


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_the_board_shows_what_fails_first_and_how_old_each_result_is(size: tuple[int, int]) -> None:
    histories.bad_evening()

    assert_golden(f"probes-{named(size)}", asyncio.run(drive(console(), size, board)))


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_a_journey_opens_at_the_step_that_failed(size: tuple[int, int]) -> None:
    histories.bad_evening()

    assert_golden(f"journey-{named(size)}", asyncio.run(drive(console(), size, journey)))


@pytest.mark.parametrize("size", SIZES, ids=named)
@pytest.mark.parametrize(
    ("key", "words", "golden"),
    [
        ("d", "beside the last", "diff"),
        ("h", "newest first", "history"),
        ("c", "beside each other", "compare"),
    ],
    ids=["diff", "history", "compare"],
)
def test_a_journey_can_be_compared_with_its_past_and_with_other_regions(
    size: tuple[int, int], key: str, words: str, golden: str
) -> None:
    histories.bad_evening()

    async def turn(pilot: Pilot[str]) -> None:
        await journey(pilot)
        await pilot.press(key)
        await sees(pilot, words)

    assert_golden(f"journey-{golden}-{named(size)}", asyncio.run(drive(console(), size, turn)))


def test_without_any_history_the_screen_says_which_key_makes_some() -> None:
    async def open_first(pilot: Pilot[str]) -> None:
        await board(pilot)
        assert "has not run in east yet: n runs it now" in screen_text(pilot.app)
        await pilot.press("enter")
        await sees(pilot, "not run here yet: n runs it now")

    text = asyncio.run(drive(console(), (80, 24), open_first))

    assert "keelwatch probe run change-plan" in text
    assert "It will do:" in text


def test_a_result_that_is_too_old_is_in_the_past_tense() -> None:
    histories.bad_evening()

    text = asyncio.run(drive(console(), (120, 36), board))

    (line,) = [line for line in text.splitlines() if "log-in                 west" in line]
    assert "was pass" in line
    assert "1h01m" in line


def test_the_board_filters_by_result_and_escape_shows_all_again() -> None:
    histories.bad_evening()

    async def filter_it(pilot: Pilot[str]) -> None:
        await board(pilot)
        await pilot.press("slash", *"-s fail", "enter")
        await sees(pilot, "Probes 1/20 | filter: -s fail")
        await pilot.press("escape")
        await sees(pilot, "Probes 20/20 | 1 FAILING")
        await pilot.press("escape")
        await sees(pilot, "Overview 10/10")

    asyncio.run(drive(console(), (80, 24), filter_it))


def test_an_older_execution_opens_from_the_history_and_says_that_it_is_not_the_newest() -> None:
    histories.bad_evening()

    async def open_older(pilot: Pilot[str]) -> None:
        await journey(pilot)
        await pilot.press("h", *"jjjj", "enter")
        await sees(pilot, "NOT THE NEWEST")
        assert f"--run-id {16 + 7:012x}" in screen_text(pilot.app)
        await pilot.press("escape")
        await until(pilot, lambda: "NOT THE NEWEST" not in screen_text(pilot.app))

    asyncio.run(drive(console(), (120, 36), open_older))


def test_a_step_opens_in_full_with_its_curl() -> None:
    histories.bad_evening()

    async def open_step(pilot: Pilot[str]) -> None:
        await journey(pilot)
        await pilot.press("enter")
        await sees(pilot, "EXPECTED AND FOUND")
        await pilot.press(*"jjjjjjjj")
        await sees(pilot, "curl -sS -i 'https://portal.example/v2/invoices?limit=5'")

    asyncio.run(drive(console(), (80, 24), open_step))


def test_no_character_of_an_answer_acts_on_the_terminal() -> None:
    """The board, the journey and the dialog of its step: an answer is shown, and never obeyed."""
    nasty = "\x1b[2J\x1b]0;pwned\x07\u202e\x9b31m"
    last = histories.broken("west", NOW, 999)
    exchange = Exchange("GET /", f"HTTP/1.1 503\nx-say: {nasty}\n\n{nasty}", f"curl '{nasty}'")
    step = replace(last.steps[1], exchange=exchange, reason=nasty)
    histories.bad_evening()
    histories.keep([replace(last, reason=f"said {nasty}", steps=(last.steps[0], step, last.steps[2]))])
    seen: list[str] = []

    async def look(pilot: Pilot[str]) -> None:
        await board(pilot)
        await sees(pilot, "said \\x1b[2J")
        seen.append(screen_text(pilot.app))
        await pilot.press("enter")
        await sees(pilot, "\\x1b[2J\\x1b]0;pwned\\x07\\u202e\\x9b31m")
        seen.append(screen_text(pilot.app))
        await pilot.press("enter")
        await sees(pilot, "x-say: \\x1b[2J")
        seen.append(screen_text(pilot.app))

    asyncio.run(drive(console(), (120, 36), look))

    assert all(line.isprintable() for text in seen for line in text.splitlines())


def test_what_was_missed_before_it_was_laid_out_never_reaches_the_terminal() -> None:
    async def slip(pilot: Pilot[str]) -> None:
        await board(pilot)
        pilot.app.screen.mount(Static(Text("slipped\x1b[2J\u202e through"), markup=False))
        await sees(pilot, "slipped[2J through")

    asyncio.run(drive(console(), (120, 36), slip))


def test_the_run_dialog_and_the_comparison_call_a_step_as_the_waterfall_does() -> None:
    """The file names no step of `view-invoices` that logs out: its action is `login`."""
    histories.bad_evening()

    async def look(pilot: Pilot[str]) -> None:
        await journey(pilot)
        await pilot.press("n")
        await sees(pilot, "log out)")
        await pilot.press("escape", "c")
        await sees(pilot, "beside each other")
        assert "log out" in screen_text(pilot.app)

    assert " login" not in asyncio.run(drive(console(), (120, 36), look))


def test_running_a_journey_first_says_what_will_run_and_which_command_does_the_same() -> None:
    histories.bad_evening()

    async def ask(pilot: Pilot[str]) -> None:
        await board(pilot)
        await pilot.press("n")
        await sees(pilot, "keelwatch probe run view-invoices --region west")
        assert "A customer reads the last invoices: 3 steps" in screen_text(pilot.app)
        await pilot.press("escape")
        await until(pilot, lambda: "r  run it" not in screen_text(pilot.app))

    asyncio.run(drive(console(), (120, 36), ask))


def test_a_run_that_is_refused_says_why_on_the_screen() -> None:
    """No sandbox runs here, so there is no place to go to."""

    async def run_it(pilot: Pilot[str]) -> None:
        await board(pilot)
        await pilot.press("n")
        await sees(pilot, "r  run it")
        await pilot.press("r")
        await sees(pilot, "NOT RUN: ")

    text = asyncio.run(drive(console(), (120, 36), run_it))

    assert "sandbox up" in text


def test_an_execution_is_exported_as_json(tmp_path: Path) -> None:
    histories.bad_evening()

    async def export(pilot: Pilot[str]) -> None:
        await journey(pilot)
        await pilot.press("e")
        await until(pilot, lambda: bool(list((tmp_path / "state" / "exports").glob("*.json"))))

    asyncio.run(drive(console(), (120, 36), export))

    (file,) = (tmp_path / "state" / "exports").glob("*.json")
    assert json.loads(file.read_text())["result"] == "fail"


def test_the_copied_curl_is_of_the_step_at_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(Keelwatch, "copy_to_clipboard", lambda _app, text: copied.append(text))
    histories.bad_evening()

    async def copy(pilot: Pilot[str]) -> None:
        await journey(pilot)
        await pilot.press("y")
        await until(pilot, lambda: bool(copied))

    asyncio.run(drive(console(), (120, 36), copy))

    assert copied == ["curl -sS -i 'https://portal.example/v2/invoices?limit=5' -H 'Accept: */*'"]


def test_the_screens_are_ascii_where_there_is_no_unicode() -> None:
    histories.bad_evening()

    assert asyncio.run(drive(console(charset="ascii"), (80, 24), journey)).isascii()


def test_a_tick_without_news_repaints_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    from console.tui.live_table import LiveTable

    histories.bad_evening()
    patched: list[object] = []

    async def wait(pilot: Pilot[str]) -> None:
        await board(pilot)
        await pilot.pause(0.3)
        monkeypatch.setattr(LiveTable, "patch", lambda _table, changes: patched.append(changes))
        pilot.app.screen.show_time(pilot.app.shown)  # type: ignore[attr-defined]

    asyncio.run(drive(console(), (80, 24), wait))

    assert patched
    assert not any(patched)
