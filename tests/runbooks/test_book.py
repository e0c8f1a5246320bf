"""What screens show of real runs, and what they tell them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from console.acting import acting_words
from console.pinned import pinned_of
from console.places import place
from console.runbook_book import RunbookBook, story_in
from console.runbooks import skip
from console.tui.app import Keelwatch
from console.view import run_screen
from console.view.planning import Inputs
from console.view.question import asked, question_lines
from console.view.run_keys import waits_line, why_not
from console.view.run_story import RunStory
from console.view.shelf import badge, flaws
from keelwatch.ledger import FactKind, JsonObject, current_actor
from keelwatch.runs import Phase, answer
from keelwatch.workspace import Refused
from keelwatch.workspace.clock import SystemClock
from runbooks.conduct.progress import StepState
from tests.console.procedures import BookFeed
from tests.console.screens import screen_text
from tests.console.screens import until as comes_true
from tests.console.worlds import look, world
from tests.runbooks.conftest import Shop
from tests.runbooks.texts import APPROVED, DRAIN, FAILOVER, GUARDED, HUMAN
from tests.runs.conftest import until
from tests.toys.procedure import ENTRY, TABLE

OPAQUE = "  - id: tell\n    shell: {command: [ring]}\n    undo: none\n"


def book_of(shop: Shop) -> RunbookBook:
    """The workspace's runbook is the one that the shop has written."""
    folder = shop.folder / "runbooks"
    folder.mkdir(exist_ok=True)
    (folder / "one.yaml").write_text((shop.folder / "one.yaml").read_text())
    return RunbookBook(place(shop.folder, None), TABLE, ENTRY)


def stands(shop: Shop, run: str) -> RunStory:
    return story_in(shop.ledger, run)


def states(found: RunStory) -> dict[str, str]:
    return {one.name: run_screen.state_of(one, found)[1] for one in found.steps}


def test_a_run_is_planned_started_and_measured_from_the_book(shop: Shop) -> None:
    shop.write(FAILOVER)
    book = book_of(shop)
    inputs = book.inputs("one")
    assert dict(inputs.values) == {"from": "west", "to": "east"}
    order, plan = book.planned("one", inputs)
    with pytest.raises(Refused, match="wants runbooks armed"):
        book.start(order, plan, armed=False)
    run = book.start(order, plan, armed=True)
    shop.end(run)

    found = book.story(run)
    assert set(states(found).values()) == {"done"}
    assert (found.passed, found.counts) == ("promote", (3, 3))
    assert run_screen.measured_lines(found, 100)[1].startswith(" RTO ")
    (row,) = book.shelf(time.time()).runs
    assert (row.run, row.phase, row.done) == (run, "ended", 3)


def test_what_is_in_doubt_names_the_act_its_check_and_where_each_answer_leads(shop: Shop) -> None:
    shop.write(OPAQUE)
    book = book_of(shop)
    run = shop.start(crash_at="shell:after")
    until(lambda: shop.view(run).phase is Phase.ORPHANED, 20, "an orphan")
    assert states(book.story(run)) == {"tell": "IN DOUBT"}
    assert book.shelf(time.time()).runs[0].waits == "tell: ORPHANED"
    book.resume(run, armed=True)
    seq = shop.question(run).seq

    found = book.story(run)
    question = asked(found, 70, time.time())
    assert question is not None
    text = " ".join(" ".join(question_lines(question, 70)).split())
    assert question.title == "IN DOUBT: tell"
    assert "shell on shell was sent, and its answer never came" in text
    assert "its check nobody can tell" in text
    assert re.search(r"attempt 1 of step tell/1, \d+s ago", text)
    assert "If it did happen, it then happens twice." in text
    with pytest.raises(Refused, match="answered meanwhile"):
        book.answer(run, seq - 1, "done", "")
    book.answer(run, seq, "done", "")
    shop.end(run)
    assert states(book.story(run)) == {"tell": "done"}
    assert len(shop.effects) == 1


