"""`keelwatch probe watch`: schedules, metrics, shifts and stops, on a portal in a thread."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import statistics
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from keelwatch.runs.state import is_alive
from keelwatch.workspace.paths import state_dir
from probes.watch import in_shard, missed_by
from tests.probes.conftest import CHANGE, LOGIN, Bench
from tests.probes.shop import Asked, Reply
from tests.probes.watched import ASK, BAD, EACH_SECOND, ONCE, RUNS, STUCK, Watched, free_port, until, watched  # noqa: F401 - `watched` is a fixture


def refuse_undo_of_ada(asked: Asked) -> Reply | None:
    is_hers = asked.headers.get("authorization") == "Bearer token-of-ada"
    is_undo = asked.method == "PUT" and isinstance(asked.body, dict) and asked.body["plan"] == "basic"
    return (500, {"error": "no"}) if is_hers and is_undo else None


def the_run() -> str:
    (found,) = (state_dir() / "runs").iterdir()
    return found.name


def test_every_execution_is_counted_once_by_result_and_cause(watched: Watched) -> None:
    watched.bench.journey("ask", ASK, schedule=EACH_SECOND)
    watched.bench.journey("bad", BAD, schedule=EACH_SECOND)
    run = watched.spawn()
    until(lambda: watched.count("ask") >= 3 and watched.count("bad", "fail") >= 3, "three of each")

    def agrees() -> bool:
        """Metrics come a moment after the stream, so this holds whenever nothing is under way."""
        told = Counter((one["journey"], one["region"], one["result"]) for one in watched.executions(run))
        return {where: count for where, count in watched.metric(RUNS).items() if count} == told

    until(agrees, "agreement with the stream")
    watched.signal(run)
    watched.ended(run)


def test_labels_are_those_the_objectives_ask_for(watched: Watched) -> None:
    watched.bench.journey("ask", ASK, schedule=EACH_SECOND)
    watched.bench.journey("bad", BAD, schedule=EACH_SECOND)
    run = watched.spawn()
    until(lambda: watched.count("bad", "fail") >= 1 and watched.count("ask") >= 1, "one of each")
    assert set(watched.metric(RUNS)) == {
        (journey, "west", result) for journey in ("ask", "bad") for result in ("pass", "fail")
    }
    assert set(watched.metric("keelwatch_probe_failures_total")) == {("assertion", "bad", "west", "look")}
    untainted = [one for one in watched.executions(run) if one["result"] == "pass" and not one["tainted"]]
    timed = watched.metric("keelwatch_probe_seconds_count")
    assert set(timed) == {("ask", "west"), ("bad", "west")}
    assert timed["bad", "west"] == 0
    assert timed["ask", "west"] <= len(untainted)
    phases = {phase for _, phase, _, step in watched.metric("keelwatch_probe_step_seconds_count")}
    assert phases <= {"dns", "connect", "tls", "send", "wait", "receive", "unaccounted"}
    assert watched.metric("keelwatch_probe_quarantined") == {(): 0}
    watched.signal(run)
    watched.ended(run)


def test_an_instance_shows_zeros_before_its_first_execution_ends(watched: Watched) -> None:
    """An absent series looks like one without failures."""
    go = threading.Event()

    def hold(_: Asked) -> Reply | None:
        go.wait(30)
        return None

    watched.bench.shop.before = hold
    watched.bench.journey("ask", ASK, schedule=ONCE)
    run = watched.spawn()
    until(lambda: watched.bench.shop.log, "the first request")
    assert watched.metric(RUNS) == {("ask", "west", "pass"): 0, ("ask", "west", "fail"): 0}
    assert watched.metric("keelwatch_probe_missed_total") == {("ask", "west"): 0}
    assert watched.metric("keelwatch_probe_seconds_count") == {("ask", "west"): 0}
    go.set()
    until(lambda: watched.count("ask") == 1, "the first execution")
    watched.signal(run)
    watched.ended(run)


def take_a_while(asked: Asked) -> Reply | None:
    if asked.path == "/plan":
        time.sleep(1.3)
    return None


@pytest.mark.deep
def test_an_execution_due_while_one_still_runs_is_left_out_and_counted(watched: Watched) -> None:
    watched.bench.shop.before = take_a_while
    watched.bench.journey("ask", ASK, schedule=EACH_SECOND)
    run = watched.spawn()
    until(lambda: watched.count("ask") >= 3, "three executions")
    missed = watched.metric("keelwatch_probe_missed_total")["ask", "west"]
    assert watched.count("ask") - 1 <= missed <= watched.count("ask") * 3
    assert statistics.median(one["slip_s"] for one in watched.executions(run)) < 0.3
    watched.signal(run)
    watched.ended(run)


@pytest.mark.deep
def test_where_they_queue_none_is_left_out_and_the_lateness_shows(watched: Watched) -> None:
    watched.bench.shop.before = take_a_while
    watched.bench.journey("ask", ASK, schedule=EACH_SECOND, overlap="queue")
    run = watched.spawn()
    until(lambda: watched.count("ask") >= 4, "four executions")
    assert watched.metric("keelwatch_probe_missed_total") == {("ask", "west"): 0}
    slips = [one["slip_s"] for one in watched.executions(run)]
    assert slips == sorted(slips)
    assert slips[3] > 0.8
    watched.signal(run)
    watched.ended(run)


@pytest.mark.parametrize(
    ("now", "due", "missed"),
    [(9.9, 10.0, 0), (10.0, 10.0, 0), (10.1, 10.0, 1), (12.0, 10.0, 2), (14.1, 10.0, 3)],
)
def test_what_was_due_meanwhile_is_counted(now: float, due: float, missed: int) -> None:
    assert missed_by(now, due, 2.0) == missed


@pytest.mark.deep
def test_jitter_moves_the_start_and_is_no_lateness(watched: Watched) -> None:
    watched.bench.journey("ask", ASK, schedule="{every: 1s, jitter: 600ms}")
    run = watched.spawn()
    until(lambda: len(watched.executions(run)) >= 6, "six executions")
    started = [one["started"] for one in watched.executions(run)]
    gaps = [after - before for before, after in itertools.pairwise(started)]
    assert max(gaps) - min(gaps) > 0.03
    assert statistics.median(one["slip_s"] for one in watched.executions(run)) < 0.15
    watched.signal(run)
    watched.ended(run)


def test_the_end_of_a_shift_hands_over_with_its_port(watched: Watched) -> None:
    watched.bench.journey("ask", ASK, schedule=EACH_SECOND)
    first = watched.spawn(shift_s=2)
    closed = watched.ended(first)
    assert str(closed.state.verdict).startswith("pass")
    second = watched.successor(first)
    until(lambda: watched.count("ask") >= 1, "the successor's first execution")
    assert is_alive(second)
    watched.signal(second)
    assert watched.ended(second).state.verdict is not None
    assert watched.exit_code(second) == 7


@pytest.mark.deep
def test_a_failed_undo_ends_the_shift_quarantines_and_waits_for_heal(watched: Watched) -> None:
    """What a living run holds cannot be healed, so the run gives it up and another one goes on."""
    bench = watched.bench
    bench.shop.before = refuse_undo_of_ada
    bench.journey("change", LOGIN + CHANGE, schedule=EACH_SECOND, cleanup_reserve="3s")
    follower = bench.start("probe", "watch", "--port", str(watched.port))
    until(lambda: (state_dir() / "runs").exists() and list((state_dir() / "runs").iterdir()), "a run")
    first = the_run()
    assert str(watched.ended(first).state.verdict).startswith("fail")
    assert watched.exit_code(first) == 8
    second = watched.successor(first)
    until(lambda: watched.metric("keelwatch_probe_quarantined") == {(): 1}, "the quarantine in the metrics")
    until(lambda: watched.count("change") >= 1, "the successor's first execution", 60)
    assert {one["account"] for one in watched.executions(second)} == {"bob"}
    assert bench.shop.plans["ada"] == "plus"

    bench.shop.before = lambda _: None
    code, out, err = bench.run("heal")
    assert code == 0, out + err
    assert bench.shop.plans["ada"] == "basic"
    until(lambda: watched.metric("keelwatch_probe_quarantined") == {(): 0}, "the end of the quarantine")
    assert is_alive(second)

    follower.send_signal(signal.SIGINT)
    out, err = follower.communicate(timeout=30)
    assert follower.returncode == 8, out + err  # of all its shifts the worst
    assert f"goes on as {second}" in out
    watched.ended(second)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_takes_back_what_is_under_way_and_frees_the_port(
    watched: Watched, number: signal.Signals
) -> None:
    bench = watched.bench
    bench.journey("stuck", STUCK, schedule=EACH_SECOND)
    follower = bench.start("probe", "watch", "--port", str(watched.port))
    until(lambda: bench.shop.asked("GET", "/slow"), "a customer in the middle")
    follower.send_signal(number)
    out, err = follower.communicate(timeout=30)
    assert follower.returncode == 7, out + err
    assert bench.shop.plans["ada"] == "basic"
    assert watched.metric(RUNS) == {}


def test_the_guardian_takes_back_what_a_killed_watch_left(watched: Watched) -> None:
    bench = watched.bench
    bench.journey("stuck", STUCK, schedule=EACH_SECOND)
    run = watched.spawn()
    until(lambda: bench.shop.asked("GET", "/slow"), "a customer in the middle")
    watched.signal(run, signal.SIGKILL)
    watched.ended(run)
    assert bench.shop.plans["ada"] == "basic"
    assert bench.run("heal", "--list")[0] == 0


@pytest.mark.deep
def test_a_port_that_is_taken_is_told(watched: Watched) -> None:
    watched.bench.journey("ask", ASK, schedule=EACH_SECOND)
    with socket.create_server(("127.0.0.1", watched.port)):
        code, out, err = watched.bench.run("probe", "watch", "--port", str(watched.port))
    assert code == 5
    assert f"cannot serve metrics on 127.0.0.1:{watched.port}" in out + err
    assert watched.bench.shop.log == []


@given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 50))
def test_every_instance_is_in_exactly_one_shard(names: list[str], of: int) -> None:
    for name in names:
        assert sum(in_shard(name, part, of) for part in range(1, of + 1)) == 1


def test_two_shards_share_the_journeys_among_them(watched: Watched) -> None:
    names = [f"ask-{letter}" for letter in "abcd"]
    for name in names:
        watched.bench.journey(name, ASK, schedule=ONCE)
    ports = {1: free_port(), 2: free_port()}
    runs = [watched.spawn(shard=(part, 2), port=port) for part, port in ports.items()]

    def shown(part: int) -> set[str]:
        return {journey for journey, *_ in watched.metric(RUNS, ports[part])}

    until(lambda: shown(1) and shown(2), "metrics of both")
    first, second = shown(1), shown(2)
    assert first | second == set(names)
    assert not first & second
    for run in runs:
        watched.signal(run)
        watched.ended(run)


def test_without_a_schedule_there_is_nothing_to_watch(bench: Bench) -> None:
    bench.journey("ask", ASK)
    code, out, err = bench.run("probe", "watch", "--port", str(free_port()))
    assert code == 2
    assert "no journey has a schedule" in out + err


@pytest.mark.deep
def test_a_workspace_that_breaks_meanwhile_stops_nobody(watched: Watched) -> None:
    watched.bench.journey("ask", ASK, schedule=EACH_SECOND)
    run = watched.spawn()
    until(lambda: watched.count("ask") >= 1, "the first execution")
    (watched.bench.folder / "keelwatch.yaml").write_text("keelwatch: [")
    until(
        lambda: any("goes on with the workspace as it was" in one for one in watched.said(run)), "word of it"
    )
    before = watched.count("ask")
    until(lambda: watched.count("ask") > before, "another execution")
    watched.signal(run)
    watched.ended(run)


def test_an_error_of_one_journey_ends_the_shift_and_not_only_itself(watched: Watched) -> None:
    """One that hangs on without its metrics, or its others, would look like a healthy one."""
    watched.bench.journey("ask", ASK, schedule=EACH_SECOND)
    watched.bench.journey("change", LOGIN + CHANGE, schedule=EACH_SECOND)
    run = watched.spawn()
    until(lambda: watched.count("ask") >= 1, "the first execution")
    results = state_dir() / "probes" / "shop" / "results"
    results.rename(results.with_name("gone"))
    results.write_text("a file where a folder should be")
    watched.ended(run)
    assert watched.exit_code(run) == 5
    assert watched.bench.shop.plans["ada"] == "basic"


def test_what_it_keeps_and_tells_holds_no_secret(watched: Watched) -> None:
    watched.bench.journey("change", LOGIN + CHANGE, schedule=EACH_SECOND)
    run = watched.spawn()
    until(lambda: watched.count("change") >= 1, "the first execution")
    watched.signal(run)
    watched.ended(run)
    for file in state_dir().rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert b"token-of-ada" not in data, file
            assert os.fsencode(watched.bench.shop.password) not in data, file


@pytest.mark.deep
def test_what_was_due_while_the_sandbox_was_gone_is_counted(watched: Watched, tmp_path: Path) -> None:
    endpoints = as_sandbox(watched.bench, tmp_path)
    watched.bench.journey("ask", ASK, schedule=EACH_SECOND)
    run = watched.spawn()
    until(lambda: watched.count("ask") >= 1, "the first execution")
    gone = endpoints.rename(endpoints.with_name("gone"))

    def missed() -> float:
        return watched.metric("keelwatch_probe_missed_total").get(("ask", "west"), 0.0)

    before = missed()
    until(lambda: missed() >= before + 3, "the count of what was due")
    gone.rename(endpoints)
    counted = watched.count("ask")
    until(lambda: watched.count("ask") > counted, "executions again")
    watched.signal(run)
    watched.ended(run)


def as_sandbox(bench: Bench, folder: Path) -> Path:
    """Have the workspace find the shop where a running sandbox says it is; returns the file that says so."""
    bench.shop.password = "written down, as a sandbox does"
    authority, accounts = folder / "ca.pem", folder / "accounts.json"
    trustme.CA().cert_pem.write_to_path(str(authority))
    ada = {"name": "ada", "region": "west", "mailbox": "", "password": bench.shop.password}
    accounts.write_text(json.dumps({"pool": [ada]}))
    endpoints = state_dir() / "sandbox" / "toy" / "endpoints.json"
    endpoints.parent.mkdir(parents=True)
    urls = dict.fromkeys(("edge", "west-edge", "mail"), bench.shop.url)
    endpoints.write_text(
        json.dumps({"urls": urls, "accounts_file": str(accounts), "ca_file": str(authority)})
    )
    (bench.folder / "keelwatch.yaml").write_text(
        "keelwatch: 1\n"
        "environments: {shop: {source: sandbox, sandbox: toy, regions: [west]}}\n"
        "components: {accounts: {owner: team-accounts, tier: 1}}\n"
    )
    return endpoints
