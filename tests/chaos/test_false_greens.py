"""What Chaos Toolkit itself ends green, and Keelwatch does not; each on the real Chaos Toolkit."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from keelwatch.ledger import FactKind, JsonObject
from keelwatch.runs import Outcome
from keelwatch.workspace import run_dir
from keelwatch.workspace.errors import ExitCode
from tests.chaos.conftest import Activity, Lab
from tests.runs.conftest import until

WATCHED: JsonObject = {
    "name": "keelwatch",
    "guard": {"burn_rate": {"objectives": ["login-availability"]}},
    "every": "100ms",
    "stop_at_deviation": True,
}


def tools_own_word(run: str) -> tuple[str, bool]:
    """Status, and whether it says that the steady state deviated."""
    journal = json.loads((run_dir(run) / "journal.json").read_text())
    return journal["status"], journal["deviated"]


def test_a_baseline_that_is_not_met_is_invalid(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.set("billing", "down")], [lab.is_("cache", "warm")]))
    assert str(lab.end(run)) == "invalid: baseline-not-met: cache is warm"
    assert tools_own_word(run) == ("completed", False)
    assert lab.effects == []


def test_an_action_that_failed_is_invalid(lab: Lab) -> None:
    broken = lab.call("beside", "fail", "cut the cable")
    run = lab.start(lab.experiment([broken], [lab.is_("cache", "up")]))
    verdict = lab.end(run)
    assert verdict.outcome is Outcome.INVALID
    assert verdict.reason.startswith("action-failed: cut the cable: ")
    assert tools_own_word(run) == ("completed", False)


def test_a_rollback_that_failed_is_left_behind(lab: Lab) -> None:
    method = [lab.set("billing", "down")]
    broken = lab.call("beside", "fail", "mend the cable")
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")], [broken]))
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.LEFT_BEHIND
    assert "rollback-failed: mend the cable" in verdict.reason
    assert tools_own_word(run) == ("completed", False)


def test_a_steady_state_that_was_lost_only_meanwhile_is_a_failure(lab: Lab) -> None:
    method = [lab.set("cache", "down"), lab.wait("1s"), lab.call("chaos.actions", "undo", "mend it")]
    extension: JsonObject = {**WATCHED, "stop_at_deviation": False}
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")]), extension)
    assert str(lab.end(run)) == "fail: hypothesis-deviated: cache is up (during the method)"
    assert tools_own_word(run) == ("completed", False)


def test_without_a_word_about_it_the_hypothesis_is_asked_during_the_method(lab: Lab) -> None:
    method = [lab.set("cache", "down"), lab.wait("1s"), lab.call("chaos.actions", "undo", "mend it")]
    extension: JsonObject = {"name": "keelwatch", "guard": WATCHED["guard"]}
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")]), extension)
    assert str(lab.end(run)) == "fail: hypothesis-deviated: cache is up (during the method)"
    assert tools_own_word(run) == ("completed", False)


def test_a_stop_does_not_sit_out_the_pause_between_two_askings(lab: Lab) -> None:
    extension: JsonObject = {"name": "keelwatch", "guard": WATCHED["guard"], "every": "1m"}
    method = [lab.set("billing", "down"), lab.wait("60s")]
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")]), extension)
    until(lambda: "'during'" in str([fact.body for fact in lab.facts(run, FactKind.NOTE)]), 20, "an asking")
    lab.stop(run)
    assert lab.end(run, 10).exit_code is ExitCode.STOPPED
    assert "tool-died" not in (run_dir(run) / "log").read_text()


def test_without_our_extension_it_is_asked_before_and_after_alone(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.wait("1s")], [lab.is_("cache", "up")]))
    lab.end(run)
    journal = json.loads((run_dir(run) / "journal.json").read_text())
    assert journal["steady_states"]["during"] == []


def test_a_deviation_ends_the_activity_that_is_on(lab: Lab) -> None:
    method = [lab.set("cache", "down"), lab.wait("60s"), lab.set("billing", "down")]
    began = time.monotonic()
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")]), WATCHED)
    assert str(lab.end(run)) == "fail: hypothesis-deviated: cache is up (during the method)"
    assert time.monotonic() - began < 20
    assert lab.effects == ["toy.set cache down", "toy.set cache up"]


def test_a_control_that_crashes_lets_nothing_through(lab: Lab) -> None:
    gate = {"name": "approval", "provider": {"type": "python", "module": "beside"}}
    run = lab.start(lab.experiment([lab.set("billing", "down")], [lab.is_("cache", "up")], controls=[gate]))
    verdict = lab.end(run)
    assert verdict.outcome is Outcome.INVALID
    assert verdict.reason.startswith("control-crashed: approval at activity-before: KeyError")
    assert lab.effects == []


def test_a_control_that_crashes_keeps_no_rollback_from_being_played(lab: Lab) -> None:
    gate = {"name": "approval", "provider": {"type": "python", "module": "beside"}}
    rollback = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    lab.run(lab.experiment([], rollbacks=[rollback], controls=[gate]))
    assert lab.value("mopped") == "yes"


def test_a_control_whose_module_is_missing_lets_nothing_begin(lab: Lab) -> None:
    gate = {"name": "approval", "provider": {"type": "python", "module": "no_such_module"}}
    verdict = lab.run(lab.experiment([lab.set("billing", "down")], controls=[gate]))
    assert verdict.reason.startswith("not-begun: ModuleNotFoundError")
    assert lab.effects == []


def test_a_term_to_the_tool_injects_nothing_more(lab: Lab) -> None:
    rollback = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    method = [lab.set("billing", "down"), lab.wait("60s"), lab.set("cache", "down")]
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")], [rollback]))
    lab.until_value("billing", "down")
    os.kill(lab.tool(run), signal.SIGTERM)
    verdict = lab.end(run)
    assert str(verdict) == "inconclusive: interrupted: SIGTERM"
    assert lab.effects == ["toy.set billing down", "toy.set billing up"]
    assert lab.value("mopped") == "yes"


def test_a_second_signal_skips_no_rollback(lab: Lab) -> None:
    slow = lab.call("chaos.actions", "wait", "slowly", {"for_": "1s"})
    rollback = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    begun = lab.call("beside", "write", "begin", {"path": str(lab.world / "begun"), "text": "yes"})
    run = lab.start(
        lab.experiment([lab.set("billing", "down"), lab.wait("60s")], (), [begun, slow, rollback])
    )
    lab.until_value("billing", "down")
    tool = lab.tool(run)
    os.kill(tool, signal.SIGINT)
    lab.until_value("begun", "yes")
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(tool, number)
    lab.end(run)
    assert lab.value("mopped") == "yes"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_safeguard_skips_no_rollback(lab: Lab, number: signal.Signals) -> None:
    begun = lab.call("beside", "write", "begin", {"path": str(lab.world / "begun"), "text": "yes"})
    slow = lab.call("chaos.actions", "wait", "slowly", {"for_": "1s"})
    mop = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    run = lab.start(
        lab.experiment([lab.set("billing", "down")], [lab.is_("cache", "up")], [begun, slow, mop])
    )
    lab.until_value("begun", "yes")
    os.kill(lab.tool(run), number)
    assert lab.end(run).reason.startswith("reach-unproven")
    assert lab.value("mopped") == "yes"


def test_an_activity_that_hangs_is_given_up(lab: Lab) -> None:
    hung = {**lab.call("beside", "hang", "wait for ever"), "timeout": 0.5}
    run = lab.start(lab.experiment([lab.set("billing", "down"), hung, lab.set("cache", "down")]))
    verdict = lab.end(run)
    assert verdict.reason == "action-failed: wait for ever: no end after 0.5 s"
    assert lab.effects == ["toy.set billing down", "toy.set billing up"]


@pytest.mark.parametrize("pause", ["before", "after"])
@pytest.mark.parametrize("ends_by", ["a stop", "a trip"])
def test_a_pause_in_the_background_keeps_no_rollback_waiting(lab: Lab, pause: str, ends_by: str) -> None:
    paused = {**lab.set("cache", "down"), "background": True, "pauses": {pause: 60}}
    mop = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    method = [paused, lab.set("billing", "down"), lab.wait("60s")]
    run = lab.start(lab.experiment(method, (), [mop]), WATCHED)
    lab.until_value("billing", "down")
    if pause == "after":
        lab.until_value("cache", "down")
    if ends_by == "a trip":
        (lab.world / "burn").write_text("20")
    else:
        lab.stop(run)
    verdict = lab.end(run, 10)
    assert verdict.exit_code is ExitCode.STOPPED
    assert (lab.value("mopped"), lab.value("billing"), lab.value("cache")) == ("yes", "up", "up")


def test_a_pause_of_a_rollback_in_the_background_is_played_to_its_end(lab: Lab) -> None:
    mop = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    later = {**mop, "background": True, "pauses": {"before": 1}}
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")], (), [later]))
    lab.until_value("billing", "down")
    lab.stop(run)
    assert lab.end(run).exit_code is ExitCode.STOPPED
    assert lab.value("mopped") == "yes"


@pytest.mark.parametrize("place", ["activity", "provider"])
def test_a_command_ends_when_its_time_is_over(lab: Lab, place: str) -> None:
    provider: dict[str, object] = {"type": "process", "path": "sleep", "arguments": ["20"]}
    slow: Activity = {"type": "action", "name": "dawdle", "provider": provider}
    (slow if place == "activity" else provider)["timeout"] = 0.5
    began = time.monotonic()
    verdict = lab.run(lab.experiment([slow], [lab.is_("cache", "up")]))
    assert "action-failed: dawdle: " in str(verdict)
    assert time.monotonic() - began < 15


def test_another_host_is_not_asked(lab: Lab) -> None:
    elsewhere: dict[str, object] = {
        "type": "action",
        "name": "ask elsewhere",
        "provider": {"type": "http", "url": "http://192.0.2.1/reboot"},
    }
    verdict = lab.run(lab.experiment([elsewhere]))
    assert verdict.exit_code is ExitCode.REFUSED
    assert "http://192.0.2.1/reboot is not of this environment" in verdict.reason


def test_who_cannot_say_how_the_fault_shows_never_passes(lab: Lab) -> None:
    verdict = lab.run(lab.experiment([lab.set("billing", "down")], [lab.is_("cache", "up")]))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("reach-unproven")


def test_rollbacks_that_were_not_played_are_left_behind(lab: Lab) -> None:
    rollback = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")], (), [rollback]))
    lab.until_value("billing", "down")
    os.kill(lab.tool(run), signal.SIGUSR2)  # by which an experiment says that it wants none
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.LEFT_BEHIND
    assert verdict.reason.endswith("rollback-failed: mop up: not played")
    assert lab.value("billing") == "up"


def test_an_answer_that_leads_elsewhere_is_not_followed(lab: Lab) -> None:
    with leading_to("http://192.0.2.1/reboot") as url:
        file = lab.folder / "keelwatch.yaml"
        file.write_text(file.read_text().replace("http://127.0.0.1:9", url))
        ask: dict[str, object] = {
            "type": "action",
            "name": "ask",
            "provider": {"type": "http", "url": f"{url}/"},
        }
        verdict = lab.run(lab.experiment([ask]))
    assert verdict.exit_code is ExitCode.REFUSED
    assert "http://192.0.2.1/reboot is not of this environment" in verdict.reason


@contextmanager
def leading_to(target: str, status: int = 302) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", target)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_the_probe_that_did_not_hold_is_named_before_one_that_nobody_could_answer(lab: Lab) -> None:
    """Chaos Toolkit asks up to the first that does not hold: one nobody can answer, then another."""
    query = lab.call("chaos.probes", "promql", "traffic shows", {"query": "traffic"}, "probe")
    probes = [{**query, "tolerance": True}, lab.is_("cache", "up")]
    write = [
        lab.call("beside", "write", f"{to}", {"path": str(lab.world / target), "text": to})
        for target, to in (("traffic", "unknown"), ("traffic", "yes"), ("cache", "down"))
    ]
    (lab.world / "traffic").write_text("yes")
    method = [write[0], lab.wait("1s"), write[2], write[1], lab.wait("1s")]
    run = lab.start(lab.experiment(method, probes), {**WATCHED, "stop_at_deviation": False})
    assert str(lab.end(run)) == "fail: hypothesis-deviated: cache is up (during the method)"


@pytest.mark.parametrize("kind", ["process", "http"])
def test_an_action_that_ends_badly_has_failed(lab: Lab, kind: str) -> None:
    with answering(lab, 500) as url:
        run = lab.start(lab.experiment([ending_badly(kind, url, "cut the cable")], [lab.is_("cache", "up")]))
        verdict = lab.end(run)
    assert verdict.outcome is Outcome.INVALID
    assert verdict.reason.startswith("action-failed: cut the cable: ")
    assert tools_own_word(run) == ("completed", False)


@pytest.mark.parametrize("kind", ["process", "http"])
def test_a_rollback_that_ends_badly_is_left_behind(lab: Lab, kind: str) -> None:
    with answering(lab, 500) as url:
        mend = ending_badly(kind, url, "mend the cable")
        run = lab.start(lab.experiment([lab.set("billing", "down")], [lab.is_("cache", "up")], [mend]))
        verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.LEFT_BEHIND
    assert "rollback-failed: mend the cable: " in verdict.reason
    assert tools_own_word(run) == ("completed", False)


def test_what_a_probe_finds_its_tolerance_judges(lab: Lab) -> None:
    probe: Activity = {**ending_badly("process", "", "it ends with 1"), "type": "probe", "tolerance": 1}
    verdict = lab.run(lab.experiment([lab.wait("100ms")], [probe]))
    assert verdict.reason.startswith("reach-unproven")


def ending_badly(kind: str, url: str, name: str) -> Activity:
    provider = {"type": kind, "path": "false"} if kind == "process" else {"type": kind, "url": f"{url}/"}
    return {"type": "action", "name": name, "provider": provider}


@contextmanager
def answering(lab: Lab, status: int) -> Iterator[str]:
    """A host of the environment."""
    with leading_to("/", status) as url:
        file = lab.folder / "keelwatch.yaml"
        file.write_text(file.read_text().replace("http://127.0.0.1:9", url))
        yield url
