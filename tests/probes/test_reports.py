"""Executions as lines, JUnit and annotations, in streams and in files: nothing is well that is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from keelwatch.runs import StreamLine
from probes.follow import Followed, StepTold
from probes.history import KEPT, History
from probes.record import Cause, Check, Exchange, Execution, Lag, Result, StepRecord, StepState, UndoRecord
from probes.record_json import execution_of, step_of, to_json
from probes.reports.github import MOST_ANNOTATIONS, commands, step_summary
from probes.reports.junit import junit
from probes.reports.lines import execution_line, failure, step_line, summary
from tests.probes.made import execution, hop

STEP = StepRecord(
    0, "pay", "put", StepState.FAILED, 1.0, 2.0, 3.0, (hop(tls_expires=1.5),),
    (Check("status", ok=False, expected="200", found="503"),), {"old": "basic"}, ("dns: no such host",),
    Cause.HTTP, "status: wanted 200, got 503", Lag("lag", 0.1, 0.2), Exchange("PUT /x", "503", "curl /x"),
)  # fmt: skip
GOOD = execution(replace(STEP, state=StepState.OK, cause=None, reason=""))
BAD = execution(STEP, result=Result.FAIL, reason="it, broke: 50%\n|", cause=Cause.HTTP, failed_step=0)
LEFT = execution(undos=(UndoRecord("pay", done=False, error="503"),))
VAGUE = execution(result=Result.INCONCLUSIVE, reason="stopped", cause=Cause.OURS, component="", started=0.0)


@pytest.mark.parametrize("one", [GOOD, BAD, LEFT, VAGUE])
def test_a_record_survives_its_json(one: Execution) -> None:
    assert execution_of(json.loads(json.dumps(to_json(one)))) == one


@pytest.mark.parametrize("flaw", [{}, {"result": "odd"}, {"steps": None}, {"failed_step": 1, "undos": [{}]}])
def test_what_is_no_record_is_a_value_error(flaw: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever words
        execution_of(json.loads(json.dumps({**to_json(GOOD), **flaw})) if flaw else {})
    with pytest.raises(ValueError):  # noqa: PT011 - whichever words
        step_of({})


def test_junit_has_one_case_each_and_what_is_not_well_is_no_pass() -> None:
    suite = ET.fromstring(junit("shop", [GOOD, BAD, LEFT, VAGUE]))[0]
    kinds = [
        [part.tag for part in case if part.tag in {"failure", "error"}] for case in suite.iter("testcase")
    ]

    assert kinds == [[], ["failure"], ["error"], ["error"]]
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["4", "1", "2", "0"]
    assert suite.get("timestamp") == "2023-11-14T22:13:20"
    assert [case.get("classname") for case in suite.iter("testcase")] == ["accounts.buy"] * 3 + ["buy"]
    (failed,) = suite.iter("failure")
    assert failed.get("type") == "http"
    assert "curl /x" in (failed.text or "")


def test_junit_holds_what_xml_cannot() -> None:
    nasty = execution(result=Result.FAIL, reason="\0\x1b[31m\ud800 ]]> <a> & \uffff")

    ET.fromstring(junit("shop", [nasty]))
    ET.fromstring(junit("shop", []))


def test_github_is_told_of_everything_that_is_not_well_within_its_limit() -> None:
    assert commands([GOOD]) == []
    (line,) = commands([BAD])
    assert line == "::error title=buy (west) FAIL::step 1 pay: it, broke: 50%25%0A|"
    assert commands([LEFT]) == ["::error title=buy (west) pass::It left something behind: keelwatch heal"]
    assert commands([VAGUE])[0].startswith("::warning title=buy (west) INCONCLUSIVE::stopped")
    many = commands([BAD] * 30)
    assert len(many) == MOST_ANNOTATIONS + 1
    assert "21 more" in many[-1]


def test_a_summary_cannot_be_broken_by_what_a_server_answered() -> None:
    step = replace(STEP, exchange=Exchange("PUT /x", "`````\n</details>", ""))
    page = step_summary("shop", [replace(BAD, steps=(step,)), GOOD]).splitlines()

    assert page[0] == "### Journeys on shop: 1 passed, 1 failed"
    assert "| buy | west | FAIL | 0.40 s | it, broke: 50% \\| |" in page
    assert page.count("`" * 6) == 2


def test_a_failure_says_expectation_difference_and_what_to_do() -> None:
    told = "\n".join(failure(replace(BAD, undos=LEFT.undos)))

    for part in ("status: 200", "- 200", "+ 503", "PUT /x", "curl /x", "LEFT BEHIND", "ada", "0" * 32):
        assert part in told


def test_lines_hide_no_second_attempt_and_no_taint() -> None:
    assert "after 2 attempts (dns: no such host)" in step_line("buy", "west", STEP)
    assert "(waited 3 s for its one-time code)" in step_line("buy", "west", STEP)
    told = execution_line(replace(GOOD, first_try=False, tainted=True))
    assert "not at the first attempt" in told
    assert "times do not count" in told


def test_the_summary_counts_and_points_to_heal() -> None:
    assert summary([GOOD, GOOD, BAD, VAGUE]) == "2 passed, 1 failed, 1 inconclusive"
    assert summary([LEFT]) == "1 left something behind: keelwatch heal"
    assert summary([]) == "nothing ran"


def line(sample: object) -> StreamLine:
    return StreamLine(0.0, {"sample": json.loads(json.dumps(sample))})


def test_a_follower_knows_what_ran_and_what_was_cut_off() -> None:
    followed = Followed()
    followed.take(line({"plan": [["buy", "west"], ["buy", "east"], ["sell", "west"]]}))
    told = followed.take(line({"step": {"journey": "buy", "region": "east", **to_json(STEP)}}))
    assert followed.take(line({"execution": to_json(GOOD)})) == GOOD

    assert told == StepTold(("buy", "east"), STEP)
    assert followed.running() == [("buy", "east")]
    first, second, third = followed.outcome("shop", "r1", "the run died before it", {})
    assert first == GOOD
    assert (second.result, second.steps, second.reason) == (
        Result.INCONCLUSIVE,
        (STEP,),
        "the run died before it",
    )
    assert (third.journey, third.steps) == ("sell", ())


@pytest.mark.parametrize(
    "sample", [{}, {"step": {"journey": "a"}}, {"execution": {"x": 1}}, {"plan": [1]}, {"other": 1}, 3]
)
def test_a_follower_passes_over_words_of_another_version(sample: object) -> None:
    assert Followed().take(line(sample)) is None


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    return History("shop")


def test_the_last_executions_are_kept_and_the_last_green_one_beyond_them(history: History) -> None:
    history.keep(replace(GOOD, started=1.0, id="0a"))
    for number in range(KEPT + 5):
        history.keep(replace(BAD, started=10.0 + number, id=f"{number:02x}"))
    found = history.of("buy", "west")

    assert [one.started for one in found] == [*(float(10 + KEPT + 4 - at) for at in range(KEPT)), 1.0]
    green = history.last_green("buy", "west", 20.0)
    assert green is not None
    assert green.load() == replace(GOOD, started=1.0, id="0a")
    assert history.last_green("buy", "west", 1.0) is None
    assert history.of("buy", "east") == []


def test_a_result_that_cannot_be_read_is_none(history: History, tmp_path: Path) -> None:
    history.keep(replace(GOOD, id="0a"))
    (past,) = history.of("buy", "west")
    (past.file.parent / "notes.txt").write_text("x")
    past.file.write_text("{")

    assert past.load() is None
    assert len(history.of("buy", "west")) == 1
