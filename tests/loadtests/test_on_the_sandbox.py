"""Real Locust against the real portal: through its front door, logged in, under the guard."""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from console import loads
from console.places import place
from keelwatch.adapters import sandbox as control
from keelwatch.ledger import open_ledger
from keelwatch.runs import view
from keelwatch.workspace import ExitCode, run_dir
from loadtests.instance import search_arguments
from probes.follow import undos_in
from tests.loadtests.pushing import (
    LOOPBACK,
    OBJECTIVE,
    Pusher,
    generators,
    listening,
    pid_of,
    pusher_of,
)
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

pytestmark = pytest.mark.sandbox

LOOK_UP = "journeys: [{journey: look-up-account}]\npool: load\n"
CHANGE = "journeys: [{journey: change-plan}]\npool: load\n"
LONG = "model: closed\nstages: [{users: 4, for: 60s}]\n"
LOCUSTFILE = """\
from locust import HttpUser, task


class Visitor(HttpUser):
    @task
    def page(self):
        self.client.get("/oauth/jwks", verify=False)
"""
FORMS = Path(__file__).parent / "locustfiles"
ELSEWHERE = LOCUSTFILE.replace('"/oauth/jwks", verify=False', '"http://127.0.0.1:9/"')


@pytest.fixture
def pusher(sandbox: RunningSandbox, tmp_path: Path) -> Pusher:
    return pusher_of(sandbox, tmp_path)


def test_an_open_load_comes_by_the_front_door_and_says_what_it_is(pusher: Pusher) -> None:
    thresholds = "thresholds: [{percentile: 50, below: 5s}, {failures_below: 20}]\n"
    pusher.profile("open", f"{LOOK_UP}model: open\nstages: [{{rate: 3, for: 6s}}]\n{thresholds}")
    before = pusher.requests()
    code, found = pusher.run("open", "--seed", "7")

    assert (code, found["verdict"], found["schema"]) == (0, "pass", "keelwatch/load-run/1"), found["reason"]
    assert found["planned"]["seed"] == 7
    due = found["judged"]["due"]
    assert found["judged"]["dropped"] == 0
    assert [one["name"] for one in found["journeys"]] == ["look-up-account"]
    assert found["journeys"][0]["count"] == due > 5
    assert {one["name"] for one in found["requests"]} >= {
        "look-up-account: log in",
        "look-up-account: look up",
    }
    assert found["all"]["failed"] == 0
    until(lambda: pusher.requests() - before >= found["all"]["count"])
    assert [one["spent"] is not None for one in found["budget"]] == [True]
    assert '"sample":{"spent":[{"objective":' in (run_dir(found["run"]) / "stream.jsonl").read_text()


@pytest.mark.deep
def test_a_closed_load_of_two_generators_has_the_users_it_was_asked_for(pusher: Pusher) -> None:
    pusher.profile("closed", f"{LOOK_UP}model: closed\nprocesses: 2\nstages: [{{users: 4, for: 12s}}]\n")
    code, found = pusher.run("closed")
    assert (code, found["verdict"]) == (0, "pass"), found["reason"]
    assert (found["judged"]["workers"], found["judged"]["least_workers"]) == (2, 2)
    assert found["judged"]["least_users"] == 1.0
    assert {one["users"] for one in found["seconds"][5:10]} == {4}


def test_what_a_load_changes_is_taken_back(pusher: Pusher) -> None:
    """Also what was cut off in the middle when the load ended."""
    pusher.profile("change", f"{CHANGE}model: closed\nstages: [{{users: 2, for: 8s}}]\n")
    code, found = pusher.run("change")
    assert (code, found["verdict"]) == (0, "pass"), found["reason"]
    with closing(open_ledger()) as store:
        undos = [one for ones in undos_in(store.after(0, run=found["run"])).values() for one in ones]
    assert undos
    assert all(one.done for one in undos), undos
    assert json.loads(pusher.keelwatch("heal", "--list", "--json").stdout)["open"] == []


def test_the_guard_stops_it(pusher: Pusher) -> None:
    guard = "guard: {burn_rate: {above: 3, window: 1m, objectives: [log-ins]}}\n"
    pusher.profile("long", LOOK_UP + LONG, guard)
    with pusher.running("long") as (run, follower):
        control.set_fault("identity.errors", "100%", for_s=60, name=pusher.sandbox.name)
        out, err = follower.communicate(timeout=60)
    found = json.loads(out)
    assert (follower.returncode, found["verdict"]) == (7, "inconclusive"), err
    assert found["reason"].startswith("guard-tripped: 3x or more: log-ins ")
    assert found["reason"].endswith("x (must hold: burn < 3x over 1m: log-ins)")
    assert generators(run) == []


