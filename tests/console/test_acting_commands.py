"""`load run|capacity`, `chaos run` and `probe run`: what they refuse before there is a run, in which order,
and the document of who leaves at once. No run starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from chaos.order import Order
from console.main import keelwatch
from keelwatch.ledger import LedgerStore
from keelwatch.runs.spec import RunSpec, write_spec
from keelwatch.runs.table import OnDeath, OnTerm
from keelwatch.workspace import KeelwatchError, Refused, UsageError
from keelwatch.workspace.find import built_in
from tests.console.written_runs import ACTOR, WrittenRun

ROOT = built_in().parents[2]
EXPERIMENT = ROOT / "chaos" / "experiments" / "billing-down.yaml"
CLOSED = """\
profile: closed
title: Users
owner: team
model: closed
journeys: [{journey: log-in}]
pool: load
stages: [{users: 2, for: 60s}]
guard: {burn_rate: {objectives: [login-availability]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sandbox's workspace, with a load of users instead of its own."""
    text = built_in().read_text().replace("../../", f"{ROOT}/")
    (tmp_path / "keelwatch.yaml").write_text(text.replace(f"{ROOT}/loadtests/profiles", "loads"))
    (tmp_path / "loads").mkdir()
    (tmp_path / "loads" / "closed.yaml").write_text(CLOSED)
    return tmp_path


def refusal(*words: str, workspace: Path | None = None) -> KeelwatchError:
    found = workspace or built_in().parent
    done = CliRunner().invoke(keelwatch, ["--workspace", str(found), *words])
    assert isinstance(done.exception, KeelwatchError), done.output
    return done.exception


def document(*words: str) -> dict[str, object]:
    done = CliRunner().invoke(keelwatch, ["--workspace", str(built_in().parent), *words, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--most", "inf"], "--first 1 and --most inf"),
        (["--most", "nan"], "--first 1 and --most nan"),
        (["--first", "nan"], "--first nan and --most 1000"),
        (["--first", "20000", "--most", "20000"], "--first 20000 and --most 20000"),
        (["--first", "1e-9"], "--first 1e-09 and --most 1000"),
        (["--first", "8", "--most", "4"], "--first 8 and --most 4"),
    ],
)
def test_a_search_refuses_rates_that_no_load_can_have(words: list[str], told: str) -> None:
    refused = refusal("load", "capacity", "portal-baseline", *words, "--arm")

    assert isinstance(refused, UsageError)
    assert refused.message == f"{told} are no rates to search between"
    assert refused.hint == "0.1 <= first <= most <= 10000"


def test_a_step_of_no_time_is_not_the_usual_one() -> None:
    refused = refusal("load", "capacity", "portal-baseline", "--step", "0s", "--arm")

    assert (refused.message, refused.hint) == ("a step of 0 s says nothing", "at least 5 s")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["load", "run", "nope"], "nope"),
        (["load", "run", "closed", "--rate", "3"], "--rate is for an open load"),
        (["load", "capacity", "nope"], "nope"),
        (["load", "capacity", "closed"], "a search needs an open load"),
        (["chaos", "run", "nope"], "nope"),
        (["chaos", "run", "billing-down", "--under-load", "nope"], "nope"),
    ],
)
def test_what_is_wrong_with_a_command_is_told_before_how_to_arm_it(
    folder: Path, words: list[str], told: str
) -> None:
    refused = refusal(*words, workspace=folder)

    assert isinstance(refused, UsageError)
    assert told in refused.message


@pytest.mark.parametrize("words", [["load", "run", "closed"], ["chaos", "run", "billing-down"]])
def test_what_is_right_is_refused_unarmed(folder: Path, words: list[str]) -> None:
    assert isinstance(refusal(*words, workspace=folder), Refused)


@pytest.mark.parametrize("report", [["--json", "-"], ["--junit", "report.xml"], ["--github"]])
def test_who_leaves_a_run_of_journeys_is_promised_no_report(report: list[str]) -> None:
    refused = refusal("probe", "run", "log-in", "--detach", *report)

    assert isinstance(refused, UsageError)
    assert refused.message == "--detach leaves before there is anything to report"
    assert "keelwatch attach RUN" in refused.hint


def test_who_leaves_an_experiment_that_has_noted_nothing_yet_is_told_which_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(store: LedgerStore, order: Order) -> str:
        made = WrittenRun(store, "20260921-141319-chaos-7b1e", "chaos", order.name)
        write_spec(
            RunSpec(
                id=made.run,
                kind="chaos",
                name=order.name,
                args=order.as_args(),
                env=order.environment,
                entry="none",
                actor=ACTOR,
                created=0.0,
                on_death=OnDeath.UNDO,
                on_term=OnTerm.UNDO,
            )
        )
        return made.run

    monkeypatch.setattr("console.chaos.start", start)

    found = document("chaos", "run", "billing-down", "--arm", "--detach")

    assert (found["experiment"], found["expect"]) == ("billing-down", "pass")
    assert f"title: {found['title']}\n" in EXPERIMENT.read_text()


def test_who_leaves_a_load_gets_what_is_known_of_it_already_in_the_words_of_show(
    monkeypatch: pytest.MonkeyPatch, store: LedgerStore
) -> None:
    """One that was over before who started it looked."""
    made = WrittenRun(store, "20260921-141319-load-3f2a", "load", "portal-baseline")
    made.note("planned", {"model": "open", "stages": [[4.0, 4.0, 60.0]]})
    made.ends("fail", "because", code=1)
    monkeypatch.setattr("console.loads.start", lambda *_: made.run)

    left = document("load", "run", "portal-baseline", "--arm", "--detach")
    shown = document("load", "show", made.run)

    assert (left.pop("exit"), left["state"], left["verdict"], left["reason"]) == (
        1,
        "ended",
        "fail",
        "because",
    )
    assert left["planned"] == {"event": "planned", "model": "open", "stages": [[4.0, 4.0, 60.0]]}
    assert {**left, "schema": "", "at": ""} == {**shown, "schema": "", "at": ""}