@pytest.mark.parametrize("steps", [OPAQUE, HUMAN], ids=["in-doubt", "human"])
def test_an_abort_ends_a_run_that_asks_and_it_asks_no_more(shop: Shop, steps: str) -> None:
    shop.write(steps)
    book = book_of(shop)
    if steps is OPAQUE:
        run = shop.start(crash_at="shell:before")
        until(lambda: shop.view(run).phase is Phase.ORPHANED, 20, "an orphan")
        shop.resume(run)
    else:
        run = shop.start()
    shop.question(run)
    book.abort(run, "enough for tonight")
    verdict = shop.end(run).state.verdict
    assert verdict is not None
    assert "enough for tonight" in verdict.reason


def test_what_an_abort_took_back_is_no_longer_done(shop: Shop) -> None:
    shop.put("drain-west", "ready")
    shop.put("edge", "even")
    shop.write(DRAIN)
    shop.put("broken-cache-east", "")
    book = book_of(shop)
    run = shop.start()
    shop.question(run)
    found = book.story(run)
    question = asked(found, 70, time.time())
    assert question is not None
    (leads_to,) = [one.leads_to for one in question.answers if one.choice == "abort"]
    assert "It takes back again, then shift, then drain." in leads_to
    book.abort(run, "enough")
    shop.end(run)
    found = book.story(run)
    assert states(found) == {"drain": "taken back", "shift": "taken back", "again": "FAILED"}
    assert found.phase is Phase.ENDED


def test_what_could_not_be_taken_back_is_left_behind_and_not_resumed(shop: Shop) -> None:
    shop.put("drain-west", "ready")
    shop.write(DRAIN)
    shop.put("broken-edge", "")
    book = book_of(shop)
    run = shop.start()
    shop.question(run)
    shop.put("broken-drain-west", "")
    book.abort(run, "enough")
    shop.end(run)
    found = book.story(run)
    assert run_screen.phase_words(found) == "ENDED inconclusive, LEFT BEHIND"
    assert "drain/1" in waits_line(found, time.time())
    assert why_not("resume", found, None).startswith("it has ended: ")
    (row,) = book.shelf(time.time()).living
    assert row.phase == "left behind"
    assert acting_words(shop.ledger, shop.view(run)) == ""


def test_a_refused_run_says_in_full_why(shop: Shop) -> None:
    shop.write(FAILOVER)
    run = shop.start(plan_sha="0123456789abcdef")
    shop.end(run)
    found = book_of(shop).story(run)
    lines = "\n".join(run_screen.evidence_lines(found, run_screen.rows(found)[0], 100))
    assert "ENDED" in lines
    assert "the world has changed since the plan" in lines
    assert "(exit code 6)" in lines


def test_an_approval_is_never_left_out(shop: Shop) -> None:
    """Whoever started the run could else say yes to their own."""
    shop.write(APPROVED.replace("EXPIRES", "10m"))
    book = book_of(shop)
    run = shop.start()
    until(lambda: shop.progress(run).approval is not None, 20, "a wish for approval")
    with pytest.raises(Refused, match="nobody leaves it out"):
        skip(shop.ledger, run, "go", "it is only me here")
    with pytest.raises(Refused, match="nobody approves their own"):
        book.approve(run)
    said = {"event": "skip", "step": "go", "reason": "past the screen"}
    shop.ledger.append(run, FactKind.COMMAND, said, actor=current_actor())
    found = book.story(run)
    assert states(found)["go"] == "ASKS approval"
    assert acting_words(shop.ledger, shop.view(run)) == "runbook one 1/4 go WAITS for approval"
    book.abort(run, "nobody is there")
    shop.end(run)
    assert shop.effects == []
    assert shop.progress(run).step("go").state is not StepState.SKIPPED