def test_who_leaves_is_told_which_run_goes_on(pusher: Pusher) -> None:
    pusher.profile("long", LOOK_UP + LONG)
    code, left = pusher.run("long", "--detach")
    assert (code, left["verdict"], left["exit"]) == (0, None, None)
    assert pusher.keelwatch("stop", left["run"]).returncode == 0


@pytest.mark.deep
def test_one_load_at_a_time_and_none_unarmed(pusher: Pusher) -> None:
    pusher.profile("long", LOOK_UP + LONG)
    assert pusher.keelwatch("load", "run", "long").returncode == 6
    with pusher.running("long") as (run, follower):
        second = pusher.keelwatch("load", "run", "long", "--arm")
        assert (second.returncode, run in second.stdout) == (6, True), second.stdout
        assert pusher.keelwatch("stop", run).returncode == 0
        out, _ = follower.communicate(timeout=30)
    assert (follower.returncode, json.loads(out)["verdict"]) == (7, "inconclusive")


@pytest.mark.deep
@pytest.mark.parametrize("who", ["master", "worker"])
def test_a_load_that_lost_a_generator_is_invalid_and_silent(pusher: Pusher, who: str) -> None:
    pusher.profile("two", f"{LOOK_UP}model: closed\nprocesses: 2\nstages: [{{users: 4, for: 30s}}]\n")
    with pusher.running("two") as (run, follower):
        processes = until(lambda: found if len(found := generators(run)) == 3 else [])
        os.kill(processes[0 if who == "master" else 1], signal.SIGKILL)
        until(lambda: generators(run) == [], 3)
        until(pusher.is_calm, 6)
        out, _ = follower.communicate(timeout=60)
    found = json.loads(out)
    assert (follower.returncode, found["verdict"]) == (4, "invalid")
    assert "workers-lost" in found["reason"]


def test_no_generator_outlives_its_run(pusher: Pusher) -> None:
    pusher.profile("long", LOOK_UP + LONG.replace("closed", "closed\nprocesses: 2"))
    with pusher.running("long") as (run, follower):
        os.kill(pid_of(run), signal.SIGKILL)
        until(lambda: generators(run) == [], 3)
        follower.communicate(timeout=60)
    assert follower.returncode in {4, 8}


@pytest.mark.deep
def test_a_load_that_died_with_its_guardian_is_invalid(pusher: Pusher) -> None:
    pusher.profile("long", LOOK_UP + LONG)
    with pusher.running("long") as (run, follower):
        guardian = pid_of(run, "guardian")
        os.kill(guardian, signal.SIGSTOP)  # what it would do first
        os.kill(pid_of(run), signal.SIGKILL)
        os.kill(guardian, signal.SIGKILL)
        out, _ = follower.communicate(timeout=60)
    found = json.loads(out)
    assert (found["verdict"], found["exit"]) == ("invalid", follower.returncode)
    assert found["reason"] == "the run died and so did its guardian"
    until(lambda: generators(run) == [], 3)
    assert pusher.keelwatch("heal").returncode == 0


@pytest.mark.deep
def test_a_frozen_generator_is_no_green(pusher: Pusher) -> None:
    pusher.profile("long", LOOK_UP + LONG)
    with pusher.running("long") as (run, follower):
        (process,) = generators(run)
        os.kill(process, signal.SIGSTOP)
        out, _ = follower.communicate(timeout=60)
        assert generators(run) == []
    found = json.loads(out)
    assert (follower.returncode, found["verdict"]) == (4, "invalid")
    assert "generator-frozen" in found["reason"]


@pytest.mark.deep
def test_a_locustfile_goes_nowhere_but_to_the_environment(pusher: Pusher) -> None:
    (pusher.folder / "loadtests" / "visit.py").write_text(ELSEWHERE)
    pusher.profile("visit", "locustfile: visit.py\nmodel: closed\nstages: [{users: 1, for: 5s}]\n")
    _, found = pusher.run("visit")
    assert found["verdict"] == "invalid"
    assert "127.0.0.1:9 is not a host of this environment" in found["reason"]


