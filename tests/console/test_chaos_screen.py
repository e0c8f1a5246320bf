"""The Chaos screen, the plan of an experiment and a run of one, over made-up ones: at both sizes, without
colour."""

from __future__ import annotations

import asyncio

import pytest
from textual.pilot import Pilot

from console.view.chaos_shelf import shelf_lines
from tests.console import breaks
from tests.console.asked import is_on_no, stop_when_asked_again
from tests.console.breaks import RUN, ChaosFeed, MadeChaos
from tests.console.screens import (
    LARGE,
    SIZES,
    SMALL,
    Act,
    assert_golden,
    console_of,
    drive,
    is_told,
    marked_line,
    named,
    screen_text,
    sees,
    until,
)
from tests.console.worlds import NOW
from tests.sampled import sampled

TURNS = {
    "starting": breaks.starting,
    "method": breaks.course,
    "deviating": breaks.deviating,
    "stopping": breaks.stopping,
    "held": breaks.held,
    "missed": breaks.missed,
    "tripped": breaks.tripped,
    "left": breaks.left,
    "abandoned": breaks.abandoned,
}


async def shelf(pilot: Pilot[str]) -> None:
    await pilot.press("5")
    await sees(pilot, "Chaos 3 experiments")


async def run(pilot: Pilot[str]) -> None:
    """The experiment that runs stands first."""
    await shelf(pilot)
    await pilot.press("enter")
    await sees(pilot, "Chaos > billing-down in sandbox")


async def plan(pilot: Pilot[str]) -> None:
    await shelf(pilot)
    await pilot.press("j")
    await until(pilot, lambda: marked_line(pilot.app).startswith("> billing-down  "))
    await pilot.press("enter")
    await sees(pilot, "planned 0s ago")


def on(book: MadeChaos, act: Act, size: tuple[int, int] = SMALL) -> str:
    return asyncio.run(drive(console_of(ChaosFeed(book)), size, act))


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_what_runs_stands_before_the_experiments_and_open_faults_at_the_foot(size: tuple[int, int]) -> None:
    assert_golden(f"chaos-list-{named(size)}", on(MadeChaos(), shelf, size))


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_a_dry_run_says_effects_undo_guard_radius_and_budget(size: tuple[int, int]) -> None:
    assert_golden(f"chaos-plan-{named(size)}", on(MadeChaos(), plan, size))


@pytest.mark.parametrize("size", SIZES, ids=named)
@pytest.mark.parametrize("turn", sampled(TURNS, 2))
def test_a_run_shows_hypothesis_steps_faults_guard_and_budget(size: tuple[int, int], turn: str) -> None:
    assert_golden(f"chaos-{turn}-{named(size)}", on(MadeChaos(TURNS[turn]()), run, size))


@pytest.mark.parametrize("act", [shelf, plan, run], ids=["list", "plan", "run"])
@pytest.mark.parametrize("size", SIZES, ids=named)
def test_every_part_is_ascii_where_there_is_no_unicode(act: Act, size: tuple[int, int]) -> None:
    text = asyncio.run(drive(console_of(ChaosFeed(MadeChaos(breaks.tripped())), charset="ascii"), size, act))

    assert text.isascii()


@pytest.mark.parametrize(
    ("turn", "sentence"),
    [
        ("starting", "NO VERDICT  it asks whether what it may hurt burns already"),
        ("method", "NO VERDICT  the hypothesis held before, and no traffic has met the fault yet"),
        ("deviating", "FAILS SO FAR  the hypothesis deviated during the method"),
        ("stopping", "NO VERDICT  it is being ended: SIGTERM"),
        ("held", "PASS  exit 0: the hypothesis held, and the fault reached traffic, as expected"),
        ("missed", "FAIL  exit 1: hypothesis-deviated: a customer logs in, in the west"),
        ("abandoned", "UNKNOWN  its process is gone, and nobody looks after what it did: keelwatch heal"),
        ("left", "INCONCLUSIVE  exit 8: SOMETHING IS LEFT BEHIND, keelwatch heal"),
    ],
)
def test_the_verdict_is_a_sentence_above_all_else(turn: str, sentence: str) -> None:
    lines = on(MadeChaos(TURNS[turn]()), run, LARGE).splitlines()

    assert lines[5].strip().startswith(sentence)