def test_a_tripped_guard_is_told_wherever_it_is_told_who_acts(shop: Shop) -> None:
    shop.put("edge", "even")
    shop.put("journeys", "fail")
    shop.write(GUARDED)
    book = book_of(shop)
    run = shop.start()
    shop.question(run)
    assert acting_words(shop.ledger, shop.view(run)) == "runbook one 1/1 shift GUARD TRIPPED ASKS"
    waits = book.shelf(time.time()).runs[0].waits
    assert "guard tripped: log-in in east: fail" in waits
    assert "(must hold: journeys pass)" in waits
    step = book.story(run).steps[0]
    assert step.trips.endswith("taken back")
    book.abort(run, "over")
    shop.end(run)


def test_a_step_that_has_not_begun_is_skipped_by_the_book(shop: Shop) -> None:
    shop.write(HUMAN + FAILOVER)
    book = book_of(shop)
    run = shop.start()
    question = shop.question(run)
    book.skip(run, "shift", "the balancer is being replaced")
    found = book.story(run)
    assert states(found)["shift"] == "to be skipped"
    assert pinned_of(run) is not None
    book.answer(run, question.seq, "done", "https://status.example/7")
    shop.end(run)
    assert states(book.story(run))["shift"] == "skipped"


def test_a_badge_knows_the_age_the_outcome_and_the_text_of_a_rehearsal(shop: Shop) -> None:
    shop.write(FAILOVER, head="rehearse_every: 30d\n")
    book = book_of(shop)
    (row,) = book.shelf(time.time()).rows
    assert badge(row, time.time()) == "never rehearsed"
    sha = hashlib.sha256((shop.folder / "runbooks" / "one.yaml").read_bytes()).hexdigest()
    for text_sha, passes in (("0" * 64, 3), (sha, 4)):
        payload: JsonObject = {
            "event": "rehearsed",
            "runbook": "one",
            "text_sha": text_sha,
            "passes": passes,
            "of": 4,
        }
        shop.ledger.append("", FactKind.NOTE, payload, actor=current_actor())
    (row,) = book.shelf(time.time()).rows
    assert row.rehearsal is not None
    assert badge(row, row.rehearsal.at + 60) == "4/4 1m ago"
    assert flaws(row, row.rehearsal.at + 31 * 86400) == ("stale",)
    assert flaws(replace(row, text_sha="1" * 64), row.rehearsal.at) == ("text changed since",)


def test_a_run_without_a_process_asks_nothing_and_hears_no_answer(shop: Shop) -> None:
    """Taken up again it asks anew: an answer from before would be lost without a word."""
    shop.write(HUMAN)
    run = shop.start()
    shop.question(run)
    shop.kill(run, signal.SIGTERM)
    assert shop.end(run).phase is Phase.PAUSED
    assert stands(shop, run).question is None
    with pytest.raises(Refused, match="no process that hears an answer"):
        answer(shop.ledger, run, "cannot")


def test_show_is_the_screen_for_scripts(shop: Shop) -> None:
    shop.write(FAILOVER)
    shop.put("broken-edge", "")
    run = shop.start()
    shop.question(run)
    command = [sys.executable, "-m", "console.main", "runbook", "show", run]
    told = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
    assert told["schema"] == "keelwatch/runbook-show/1"
    assert [one["state"] for one in told["steps"]] == ["done", "done", "failed"]
    assert told["no_return_passed"] == "promote"
    assert [one["choice"] for one in told["question"]["choices"]] == ["retry", "skip", "abort"]
    assert told["question"]["choices"][1]["wants_note"] is True
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "[!]  3 shift" in lines
    assert "Nothing is taken back: promote was the point of no return." in lines
    shop.answer(run, "abort")
    shop.end(run)