@pytest.mark.deep
@pytest.mark.parametrize("form", sorted(one.name for one in FORMS.glob("*.py")))
def test_a_locustfile_of_any_form_runs_as_it_is(pusher: Pusher, form: str) -> None:
    """Locust's source package holds no example files: these are ours, in the forms that its manual shows."""
    (pusher.folder / "loadtests" / "visit.py").write_text((FORMS / form).read_text())
    pusher.profile("visit", "locustfile: visit.py\nmodel: closed\nstages: [{users: 2, for: 6s}]\n")
    _, found = pusher.run("visit")
    assert (found["verdict"], found["all"]["failed"]) == ("pass", 0), found["reason"]
    assert found["all"]["count"] > 0
    assert all("/oauth/jwks" in one["name"] or "page" in one["name"] for one in found["requests"])
    until(lambda: pusher.requests() > 0)


@pytest.mark.deep
@pytest.mark.parametrize("kind", ["HttpUser", "FastHttpUser"])
def test_an_open_load_of_a_locustfile_does_a_task_for_each_arrival(pusher: Pusher, kind: str) -> None:
    text = LOCUSTFILE.replace("HttpUser", kind)
    (pusher.folder / "loadtests" / "visit.py").write_text(
        text if kind == "HttpUser" else text.replace(", verify=False", "")
    )
    pusher.profile("visit", "locustfile: visit.py\nmodel: open\nstages: [{rate: 10, for: 6s}]\n")
    _, found = pusher.run("visit")
    assert (found["verdict"], found["all"]["failed"]) == ("pass", 0), found["reason"]
    assert found["all"]["count"] == found["judged"]["due"] > 30


@pytest.mark.deep
@pytest.mark.parametrize(
    "model", ["model: open\nstages: [{rate: 5, for: 4s}]", "model: closed\nstages: [{users: 2, for: 4s}]"]
)
def test_a_locustfile_whose_tasks_raise_pushes_nothing_and_is_never_green(pusher: Pusher, model: str) -> None:
    raises = LOCUSTFILE.replace('self.client.get("/oauth/jwks", verify=False)', 'raise KeyError("page")')
    (pusher.folder / "loadtests" / "visit.py").write_text(raises)
    pusher.profile("visit", f"locustfile: visit.py\n{model}\n")
    code, found = pusher.run("visit")
    assert (code, found["verdict"]) == (4, "invalid")
    assert "nothing-pushed" in found["reason"]
    assert list(found["judged"]["errors"]) == ["Visitor raised KeyError: 'page'"]


READS = LOCUSTFILE.replace("from locust", "import os\n\nfrom locust").replace(
    "verify=False", "verify=False, name=f\"{os.environ.get('TENANT')} {os.environ.get('API_TOKEN')}\""
)


