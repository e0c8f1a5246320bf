"""The Load screen and a run of one, over made-up ones: at both sizes, without colour."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from console.view.load_course import Step
from console.view.load_screen import verdict_words
from tests.console import pushes
from tests.console.asked import is_on_no, stop_when_asked_again
from tests.console.pushes import RUN, LoadFeed, MadeLoads
from tests.console.screens import (
    LARGE,
    SIZES,
    SMALL,
    Act,
    assert_golden,
    console_of,
    drive,
    is_told,
    named,
    screen_text,
    sees,
    until,
)
from tests.sampled import sampled

TURNS = {
    "running": pushes.course,
    "starting": pushes.starting,
    "dropping": pushes.dropping,
    "closed": pushes.closed,
    "searching": pushes.searching,
    "confirming": pushes.confirming,
    "tripped": pushes.tripped,
    "missed": pushes.missed,
}


async def shelf(pilot: Pilot[str]) -> None:
    await pilot.press("4")
    await sees(pilot, "Load 3 profiles")


async def run(pilot: Pilot[str]) -> None:
    """The load that runs stands first."""
    await shelf(pilot)
    await pilot.press("enter")
    await sees(pilot, "Load > portal-baseline in sandbox")


async def profile(pilot: Pilot[str]) -> None:
    """The second one, which has a last run."""
    await shelf(pilot)
    await pilot.press("j", "j")
    await sees(pilot, "> portal-baseline  ")


def on(book: MadeLoads, act: Act, size: tuple[int, int] = SMALL) -> str:
    return asyncio.run(drive(console_of(LoadFeed(book)), size, act))


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_loads_that_run_stand_before_the_profiles_with_the_last_run_of_each(size: tuple[int, int]) -> None:
    assert_golden(f"load-list-{named(size)}", on(MadeLoads(), shelf, size))


@pytest.mark.parametrize("size", SIZES, ids=named)
@pytest.mark.parametrize("turn", sampled(TURNS, 2))
def test_a_run_shows_what_is_applied_what_it_takes_and_what_ends_it(size: tuple[int, int], turn: str) -> None:
    assert_golden(f"load-{turn}-{named(size)}", on(MadeLoads(TURNS[turn]()), run, size))


@pytest.mark.parametrize("turn", sampled(["running", "tripped"], 2))
@pytest.mark.parametrize("size", SIZES, ids=named)
def test_a_run_is_ascii_where_there_is_no_unicode(turn: str, size: tuple[int, int]) -> None:
    text = asyncio.run(drive(console_of(LoadFeed(MadeLoads(TURNS[turn]())), charset="ascii"), size, run))

    assert text.isascii()
    if turn == "running":
        assert_golden(f"load-ascii-{named(size)}", text)


def test_tab_turns_to_journeys_thresholds_and_errors_and_back() -> None:
    async def turn(pilot: Pilot[str]) -> None:
        await run(pilot)
        await sees(pilot, "[requests 4]")
        for words in ("[journeys 2]", "[thresholds 3]", "[errors 3]", "[requests 4]"):
            await pilot.press("tab")
            await sees(pilot, words)
            if "thresholds" in words:
                await sees(pilot, "MISSED   login-latency: 97.10% (99.00%)")
                await sees(pilot, "unknown  invoices-latency: 9 requests")

    on(MadeLoads(pushes.missed()), turn, LARGE)


def test_a_search_tells_which_rates_held() -> None:
    async def turn(pilot: Pilot[str]) -> None:
        await run(pilot)
        await sees(pilot, "SEARCHING | step 3 |")
        await sees(pilot, "NO VERDICT  the highest rate that holds: 4/s holds, 8/s does not")
        await pilot.press("tab", "tab")
        await sees(pilot, "! MISSED   8/s: login-latency: 96.20% good")

    on(MadeLoads(pushes.searching()), turn)


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([], "searches for the highest rate that holds"),
        (pushes.retried(), "the highest rate that holds: 67.5/s holds, 75/s does not"),
        (
            [*pushes.retried()[:2], Step(60.0, held=True)],
            "the highest rate that holds: 60/s holds, 67.5/s does not",
        ),
        ([Step(4.0, held=True), pushes.BLIND], "the highest rate that holds: 4/s holds, 8/s may hold"),
        ([pushes.BLIND], "the highest rate that holds: 8/s may hold"),
        ([pushes.BLIND, Step(16.0, held=True)], "the highest rate that holds: 16/s holds"),
        ([Step(16.0, held=True), Step(8.0, held=False)], "the highest rate that holds: 8/s does not"),
        (
            [Step(52.0, held=True), pushes.OUT_OF_REACH],
            "the highest rate that holds: 52/s holds, 120/s cannot be pushed",
        ),
    ],
)
def test_of_a_rate_its_last_step_counts_and_one_that_saw_too_little_says_so(
    steps: list[Step], told: str
) -> None:
    found = replace(pushes.searching(), steps=tuple(steps))

    assert verdict_words(found, found.started) == ("NO VERDICT", told)


def test_every_step_of_a_search_says_what_it_was_worth() -> None:
    async def turn(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("tab", "tab")
        await sees(pilot, "  may hold 8/s: login-latency: 40 requests")
        await sees(pilot, "! MISSED   67.5/s: login-latency: 98.60% good")
        await sees(pilot, "  holds    67.5/s, confirmed")
        await sees(pilot, "! UNPUSHED 120/s: generator-late: for 5 s")

    on(MadeLoads(pushes.confirming()), turn, LARGE)


def test_enter_reads_a_verdict_in_full_that_the_screen_cuts() -> None:
    found = pushes.missed()
    assert found.verdict is not None
    long = replace(found.verdict, reason=f"{'threshold-missed: one of many; ' * 12}the end")

    async def read(pilot: Pilot[str]) -> None:
        await run(pilot)
        assert "the end" not in screen_text(pilot.app)
        await pilot.press("enter")
        await sees(pilot, "the end")

    on(MadeLoads(replace(found, verdict=long)), read)


def test_a_run_that_goes_on_is_drawn_anew_when_more_is_told() -> None:
    book = MadeLoads(pushes.course(40))

    async def wait(pilot: Pilot[str]) -> None:
        await run(pilot)
        book.now = pushes.tripped()
        await sees(pilot, "ENDED inconclusive")
        await sees(pilot, "TRIPS    31.0x of 14.4x ##########")

    on(book, wait, LARGE)


def test_a_read_only_console_starts_nothing_and_says_which_key_arms() -> None:
    book = MadeLoads()

    async def try_it(pilot: Pilot[str]) -> None:
        await profile(pilot)
        await sees(pilot, "A, then s: start it   (keelwatch load run portal-baseline --env sandbox --arm)")
        await pilot.press("s")
        await is_told(pilot, "NOT DONE: sandbox wants load tests armed; A arms the console, for 15 minutes")

    on(book, try_it, LARGE)

    assert book.told == []


async def to_the_name(pilot: Pilot[str]) -> None:
    await profile(pilot)
    await pilot.press("A", "s")
    await sees(pilot, "Type sandbox: _")


def test_a_load_starts_only_when_the_environment_is_typed() -> None:
    book = MadeLoads()

    async def start(pilot: Pilot[str]) -> None:
        await to_the_name(pilot)
        text = screen_text(pilot.app)
        assert "keelwatch load run portal-baseline --env sandbox --arm" in text
        assert "1.0% of the period's, of each of its objectives, is set aside" in text
        assert is_on_no(pilot)
        await pilot.press(*"sandbox")
        await sees(pilot, "Type sandbox: sandbox_   (enter: start it)")
        assert book.told == []
        await pilot.press("enter")
        await sees(pilot, "Load > portal-baseline in sandbox")

    on(book, start)

    assert book.told == [("start", "portal-baseline")]


@pytest.mark.parametrize(
    "keys", sampled([["enter"], [*"sandbo", "enter"], [*"prod", "enter"], [*"sandbox", "escape"]], 2)
)
def test_enter_alone_another_name_and_escape_start_nothing(keys: list[str]) -> None:
    book = MadeLoads()

    async def leave(pilot: Pilot[str]) -> None:
        await to_the_name(pilot)
        await pilot.press(*keys)
        await is_told(pilot, "not started; nothing was done")

    on(book, leave)

    assert book.told == []


@pytest.mark.parametrize("from_list", [True, False], ids=["list", "run"])
def test_stopping_is_confirmed_and_enter_lets_it_go_on(from_list: bool) -> None:  # noqa: FBT001 - a parameter
    book = MadeLoads()

    async def stop(pilot: Pilot[str]) -> None:
        await (shelf if from_list else run)(pilot)
        await stop_when_asked_again(pilot, RUN, book.told)

    on(book, stop)

    assert book.told == [("stop", RUN)]


def test_what_has_ended_is_not_stopped_and_says_why() -> None:
    book = MadeLoads(pushes.missed())

    async def try_it(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("x")
        await is_told(pilot, "NOT DONE: it has ended: fail: threshold-missed")
        await pilot.press("escape", "j", "x")
        await is_told(pilot, "NOT DONE: a run is stopped, and the cursor stands on none that goes on")

    on(book, try_it)

    assert book.told == []


def test_a_profile_opens_its_last_run_and_one_that_never_ran_says_how_to_start_it() -> None:
    async def open_them(pilot: Pilot[str]) -> None:
        await profile(pilot)
        await pilot.press("enter")
        await sees(pilot, "run 20260921-120000-load-11aa")
        await pilot.press("escape", "j", "enter")
        await is_told(pilot, "NOT DONE: sale-day was never run here: s starts it")

    on(MadeLoads(), open_them, LARGE)


@pytest.mark.parametrize(
    ("moves", "command"),
    [
        ((), f"keelwatch attach {RUN}"),
        (("j", "j"), "keelwatch load run portal-baseline --env sandbox --arm"),
        (("G",), "keelwatch load show 20260921-120000-load-11aa"),
    ],
)
def test_y_copies_the_command_that_does_the_same(moves: tuple[str, ...], command: str) -> None:
    async def copy(pilot: Pilot[str]) -> None:
        await shelf(pilot)
        await pilot.press(*moves, "y")
        await until(pilot, lambda: pilot.app.clipboard == command)

    on(MadeLoads(), copy)


def test_the_filter_keeps_what_matches() -> None:
    async def narrow(pilot: Pilot[str]) -> None:
        await shelf(pilot)
        await pilot.press("slash", *"sale", "enter")
        await sees(pilot, "filter: sale")
        assert "lookup-peak" not in screen_text(pilot.app)
        await pilot.press("escape")
        await sees(pilot, "lookup-peak")

    on(MadeLoads(), narrow)