def test_a_fault_that_nobody_met_proves_nothing_and_says_what_was_looked_for() -> None:
    text = on(MadeChaos(breaks.unmet()), run, LARGE)

    assert "INVALID  exit 4: nobody met the fault: it proves nothing" in text
    assert f"REACHED    NO: {breaks.REACHES}" in text


def test_a_healed_fault_says_by_whom_and_after_how_long() -> None:
    text = on(MadeChaos(breaks.tripped()), run, LARGE)

    assert "healed     fault.set on sandbox/fault/billing.down@all by the guardian after 16.0 s" in text


def test_a_run_that_goes_on_is_drawn_anew_when_more_is_told() -> None:
    book = MadeChaos()

    async def wait(pilot: Pilot[str]) -> None:
        await run(pilot)
        book.now = breaks.tripped()
        await sees(pilot, "ENDED inconclusive")
        await sees(pilot, "TRIPS    31.0x of 14.4x ##########")

    on(book, wait, LARGE)


def test_enter_shows_what_each_probe_said() -> None:
    async def read(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("enter")
        await sees(pilot, "a customer logs in, in the west, after: DEVIATED, said False")

    on(MadeChaos(breaks.missed()), read, LARGE)


def test_what_nobody_looks_after_is_said_in_the_title_and_with_its_command() -> None:
    async def go(pilot: Pilot[str]) -> None:
        await shelf(pilot)
        await sees(pilot, "1 LEFT BEHIND: keelwatch heal")
        await pilot.press("j", "j", "j")
        await sees(
            pilot, "orphaned by 20260921-141319-chaos-7b1e; undo: keelwatch sandbox fault clear billing.down"
        )
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.clipboard == "keelwatch heal")

    on(MadeChaos(on_shelf=breaks.orphaned()), go, LARGE)


def test_a_read_only_console_starts_nothing_and_says_which_key_arms() -> None:
    book = MadeChaos()

    async def try_it(pilot: Pilot[str]) -> None:
        await plan(pilot)
        await sees(pilot, "NEXT  A, then s: start it")
        await pilot.press("s")
        await is_told(pilot, "NOT DONE: sandbox wants experiments armed; A arms the console, for 15 minutes")

    on(book, try_it, LARGE)

    assert book.told == []


def test_a_plan_that_would_be_refused_is_not_started_and_says_why() -> None:
    book = MadeChaos(trouble="billing.down in all regions is set already, for another 100 s")

    async def try_it(pilot: Pilot[str]) -> None:
        await plan(pilot)
        await sees(pilot, "WOULD BE REFUSED: billing.down in all regions is set already")
        await pilot.press("A", "s")
        await is_told(pilot, "NOT DONE: it would be refused: billing.down in all regions is set already")

    on(book, try_it)

    assert book.told == []


async def to_the_name(pilot: Pilot[str]) -> None:
    await plan(pilot)
    await pilot.press("A", "s")
    await sees(pilot, "Type sandbox: _")


def test_an_experiment_starts_only_when_the_environment_is_typed() -> None:
    book = MadeChaos()

    async def start(pilot: Pilot[str]) -> None:
        await to_the_name(pilot)
        text = screen_text(pilot.app)
        assert "sets billing.down on in all regions" in text
        assert "ends when one burns at 14.4x over 5m" in text
        assert is_on_no(pilot)
        await pilot.press(*"sandbox")
        await sees(pilot, "Type sandbox: sandbox_   (enter: start it)")
        assert book.told == []
        await pilot.press("enter")
        await sees(pilot, f"run {RUN}")

    on(book, start, LARGE)

    assert book.told == [("start", "billing-down", "")]


