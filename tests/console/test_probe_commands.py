"""`probe list` and `probe show`: the twins of the screens, over a made-up history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from console.main import keelwatch
from keelwatch.workspace import KeelwatchError
from probes.record import UndoRecord
from tests.console import histories
from tests.console.worlds import NOW


@pytest.fixture(autouse=True)
def evening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("keelwatch.workspace.clock.SystemClock.now", lambda _clock: NOW)
    return iter(())


def run(*words: str) -> Result:
    return CliRunner().invoke(keelwatch, words)


def test_the_list_names_each_journey_in_each_region_what_fails_first() -> None:
    histories.bad_evening()

    lines = run("probe", "list").output.splitlines()

    assert "1 FAILING" in lines[0]
    assert lines[4].split()[:3] == ["FAIL", "view-invoices", "west"]
    assert lines[4].split()[4] == "........FFFF"
    assert lines[-1] == "view-invoices west, 1m00s ago: status: wanted 200, got 503 [http]".replace(
        "1m00s", "1m"
    )


def test_the_list_as_json_says_how_old_each_result_is_and_null_where_there_is_none() -> None:
    histories.bad_evening()

    document = json.loads(run("probe", "list", "--json").output)

    assert document["schema"] == "keelwatch/probe-list/1"
    found = {(one["journey"], one["region"]): one for one in document["journeys"]}
    assert len(found) == 20
    broken = found["view-invoices", "west"]
    assert (broken["result"], broken["age_s"], broken["strip"]) == ("fail", 60.0, "........FFFF")
    never = found["change-plan", "west"]
    assert (never["result"], never["unknown_reason"]) == (None, "it has not run here yet")
    assert found["log-in", "west"]["stale"]


def test_a_journey_that_failed_ends_in_1_and_shows_expectation_response_and_curl() -> None:
    histories.bad_evening()

    done = run("probe", "show", "view-invoices", "--region", "west")

    assert done.exit_code == 1
    for words in ("skipped after step 2", "want 200", "+1 565 ms", '"error": "unavailable"', "curl -sS -i"):
        assert words in done.output


def test_one_that_passed_ends_in_0_and_one_without_history_in_4() -> None:
    histories.bad_evening()

    assert run("probe", "show", "view-invoices", "--region", "east").exit_code == 0
    assert run("probe", "show", "change-plan", "--region", "east").exit_code == 4
    assert run("probe", "show", "view-invoices").exit_code == 1  # every region, the worst counts


def test_one_that_left_something_behind_ends_in_8() -> None:
    left = histories.green("east", NOW - 5, 500)
    histories.keep([replace(left, undos=(UndoRecord("change it", done=False, error="refused"),))])

    done = run("probe", "show", "view-invoices", "--region", "east")

    assert done.exit_code == 8
    assert "LEFT BEHIND: keelwatch heal" in done.output


def test_the_difference_is_to_the_last_that_passed_before_it() -> None:
    histories.bad_evening()

    text = run("probe", "show", "view-invoices", "--region", "west", "--diff").output

    assert "5m ago" in text
    assert "200 ok -> 503 !!" in text
    assert '+  "error": "unavailable"' in text


def test_an_execution_is_found_by_its_own_id_and_by_its_runs() -> None:
    histories.bad_evening()
    older = f"{16 + 3:012x}"

    by_id = json.loads(run("probe", "show", "view-invoices", "--run-id", older, "--json").output)
    by_run = json.loads(
        run("probe", "show", "view-invoices", "--run-id", "20260921-141300-probe-a1b2", "--json").output
    )

    assert [one["execution"]["id"] for one in by_id["executions"]] == [older]
    assert [one["region"] for one in by_run["executions"]] == ["west", "east"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("view-invoice",), "there is no journey 'view-invoice'"),
        (("view-invoices", "--region", "north"), "view-invoices does not run in 'north'"),
        (("view-invoices", "--run-id", "x"), "view-invoices has no kept execution 'x'"),
        (("view-invoices", "--json", "--plain"), "--json or --plain, not both"),
    ],
)
def test_what_is_not_there_is_a_usage_error(words: tuple[str, ...], message: str) -> None:
    error = run("probe", "show", *words).exception

    assert isinstance(error, KeelwatchError)
    assert error.message == message
    assert error.exit_code == 2
