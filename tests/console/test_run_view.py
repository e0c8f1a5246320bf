"""Runs of runbooks as text: values in, lines out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.view import planning, run_screen, shelf
from console.view.head import next_line
from console.view.planning import Inputs, Planning
from console.view.question import abort_words, asked, question_lines
from console.view.run_json import run_json
from console.view.run_keys import waits_lines
from console.view.run_plain import run_lines
from keelwatch.adapters.heartbeat import Beat
from keelwatch.runs import Question
from runbooks.conduct.measure import ranges
from runbooks.conduct.progress import StepState
from runbooks.stages import Mode
from tests.console import procedures
from tests.console.worlds import NOW, bad_evening, objective, world

STORIES = {
    "waiting": procedures.waiting(),
    "running": procedures.story(3),
    "doubt": procedures.in_doubt(),
    "failed": procedures.failed(),
    "ended": procedures.ended(),
}


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 36)])
def test_nothing_is_wider_than_the_screen_and_the_cursor_is_always_seen(
    name: str, width: int, height: int
) -> None:
    found = STORIES[name]
    for cursor in range(len(run_screen.rows(found))):
        lines, at = run_screen.drawn(found, cursor, width, height, NOW)
        assert all(len(line) <= width for line in lines)
        assert lines[at].startswith(" >")
        assert sum(line.startswith(" >") for line in lines) == 1
    assert all(len(line) < width for line in waits_lines(found, NOW, width - 2))


def test_a_runbook_of_many_steps_scrolls_with_the_cursor() -> None:
    step = procedures.story(0).steps[1]
    many = replace(
        procedures.story(0), steps=tuple(replace(step, name=f"step-{number}") for number in range(60))
    )
    lines, at = run_screen.step_lines(many, 30, 78, 10, NOW)
    assert (len(lines), lines[at][:2]) == (10, "> ")
    assert "more above" in lines[0]
    assert "more below" in lines[-1]


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        ("desired-state", "attempt would only assert the same again"),
        ("conditional", "attempt is refused if the first one happened"),
        ("keyed", "attempt is known by its key, and does nothing twice"),
        ("opaque", "attempt would do it again if the first one happened"),
    ],
)
def test_a_doubt_says_what_a_second_attempt_would_do(effect: str, words: str) -> None:
    found = procedures.in_doubt()
    doubt = found.steps[2].doubt
    assert doubt is not None
    found = procedures.with_step(found, "promote-database", doubt=replace(doubt, effect_class=effect))
    question = asked(found, 72, NOW)
    assert question is not None
    assert words in "\n".join(question_lines(question, 72))
    assert [one.key for one in question.answers] == ["d", "n", "a"]


def test_a_question_fits_into_a_small_screen() -> None:
    for found in (procedures.in_doubt(), procedures.failed()):
        question = asked(found, 72, NOW)
        assert question is not None
        lines = question_lines(question, 72)
        assert len(lines) <= 18
        assert all(len(line) <= 72 for line in lines)


def test_a_question_of_another_version_is_still_asked() -> None:
    question = asked(procedures.story(question=Question(5, "which way?", ("left", "right"))), 72, NOW)
    assert question is not None
    assert question.lines == ("which way?",)
    assert [(one.key, one.choice) for one in question.answers] == [("l", "left"), ("r", "right")]


def test_an_rto_that_is_over_says_so() -> None:
    assert run_screen.time_words(procedures.story(2), NOW) == "48s of RTO 3m"
    assert run_screen.time_words(procedures.story(2), NOW + 200) == "4m08s OVER RTO 3m"


def test_the_lost_writes_are_named_with_when_they_were_acknowledged() -> None:
    lost = [Beat(n, 1_790_000_000.0 + n / 10, "west") for n in (4, 5, 6, 9)]
    found = procedures.ended()
    measured = {**found.measured, "rpo_s": 0.5, "lost_writes": 4, "lost_ranges": ranges(lost)}
    lines = run_screen.measured_lines(replace(found, measured=measured), 100)
    told = " ".join(" ".join(lines).split())
    assert "lost 4-6 (west, 14:13:20Z), 9 (west, 14:13:20Z)" in told


def test_plain_lines_and_json_say_what_the_screen_says() -> None:
    text = "\n".join(run_lines(procedures.failed(), NOW))
    for words in (
        "PASSED: the point of no return",
        "GUARD    tripped: log-in in east: fail",
        "You are asked why.",
    ):
        assert words in text
    told = run_json(procedures.in_doubt(), NOW)
    steps = told["steps"]
    assert isinstance(steps, list)
    assert steps[2]["state"] == "in-doubt"
    assert steps[2]["in_doubt"] == {"verb": "pg.promote", "target": "database-east", "attempt": 1}
    approval = run_json(procedures.waiting(), NOW)["approval"]
    assert isinstance(approval, dict)
    assert approval["command"] == f"keelwatch runbook approve {procedures.RUN}"
    assert run_json(procedures.ended(), NOW)["exit"] == 0


def test_the_shelf_puts_what_is_not_over_first() -> None:
    lines = shelf.shelf_lines(procedures.shelf(), NOW)
    names = [line.split()[0] for line in lines[3:]]
    assert names[:2] == ["failover-region", "drain-region"]
    assert lines[0].startswith("Runbooks 4 | 1 not over | 3 TO REHEARSE")


def test_a_new_plan_says_what_is_different_and_how_it_is_run() -> None:
    inputs = Inputs({"from": "west", "to": "east", "word": "two words"})
    found = Planning("failover-region", "sandbox", inputs, procedures.plan(weight=50), NOW, procedures.plan())
    assert planning.differences(found) == ["edge/west: weight 100 -> weight 50"]
    same = replace(found, before=found.plan)
    assert "SINCE THE LAST PLAN  nothing has changed" in planning.planning_lines(same, 80)
    ungraceful = replace(found, inputs=inputs.other_mode())
    assert ungraceful.inputs.mode is Mode.UNGRACEFUL
    assert planning.twin(ungraceful, "run") == (
        "keelwatch runbook run failover-region --env sandbox --from west --to east"
        f" --input 'word=two words' --ungraceful --plan {found.plan.sha if found.plan else ''}"
    )


def test_when_one_region_pages_alone_the_runbook_that_leads_out_of_it_is_suggested() -> None:
    first = bad_evening().objectives[0]
    suggested = replace(world(), failover="failover-region")
    assert "Only west pages: 6: read runbook failover-region, nothing runs yet" in next_line(
        suggested, 120, first
    )
    assert next_line(suggested, 80, first).endswith("6: runbook failover-region")
    assert "runbook" not in next_line(world(), 120, first)
    both = objective(
        "invoices-availability", (41.2,) * 8, region="east", state=first.state, trend=first.trend
    )
    agreed = replace(bad_evening(), objectives=(first, both))
    assert "runbook" not in next_line(replace(suggested, snapshot=agreed), 120, first)


def test_an_abort_of_what_may_be_past_the_point_of_no_return_says_what_it_hangs_on() -> None:
    found = procedures.story(2, StepState.FAILED, maybe_passed="promote-database")
    words = abort_words(found)
    assert "promote-database is the point of no return. When its check says that it did not happen" in words
    assert "freeze-writes is taken back; else nothing" in words
    assert "maybe past the point of no return (promote-database)" in run_screen.state_line(found, NOW, 120)
    assert run_json(found, NOW)["no_return_passed"] is None


def test_a_plan_beside_a_run_that_is_not_over_leads_to_that_run() -> None:
    found = Planning("failover-region", "sandbox", Inputs(), procedures.plan(), busy=procedures.RUN)
    told = planning.next_line(found, 79, armed=True)
    assert told.startswith(f"NEXT  esc: run {procedures.RUN} is not over")
    assert len(told) <= 79