@pytest.mark.parametrize("keys", sampled([["enter"], [*"sandbo", "enter"], [*"sandbox", "escape"]], 2))
def test_enter_alone_another_name_and_escape_start_nothing(keys: list[str]) -> None:
    book = MadeChaos()

    async def leave(pilot: Pilot[str]) -> None:
        await to_the_name(pilot)
        await pilot.press(*keys)
        await is_told(pilot, "not started; nothing was done")

    on(book, leave)

    assert book.told == []


def test_u_puts_a_load_beside_it_and_the_command_says_so() -> None:
    book = MadeChaos()

    async def beside(pilot: Pilot[str]) -> None:
        await plan(pilot)
        await pilot.press("u")
        await sees(pilot, "under load portal-baseline")
        await pilot.press("y")
        command = "keelwatch chaos run billing-down --env sandbox --under-load portal-baseline --arm"
        await until(pilot, lambda: pilot.app.clipboard == command)
        await pilot.press("u")
        await until(pilot, lambda: "under load portal-baseline" not in screen_text(pilot.app))

    on(book, beside, LARGE)


@pytest.mark.parametrize("from_list", [True, False], ids=["list", "run"])
def test_stopping_is_confirmed_and_enter_lets_it_go_on(from_list: bool) -> None:  # noqa: FBT001 - a parameter
    book = MadeChaos()

    async def stop(pilot: Pilot[str]) -> None:
        await (shelf if from_list else run)(pilot)
        await stop_when_asked_again(pilot, RUN, book.told)

    on(book, stop)

    assert book.told == [("stop", RUN)]


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        ("held", "it has ended: pass: hypothesis-held"),
        ("stopping", "it is told to stop already"),
        ("abandoned", "no process carries it out: it is orphaned"),
    ],
)
def test_what_cannot_be_stopped_says_why(turn: str, reason: str) -> None:
    book = MadeChaos(TURNS[turn]())

    async def try_it(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("x")
        await is_told(pilot, f"NOT DONE: {reason}")

    on(book, try_it)

    assert book.told == []


def test_l_opens_the_last_run_and_says_when_there_is_none() -> None:
    async def open_them(pilot: Pilot[str]) -> None:
        await shelf(pilot)
        await pilot.press("j", "l")
        await sees(pilot, "run 20260921-120000-chaos-11aa")
        await pilot.press("escape", "j", "j", "l")
        await is_told(pilot, "NOT DONE: theirs was never run here: enter says what it would do")

    on(MadeChaos(), open_them, LARGE)


@pytest.mark.parametrize(
    ("moves", "command"),
    [
        ((), f"keelwatch attach {RUN}"),
        (("j",), "keelwatch chaos dry-run billing-down --env sandbox"),
        (("G",), "keelwatch chaos show 20260921-120000-chaos-11aa"),
        (("G", "k"), "keelwatch heal --list"),
    ],
)
def test_y_copies_the_command_that_does_the_same(moves: tuple[str, ...], command: str) -> None:
    async def copy(pilot: Pilot[str]) -> None:
        await shelf(pilot)
        await pilot.press(*moves, "y")
        await until(pilot, lambda: pilot.app.clipboard == command)

    on(MadeChaos(), copy)


@pytest.mark.parametrize("act", [shelf, plan, run], ids=["list", "plan", "run"])
def test_the_lever_is_on_every_screen(act: Act) -> None:
    async def pull(pilot: Pilot[str]) -> None:
        await act(pilot)
        await pilot.press("exclamation_mark")
        await sees(pilot, "keelwatch stop --all --env sandbox")

    on(MadeChaos(), pull)


def test_the_filter_keeps_what_matches() -> None:
    async def narrow(pilot: Pilot[str]) -> None:
        await shelf(pilot)
        await pilot.press("slash", *"cache", "enter")
        await sees(pilot, "filter: cache")
        assert "theirs" not in screen_text(pilot.app)
        await pilot.press("escape")
        await sees(pilot, "theirs")

    on(MadeChaos(), narrow)


def test_the_list_of_the_command_says_what_the_screen_says() -> None:
    lines = shelf_lines(breaks.shelf(), NOW + 2, 120)

    shown = on(MadeChaos(), shelf, LARGE)

    for line in lines[3:]:
        assert line.strip() in shown