def test_a_resume_without_a_terminal_ends_in_4_with_the_question_in_json(shop: Shop) -> None:
    shop.write(OPAQUE)
    run = shop.start(crash_at="shell:after")
    until(lambda: shop.view(run).phase is Phase.ORPHANED, 20, "an orphan")
    command = [sys.executable, "-m", "console.main", "--workspace", str(shop.folder), "runbook"]
    done = subprocess.run(
        [*command, "resume", run, "--json"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    told = json.loads(done.stdout)
    assert (done.returncode, told["schema"]) == (4, "keelwatch/runbook-show/1")
    assert told["steps"][0]["in_doubt"] == {"verb": "shell", "target": "shell", "attempt": 1}
    assert "answer it: keelwatch attach" in done.stderr
    told = json.loads(
        subprocess.run(
            [*command, "abort", run, "--reason", "enough", "--json"],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        ).stdout
    )
    assert told["exit"] == 8  # what nobody can tell of stays so
    assert "enough" in told["verdict"]


def console_on(shop: Shop) -> Keelwatch:
    clock = SystemClock()
    here = replace(look(), snapshot=replace(look().snapshot, environment="shop"))
    feed = BookFeed(book_of(shop), [here])
    return Keelwatch(feed, lambda: replace(world(), environment="shop"), clock=clock, every_s=3600.0)


async def sees(pilot: Pilot[str], words: str) -> None:
    await comes_true(pilot, lambda: words in screen_text(pilot.app))


def test_the_lever_pauses_a_runbook_and_its_screen_takes_it_up_again(shop: Shop) -> None:
    shop.write(HUMAN)
    app = console_on(shop)
    run = shop.start()
    shop.question(run)

    async def go() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await comes_true(pilot, lambda: app.live)
            await pilot.press("6")
            await sees(pilot, "look: ASKS you")
            await pilot.press("exclamation_mark")
            await sees(pilot, "Type shop: _")
            await pilot.press(*"shop", "enter")
            await comes_true(pilot, lambda: shop.view(run).pid is None)
            await pilot.press("enter")
            await sees(pilot, "PAUSED  ")
            await pilot.press("A", "r")
            await sees(pilot, "ASKS  enter: answer it")
            await pilot.press("enter")
            await sees(pilot, "hand in   a link")
            await pilot.press("d", "enter")
            await sees(pilot, "done: the evidence")
            await pilot.press(*"https://status.example/7", "enter")
            await sees(pilot, "ENDED pass")

    asyncio.run(go())
    stops = [fact.body for fact in shop.ledger.after(0, run=run, kinds=(FactKind.COMMAND,))]
    assert {"event": "stop", "reason": "! on the console"} in stops


def test_the_screens_carry_a_real_run_from_its_plan_to_its_end(shop: Shop) -> None:
    shop.write(FAILOVER)
    shop.put("broken-edge", "")
    app = console_on(shop)

    async def go() -> None:
        async with app.run_test(size=(120, 36)) as pilot:
            await comes_true(pilot, lambda: app.live)
            await pilot.press("6")
            await sees(pilot, "never rehearsed")
            await pilot.press("enter")
            await sees(pilot, "planned ")
            await pilot.press("A", "r")
            await sees(pilot, "Type west: _")
            await pilot.press(*"west", "enter")
            await sees(pilot, "FAILED, ASKS")
            (shop.world / "broken-edge").unlink()
            await pilot.press("enter")
            await sees(pilot, "shift is tried again now")
            await pilot.press("r", "enter")
            await sees(pilot, "ENDED pass")
            await sees(pilot, "MEASURED")

    asyncio.run(go())
    assert len(shop.effects) == 4


def test_inputs_are_turned_round_or_to_the_next_region() -> None:
    regions = ("west", "east", "north")
    both = Inputs({"from": "west", "to": "east"}, choices={"from": regions, "to": regions})
    one = Inputs({"region": "west"}, choices={"region": regions})
    assert both.turned().values == {"from": "east", "to": "west"}
    assert one.turned().turned().turned().values == {"region": "west"}
    assert one.turned().values == {"region": "east"}
