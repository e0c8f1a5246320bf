"""The Runbooks screen and a plan, over made-up ones: at both sizes, without colour."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from console.tui.app import Keelwatch
from tests.console import procedures
from tests.console.asked import is_on_no
from tests.console.procedures import MadeBook
from tests.console.runbook_screens import failover, on, run, shelf
from tests.console.screens import LARGE, SIZES, assert_golden, is_told, named, screen_text, sees, until


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_what_is_not_over_stands_before_the_runbooks_and_their_rehearsals(size: tuple[int, int]) -> None:
    assert_golden(f"runbooks-{named(size)}", on(MadeBook(), shelf, size))


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_a_plan_says_what_would_happen_now(size: tuple[int, int]) -> None:
    assert_golden(f"runbook-plan-{named(size)}", on(MadeBook(), failover, size))


def test_planning_anew_says_what_has_changed_and_inputs_can_be_chosen() -> None:
    book = MadeBook(plans=[procedures.plan(), procedures.plan(weight=50)])

    async def anew(pilot: Pilot[str]) -> None:
        await failover(pilot)
        await pilot.press("n")
        await sees(pilot, "edge/west: weight 100 -> weight 50")
        await pilot.press("s")
        await sees(pilot, "east -> west  graceful")
        await pilot.press("g")
        await sees(pilot, "east -> west  ungraceful")
        await sees(pilot, "mode: graceful -> ungraceful")
        await pilot.press("i")
        await sees(pilot, "from = east")
        await pilot.press(*"to=north", "enter")
        await sees(pilot, "east -> north  ungraceful")

    on(book, anew, LARGE)


def test_a_plan_that_cannot_be_made_says_why() -> None:
    """No sandbox runs here: the real book has nothing to ask."""
    from console.runbook_book import RunbookBook

    class Unplanned(MadeBook):
        planned = RunbookBook.planned

    async def fail(pilot: Pilot[str]) -> None:
        await shelf(pilot)
        await pilot.press("j", "j", "enter")
        await sees(pilot, "NOT PLANNED: ")
        await pilot.press("r")
        await is_told(pilot, "NOT DONE: there is no plan")

    assert "sandbox up" in on(Unplanned(), fail)


def test_a_read_only_console_runs_nothing_and_says_which_key_arms() -> None:
    book = MadeBook()

    async def try_it(pilot: Pilot[str]) -> None:
        await failover(pilot)
        await pilot.press("r")
        await is_told(pilot, "NOT DONE: sandbox wants runbooks armed; A arms the console, for 15 minutes")

    on(book, try_it)

    assert book.told == []


async def to_the_name(pilot: Pilot[str]) -> None:
    await failover(pilot)
    await pilot.press("A", "r")
    await sees(pilot, "Type west: _")


def test_a_run_starts_only_when_the_region_is_typed() -> None:
    book = MadeBook()

    async def start(pilot: Pilot[str]) -> None:
        await to_the_name(pilot)
        assert "no way back from promote-database on" in screen_text(pilot.app)
        assert is_on_no(pilot)
        await pilot.press(*"wesx", "backspace", "t")
        await sees(pilot, "Type west: west_   (enter: run it)")
        assert book.told == []
        await pilot.press("enter")
        await sees(pilot, "Runbooks > failover-region  west -> east  graceful")
        await sees(pilot, "of RTO 3m")

    on(book, start)

    assert book.told == [("start", "failover-region", procedures.plan().sha)]


@pytest.mark.parametrize("keys", [["enter"], [*"wes", "enter"], [*"east", "enter"], [*"west", "escape"]])
def test_enter_alone_another_name_and_escape_start_nothing(keys: list[str]) -> None:
    book = MadeBook()

    async def leave(pilot: Pilot[str]) -> None:
        await to_the_name(pilot)
        await pilot.press(*keys)
        await is_told(pilot, "not run; nothing was done")

    on(book, leave)

    assert book.told == []


def test_the_copied_command_does_what_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(Keelwatch, "copy_to_clipboard", lambda _app, text: copied.append(text))
    book = MadeBook(procedures.waiting())

    async def copy(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("y")
        await until(pilot, lambda: len(copied) == 1)
        await pilot.press("escape")
        await sees(pilot, "Runbooks 4")
        await pilot.press("j", "j", "enter")
        await sees(pilot, "planned 0s ago")
        await pilot.press("y")
        await until(pilot, lambda: len(copied) == 2)

    on(book, copy)

    sha = procedures.plan().sha
    assert copied == [
        f"keelwatch runbook approve {procedures.RUN}",
        f"keelwatch runbook run failover-region --env sandbox --from west --to east --plan {sha}",
    ]