@pytest.mark.deep
def test_what_lies_about_in_files_and_variables_changes_nothing(
    pusher: Pusher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = pusher.folder / "loadtests"
    for file in (tmp_path / ".locust.conf", folder / "locust.conf", pusher.folder / "locust.conf"):
        file.write_text("users = 50\nspawn-rate = 50\nrun-time = 1s\n")
    told = {"HOME": str(tmp_path), "LOCUST_USERS": "50", "LOCUST_RUN_TIME": "1s"}
    for name, value in {**told, "TENANT": "acme", "API_TOKEN": "of another house"}.items():
        monkeypatch.setenv(name, value)
    (folder / "visit.py").write_text(READS)
    text = "locustfile: visit.py\nmodel: open\nvariables: [TENANT]\nstages: [{rate: 5, for: 5s}]\n"
    pusher.profile("visit", text)
    _, found = pusher.run("visit", "--seed", "7")
    assert (found["verdict"], found["all"]["failed"]) == ("pass", 0), found["reason"]
    assert found["all"]["count"] == found["judged"]["due"] > 15
    assert [one["name"] for one in found["requests"]] == ["GET acme None"]


@pytest.mark.deep
def test_generators_talk_to_each_other_on_the_loopback_alone(pusher: Pusher) -> None:
    pusher.profile("long", LOOK_UP + LONG.replace("closed", "closed\nprocesses: 2"))
    with pusher.running("long") as (run, _):
        processes = generators(run)
        assert set(listening(processes)) == {LOOPBACK}


@pytest.mark.parametrize(
    ("bad", "metric", "said"),
    [
        ("2..", "portal_requests_total", "burning burns already"),
        ("5..", "nobody_counts_this_total", "nobody can tell whether burning burns"),
    ],
)
def test_no_load_starts_while_its_guard_burns_or_is_unknown(
    pusher: Pusher, bad: str, metric: str, said: str
) -> None:
    text = OBJECTIVE.format(name="burning", route="", bad=bad, target=0.999)
    (pusher.folder / "slo" / "burning.yaml").write_text(text.replace("portal_requests_total", metric))
    guard = "guard: {burn_rate: {objectives: [burning]}}\n"
    pusher.profile("open", f"{LOOK_UP}model: open\nstages: [{{rate: 3, for: 6s}}]\n", guard)
    code, found = pusher.run("open")
    assert (code, said in found["reason"]) == (6, True), found["reason"]
    assert (found["planned"], found["all"]["count"]) == ({}, 0)


@pytest.mark.deep
def test_a_search_for_what_its_load_does_not_touch_finds_no_capacity(pusher: Pusher) -> None:
    text = OBJECTIVE.format(name="plan-changes", route='route="plan",', bad="5..", target=0.99)
    (pusher.folder / "slo" / "plan-changes.yaml").write_text(text)
    pusher.profile("open", f"{LOOK_UP}model: open\nstages: [{{rate: 3, for: 6s}}]\n")
    words = ["--objective", "plan-changes", "--first", "4", "--most", "8", "--step", "5s", "--arm", "--json"]
    done = pusher.keelwatch("load", "capacity", "open", *words)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"], found["last_ok"]) == (4, "inconclusive", None), done.stderr
    assert found["reason"].startswith("too-few-samples: plan-changes: ")


@pytest.mark.deep
def test_a_run_without_its_objective_pushes_nothing(pusher: Pusher) -> None:
    """However it was started."""
    pusher.profile("open", f"{LOOK_UP}model: open\nstages: [{{rate: 3, for: 6s}}]\n")
    before = pusher.requests()
    where = place(pusher.folder, None)
    args = search_arguments(where.workspace.file, "open", "gone", 4, 8, 5)
    with closing(open_ledger()) as store:
        run = loads.start(store, where, "open", args)
        verdict = until(lambda: view(store, run).state.verdict, 20)
    assert verdict is not None
    assert (verdict.exit_code, "no objective 'gone'" in verdict.reason) == (ExitCode.USAGE, True), verdict
    assert pusher.requests() == before


@pytest.mark.deep
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nowhere_at_all\n", "generator-died: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("users = 0\n", "locustfile-unfit: the locustfile has no users"),
    ],
)
@pytest.mark.parametrize(
    "model", ["model: open\nstages: [{rate: 5, for: 4s}]", "model: closed\nstages: [{users: 2, for: 4s}]"]
)
def test_a_locustfile_that_cannot_begin_is_said_so_with_its_last_words(
    pusher: Pusher, text: str, words: str, model: str
) -> None:
    (pusher.folder / "loadtests" / "visit.py").write_text(text)
    pusher.profile("visit", f"locustfile: visit.py\n{model}\n")
    code, found = pusher.run("visit")
    assert (code, found["verdict"]) == (4, "invalid")
    assert found["reason"].startswith(words)
    assert "died" not in words or str(run_dir(found["run"]) / "locust.log") in found["reason"]
    assert "led-outside" not in found["reason"]


@pytest.mark.deep
def test_a_search_confirms_what_it_has_measured(pusher: Pusher) -> None:
    text = OBJECTIVE.format(name="pages", route="", bad="599", target=0.99)
    (pusher.folder / "slo" / "pages.yaml").write_text(text)
    thresholds = "thresholds: [{failures_below: 20}, {objective: pages}]\n"
    pusher.profile("open", f"{LOOK_UP}model: open\nstages: [{{rate: 3, for: 6s}}]\n{thresholds}")
    words = ["--first", "6", "--most", "6", "--step", "5s", "--arm", "--json"]
    done = pusher.keelwatch("load", "capacity", "open", *words)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (0, "pass"), found["reason"]
    assert (found["last_ok"], found["first_breach"]) == (6, None)
    assert [(one["held"], one["is_proof"]) for one in found["tried"]] == [(True, False), (True, True)]
