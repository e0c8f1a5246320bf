"""A run of a runbook and its question, over made-up ones: at both sizes, without colour."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from console.tui.question import QuestionDialog
from console.view.run_story import RunStory
from keelwatch.runs import Phase
from runbooks.conduct.progress import StepState
from tests.console import procedures
from tests.console.procedures import BookFeed, MadeBook
from tests.console.runbook_screens import on, run, shelf
from tests.console.screens import (
    LARGE,
    SIZES,
    SMALL,
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
    "approval": procedures.waiting,
    "doubt": procedures.in_doubt,
    "failed": procedures.failed,
    "ended": procedures.ended,
}


@pytest.mark.parametrize("size", SIZES, ids=named)
@pytest.mark.parametrize("turn", TURNS)
def test_a_run_shows_its_steps_and_the_evidence_of_one(size: tuple[int, int], turn: str) -> None:
    assert_golden(f"runbook-{turn}-{named(size)}", on(MadeBook(TURNS[turn]()), run, size))


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_what_is_in_doubt_is_explained_with_what_each_answer_leads_to(size: tuple[int, int]) -> None:
    async def ask(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("enter")
        await sees(pilot, "It stays in doubt, on record")

    text = on(MadeBook(procedures.in_doubt()), ask, size)

    assert_golden(f"runbook-question-{named(size)}", text)
    for words in ("pg.promote on database-east was sent", "its check east does not answer within 2 s"):
        assert words in text
    assert "esc  not now" in text


def test_evidence_however_long_leaves_the_answers_on_a_small_screen() -> None:
    found = procedures.in_doubt()
    assert found.question is not None
    long = replace(found.question, text=f"{found.question.text}; {'nobody answers there, ' * 40}the end")

    async def ask(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("enter")
        await sees(pilot, "It stays in doubt, on record")
        await sees(pilot, "esc  not now")
        assert "the end" not in screen_text(pilot.app)
        for _ in range(4):
            await pilot.press("pagedown")
        await sees(pilot, "the end")

    text = on(MadeBook(replace(found, question=long)), ask)

    assert "a  abort" in text


@pytest.mark.parametrize("keys", [(), ("enter",)], ids=["run", "question"])
def test_a_run_and_its_question_are_ascii_where_there_is_no_unicode(keys: tuple[str, ...]) -> None:
    app = console_of(BookFeed(MadeBook(procedures.in_doubt())), charset="ascii")

    async def go(pilot: Pilot[str]) -> None:
        await run(pilot)
        for key in keys:
            await pilot.press(key)
            await sees(pilot, "esc  not now")

    assert asyncio.run(drive(app, SMALL, go)).isascii()


def test_enter_answers_nothing_until_a_letter_has_chosen() -> None:
    book = MadeBook(procedures.in_doubt())

    async def answer(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, QuestionDialog))
        assert book.told == []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuestionDialog))
        await pilot.press("n")
        await sees(pilot, "chosen: not-done; enter answers")
        assert book.told == []
        await pilot.press("enter")
        await is_told(pilot, "answered not-done")

    on(book, answer)

    assert book.told == [("answer", "77", "not-done", "")]


def test_a_skip_is_no_answer_without_a_reason() -> None:
    book = MadeBook(procedures.failed())

    async def answer(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("enter")
        await sees(pilot, "You are asked why.")
        await pilot.press("s", "enter")
        await sees(pilot, "skip: why, in a sentence")
        await pilot.press("enter")
        await pilot.pause()
        assert book.told == []
        await pilot.press(*"the balancer is new", "enter")
        await is_told(pilot, "answered skip")

    on(book, answer)

    assert book.told == [("answer", "91", "skip", "the balancer is new")]


def test_a_question_that_somebody_else_answered_is_taken_from_the_screen() -> None:
    book = MadeBook(procedures.failed())

    async def wait(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, QuestionDialog))
        book.now = procedures.story(5)
        await until(pilot, lambda: not isinstance(pilot.app.screen, QuestionDialog))
        await is_told(pilot, "answered meanwhile")

    on(book, wait)

    assert book.told == []


ORPHAN = replace(procedures.story(3), phase=Phase.ORPHANED, alive=False, stands="its process died")


def test_an_orphan_is_taken_up_by_an_armed_console() -> None:
    book = MadeBook(ORPHAN)

    async def resume(pilot: Pilot[str]) -> None:
        await run(pilot)
        await sees(pilot, "ORPHANED")
        await pilot.press("r")
        await is_told(pilot, "wants runbooks armed")
        await pilot.press("A", "r")
        await is_told(pilot, "goes on")

    on(book, resume)

    assert book.told == [("resume", procedures.RUN)]


def test_skip_and_abort_want_a_reason_and_say_what_they_lead_to() -> None:
    book = MadeBook(procedures.story(2))

    async def say(pilot: Pilot[str]) -> None:
        await run(pilot)
        await pilot.press("down", "k")
        await sees(pilot, "Leave promote-cache out")
        await pilot.press("enter")
        await sees(pilot, "nothing is done without")
        await pilot.press(*"no cache", "enter")
        await is_told(pilot, "promote-cache is to be skipped")
        await pilot.press("a")
        await sees(pilot, "It takes back freeze-writes.")
        await pilot.press("escape", "a")
        await pilot.press(*"enough", "enter")
        await is_told(pilot, "is told to end")
        await pilot.press("x")
        await is_told(pilot, "is told to pause")

    on(book, say)

    assert [one[0] for one in book.told] == ["skip", "abort", "pause"]
    assert book.told[0] == ("skip", "promote-cache", "no cache")


def test_one_step_is_taken_back_and_a_note_stands_beside_another() -> None:
    book = MadeBook(procedures.stuck())

    async def say(pilot: Pilot[str]) -> None:
        await run(pilot)
        await sees(pilot, "ada: west's disk is slow")
        await pilot.press("m")
        await sees(pilot, "It stands beside promote-database from now on.")
        await pilot.press(*"seen", "enter")
        await is_told(pilot, "noted beside promote-database")
        await pilot.press("u")
        await sees(pilot, "Take freeze-writes back")
        await pilot.press(*"too far behind", "enter")
        await is_told(pilot, "answered back")
        await pilot.press("enter")
        await sees(pilot, "b  back     Takes back freeze-writes too; then it asks what to do there.")

    on(book, say)

    assert book.told == [("note", "promote-database", "seen"), ("answer", "93", "back", "too far behind")]


@pytest.mark.parametrize(
    ("found", "keys", "reason"),
    sampled(
        [
            (procedures.story(2), "r", "it is running already"),
            (procedures.in_doubt(), "r", "it waits for your answer: enter"),
            (procedures.story(2), "p", "it waits for nobody's approval"),
            (procedures.story(2), "k", "promote-database has begun; only what has not begun is skipped"),
            (procedures.waiting(), "k", "an approval is given by another person, and never skipped"),
            (procedures.ended(), "a", "it has ended: pass"),
            (ORPHAN, "x", "no process carries it out: it is orphaned"),
            (procedures.story(2), "u", "one step is taken back where one fails; all of it: a"),
            (procedures.failed(), "u", "promote-database was the point of no return"),
        ],
        2,
    ),
    ids=["resume", "asks", "approve", "skip", "skip-approval", "abort", "pause", "undo", "no-return"],
)
def test_a_key_that_does_nothing_says_why(found: RunStory, keys: str, reason: str) -> None:
    book = MadeBook(found)

    async def press(pilot: Pilot[str]) -> None:
        await shelf(pilot)
        await pilot.press("enter")
        await sees(pilot, "RTO 3m")
        await pilot.press(keys)
        await is_told(pilot, f"NOT DONE: {reason}")
        await sees(pilot, f"NOT DONE: {reason}"[:40])

    on(book, press)

    assert book.told == []


def test_an_approval_is_given_from_a_second_terminal_and_never_to_oneself() -> None:
    book = MadeBook(procedures.waiting())
    book.may_approve = False

    async def approve(pilot: Pilot[str]) -> None:
        await run(pilot)
        await sees(pilot, "another person until 14:23:27Z")
        await pilot.press("p")
        await is_told(pilot, "nobody approves their own; ask one of: second")
        book.may_approve = True
        await pilot.press("p")
        await sees(pilot, "no way back from here on")
        await sees(pilot, "Type west: _")
        await pilot.press(*"west", "enter")
        await is_told(pilot, "go is approved")

    on(book, approve, LARGE)

    assert book.told == [("approve", procedures.RUN)]


def test_a_step_that_was_skipped_borne_or_taken_back_says_so_in_words() -> None:
    found = procedures.with_step(procedures.story(4), "freeze-writes", state=StepState.SKIPPED)
    found = procedures.with_step(found, "promote-cache", state=StepState.ACCEPTED)
    found = procedures.with_step(found, "go", state=StepState.TAKEN_BACK)

    text = on(MadeBook(found), run)

    for words in ("[-]  2 freeze-writes", "[~]  4 promote-cache", "[<]  1 go"):
        assert words in text
    for words in ("skipped", "failed, borne", "taken back"):
        assert words in text
