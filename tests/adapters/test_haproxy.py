"""The edge's verbs on a real HAProxy: weights, drain, reloads, and attempts that come too late."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keelwatch.adapters.haproxy import LOST, DrainVerb, ReadyVerb, WeightVerb, serving
from keelwatch.adapters.haproxy.runtime import parse_sessions, parse_states
from keelwatch.adapters.patience import Deadline
from keelwatch.runs import Action
from keelwatch.workspace import Answer, Refused, SourceError, UsageError
from keelwatch.workspace.estate import Edge
from tests.adapters.estate import attempt
from tests.adapters.haproxy_server import NAMES, SERVERS, RunningEdge, running_edge
from tests.adapters.processes import frozen, until

WEIGHT, DRAIN, READY = WeightVerb(), DrainVerb(), ReadyVerb()
TO_EAST = {"west": 0, "east": 100}
STATE_HEAD = "# be_name srv_name srv_op_state srv_admin_state srv_uweight srv_iweight"


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[RunningEdge]:
    with running_edge(tmp_path / "edge") as running:
        yield running


def taken_back(edge: RunningEdge, action: Action | None) -> None:
    """Undo as the kernel does: act by name, then believe the check alone."""
    assert action is not None
    verb = {verb.name: verb for verb in (WEIGHT, DRAIN, READY)}[action.verb]
    verb.do(action.args, attempt(verb.plan(action.args)))
    found = verb.check(action.args)
    assert found.answer is Answer.YES, found.evidence


def test_customers_go_where_the_weights_say_and_back(edge: RunningEdge) -> None:
    args = edge.estate.args(weights=TO_EAST)
    assert WEIGHT.check(args).answer is Answer.NO
    planned = WEIGHT.plan(args)
    assert planned.summary == (
        "west: weight 1 -> 0, 50% -> 0% of new customers; east: weight 1 -> 100, 50% -> 100% of new customers"
    )
    assert edge.serving() == set(NAMES)  # a plan changes nothing

    WEIGHT.do(args, attempt(planned))

    assert edge.serving() == {"east-1", "east-2"}
    assert WEIGHT.check(args).answer is Answer.YES
    assert [one.answer for one in serving(edge.edge).values()] == [Answer.NO, Answer.YES]

    taken_back(edge, WEIGHT.undo(args, planned.before))
    assert edge.serving() == set(NAMES)


def test_a_reload_that_loses_the_weights_is_a_no_that_says_so(edge: RunningEdge) -> None:
    args = edge.estate.args(weights=TO_EAST)
    edge.estate.do(WEIGHT, weights=TO_EAST)

    edge.reload()

    found = WEIGHT.check(args)
    assert found.answer is Answer.NO
    assert "a reload lost it?" in found.evidence
    edge.estate.do(WEIGHT, weights=TO_EAST)  # asserting it again mends it
    assert WEIGHT.check(args).answer is Answer.YES


def test_a_reload_is_not_blamed_for_what_somebody_decided_since(edge: RunningEdge) -> None:
    """Who asserts again what a reload has lost would otherwise take that back as well."""
    args = edge.estate.args(weights=TO_EAST)
    edge.estate.do(WEIGHT, weights=TO_EAST)
    edge.reload()
    edge.estate.do(WEIGHT, servers={"west-1": 30})

    found = WEIGHT.check(args)

    assert found.answer is Answer.NO
    assert "west-1 has 30, not 0" in found.evidence
    assert LOST not in found.evidence


def test_an_attempt_from_before_somebody_elses_decision_does_not_win(edge: RunningEdge) -> None:
    args = edge.estate.args(weights={"west": 100, "east": 10})
    late = attempt(WEIGHT.plan(args))
    edge.estate.do(WEIGHT, weights=TO_EAST)

    with pytest.raises(Refused, match="somebody set the weight of west-1 to 0 since this was planned"):
        WEIGHT.do(args, late)

    assert edge.weights() == {"west-1": 0, "west-2": 0, "east-1": 100, "east-2": 100}


def test_an_undo_that_comes_late_leaves_the_newer_decision(edge: RunningEdge) -> None:
    args = edge.estate.args(weights={"east": 50})
    planned = WEIGHT.plan(args)
    WEIGHT.do(args, attempt(planned))
    edge.estate.do(WEIGHT, weights={"east": 200})

    undo = WEIGHT.undo(args, planned.before)
    assert undo is not None
    with pytest.raises(Refused, match="somebody set the weight of east-1 to 200"):
        WEIGHT.do(undo.args, attempt(planned))

    assert edge.weights()["east-1"] == 200


def test_a_dead_attempts_request_that_lands_late_is_seen_and_put_right(edge: RunningEdge) -> None:
    args = edge.estate.args(weights=TO_EAST)
    edge.estate.do(WEIGHT, weights=TO_EAST)
    with frozen(edge.process.pid):
        _send_and_die(edge, b"set server portal/west-1 weight 77\n")
        assert WEIGHT.check(args).answer is Answer.UNKNOWN
    until(lambda: edge.weights()["west-1"] == 77, "the late request")

    assert WEIGHT.check(args).answer is Answer.NO
    edge.estate.do(WEIGHT, weights=TO_EAST)
    assert WEIGHT.check(args).answer is Answer.YES


def _send_and_die(edge: RunningEdge, line: bytes) -> None:
    handle = os.open(edge.folder, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.settimeout(2)
        dead.connect(f"/proc/self/fd/{handle}/admin.sock")
        dead.sendall(line)
    os.close(handle)


def test_a_ramp_is_taken_back_in_reverse_also_after_a_reload_in_its_middle(edge: RunningEdge) -> None:
    undos = []
    for step in ({"west": 90, "east": 10}, {"west": 50, "east": 50}, {"west": 0, "east": 100}):
        args = edge.estate.args(weights=step)
        planned = WEIGHT.plan(args)
        WEIGHT.do(args, attempt(planned))
        undos.append(WEIGHT.undo(args, planned.before))

    edge.reload()

    for undo in reversed(undos):
        taken_back(edge, undo)
    assert set(edge.weights().values()) == {1}


def test_traffic_is_not_sent_where_nobody_is_up(edge: RunningEdge) -> None:
    edge.make_ill("east-1", "east-2")

    with pytest.raises(Refused, match="no server of east is up"):
        edge.estate.do(WEIGHT, weights=TO_EAST)

    assert edge.serving() == {"west-1", "west-2"}


def test_a_dead_region_is_left_in_stages_and_nobody_goes_back_to_it(edge: RunningEdge) -> None:
    edge.estate.do(WEIGHT, weights={"west": 100, "east": 100})
    edge.make_ill("west-1", "west-2")

    for west, east in ((50, 50), (0, 100)):
        args = edge.estate.args(weights={"west": west, "east": east}, leaving=["west"])
        planned = WEIGHT.plan(args)
        assert WEIGHT.check(args).answer is Answer.NO
        WEIGHT.do(args, attempt(planned))
        found = WEIGHT.check(args)
        assert found.answer is Answer.YES, found.evidence
        assert f"west-1 {west} DOWN" in found.evidence
        assert edge.serving() == {"east-1", "east-2"}

    for more in ({"west": 1}, {"west": 1, "east": 100}):
        args = edge.estate.args(weights=more, leaving=["west"])
        with pytest.raises(Refused, match="no server of west is up"):
            WEIGHT.plan(args)
        with pytest.raises(Refused, match="no server of west is up"):
            WEIGHT.do(args, attempt(planned))
    assert edge.weights() == {"west-1": 0, "west-2": 0, "east-1": 100, "east-2": 100}


def test_weights_that_are_less_for_a_dead_region_must_leave_customers_somewhere(edge: RunningEdge) -> None:
    edge.estate.do(WEIGHT, weights={"west": 100, "east": 0})
    edge.make_ill("west-1", "west-2")

    with pytest.raises(Refused, match="leave no region serving"):
        WEIGHT.plan(edge.estate.args(weights={"west": 50}))
    edge.estate.do(WEIGHT, weights={"west": 50, "east": 50})

    assert edge.serving() == {"east-1", "east-2"}


def test_a_region_that_is_drained_gets_no_more_traffic_than_it_has(edge: RunningEdge) -> None:
    edge.estate.do(WEIGHT, weights={"west": 100, "east": 100})
    edge.estate.do(DRAIN, region="west")

    with pytest.raises(Refused, match="no server of west is up"):
        edge.estate.do(WEIGHT, weights={"west": 200, "east": 100})

    edge.estate.do(WEIGHT, weights={"west": 50, "east": 100})
    assert edge.weights()["west-1"] == 50


def test_a_dead_region_is_drained_and_stays_so_when_it_comes_back(edge: RunningEdge) -> None:
    args = edge.estate.args(region="west")
    edge.make_ill("west-1", "west-2")

    planned = DRAIN.plan(args)
    assert DRAIN.check(args).answer is Answer.NO
    DRAIN.do(args, attempt(planned))
    assert DRAIN.check(args).answer is Answer.YES
    with pytest.raises(Refused, match="draining east would leave no region serving"):
        DRAIN.plan(edge.estate.args(region="east"))

    edge.make_well("west-1", "west-2")
    assert edge.serving() == {"east-1", "east-2"}
    taken_back(edge, DRAIN.undo(args, planned.before))
    assert edge.serving() == set(NAMES)


def test_a_region_that_falls_after_it_was_given_traffic_is_a_no(edge: RunningEdge) -> None:
    args = edge.estate.args(weights=TO_EAST)
    planned = WEIGHT.plan(args)
    WEIGHT.do(args, attempt(planned))
    edge.make_ill("east-1")
    assert (
        WEIGHT.check(args).answer is Answer.YES
    )  # one of two still serves, and the evidence names the other
    assert "east-1 100 DOWN" in WEIGHT.check(args).evidence

    edge.make_ill("east-2")

    assert WEIGHT.check(args).answer is Answer.NO
    taken_back(edge, WEIGHT.undo(args, planned.before))


def test_no_weights_leave_every_region_dark(edge: RunningEdge) -> None:
    with pytest.raises(Refused, match="no region serving"):
        edge.estate.do(WEIGHT, weights={"west": 0, "east": 0})


def test_a_frozen_edge_is_unknown_and_holds_nobody_up(edge: RunningEdge) -> None:
    args = edge.estate.args(weights=TO_EAST)
    planned = WEIGHT.plan(args)
    with frozen(edge.process.pid):
        began = time.monotonic()
        found = WEIGHT.check(args)
        with pytest.raises(SourceError, match="does not answer"):
            WEIGHT.do(args, attempt(planned))
        assert time.monotonic() - began < 2 * WEIGHT.settle_s

    assert found.answer is Answer.UNKNOWN
    assert str(edge.edge.socket) in found.evidence


def test_an_edge_that_is_gone_is_unknown_and_named(edge: RunningEdge) -> None:
    edge.process.kill()
    edge.process.wait()

    assert WEIGHT.check(edge.estate.args(weights=TO_EAST)).answer is Answer.UNKNOWN
    with pytest.raises(SourceError, match="cannot ask the edge at") as failed:
        WEIGHT.plan(edge.estate.args(weights=TO_EAST))
    assert "is HAProxy running" in failed.value.hint
    assert {one.answer for one in serving(edge.edge).values()} == {Answer.UNKNOWN}


def test_a_socket_without_the_right_says_which_right(tmp_path: Path) -> None:
    with running_edge(tmp_path / "edge", level="operator") as edge:
        with pytest.raises(SourceError, match="refused: Permission denied") as failed:
            edge.estate.do(WEIGHT, weights=TO_EAST)
        assert failed.value.hint == "the socket needs `level admin`"
        assert set(edge.weights().values()) == {1}


def test_a_drain_waits_for_sessions_and_ends_in_time(edge: RunningEdge) -> None:
    args = edge.estate.args(region="west", wait_s=0.5)
    slow = threading.Thread(target=edge.ask, args=("/slow",))
    slow.start()
    until(lambda: any(edge.dummies[name].asked_slow.is_set() for name in NAMES), "the slow request")
    region = "west" if any(edge.dummies[name].asked_slow.is_set() for name in SERVERS["west"]) else "east"
    args = edge.estate.args(region=region, wait_s=0.5)
    planned = DRAIN.plan(args)
    assert "1 sessions now" in planned.summary

    with pytest.raises(SourceError, match=f"{region} still has 1 sessions"):
        DRAIN.do(args, attempt(planned))
    assert DRAIN.check(args).answer is Answer.NO
    assert edge.serving().isdisjoint(SERVERS[region])

    for one in edge.dummies.values():
        one.hurry.set()
    slow.join()
    assert edge.estate.do(DRAIN, 2, region=region, wait_s=5)["sessions"] == 0
    assert DRAIN.check(args).answer is Answer.YES

    taken_back(edge, DRAIN.undo(args, planned.before))
    assert edge.serving() == set(NAMES)


def test_the_last_region_that_serves_is_not_drained(edge: RunningEdge) -> None:
    edge.estate.do(WEIGHT, weights=TO_EAST)

    with pytest.raises(Refused, match="draining east would leave no region serving"):
        DRAIN.plan(edge.estate.args(region="east"))


def test_what_was_drained_before_stays_drained_after_the_undo(edge: RunningEdge) -> None:
    args = edge.estate.args(region="west")
    edge.estate.do(DRAIN, region="west")

    assert DRAIN.undo(args, DRAIN.plan(args).before) is None


def test_a_region_that_is_drained_and_made_ready_is_one_target(edge: RunningEdge) -> None:
    """So that what was done to it last is known by it."""
    args = edge.estate.args(region="west")
    assert DRAIN.plan(args).target == READY.plan(args).target


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "give either"),
        ({"weights": {"west": 1}, "servers": {"west-1": 1}}, "give either"),
        ({"weights": {"nord": 1}}, "no region 'nord'"),
        ({"servers": {"west-9": 1}}, "no server 'west-9'"),
        ({"weights": {"west": 257}}, "0..256"),
        ({"weights": {"west": -1}}, "0..256"),
        ({"weights": {"west": True}}, "0..256"),
        ({"weights": "west"}, "0..256"),
        ({"wieghts": {"west": 1}}, "unknown argument 'wieghts'"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused_before_anything_is_asked(
    tmp_path: Path, more: dict[str, object], words: str
) -> None:
    from tests.adapters.estate import written

    estate = written(tmp_path, edge={"socket": "none.sock", "backend": "portal", "servers": SERVERS})
    with pytest.raises(UsageError) as failed:
        WEIGHT.plan(estate.args(**more))
    assert words in f"{failed.value.message} {failed.value.hint}"


@pytest.mark.parametrize(
    "told",
    [
        "",
        "2\n# be_id be_name\n",
        "1\n",
        "1\nbe_id be_name\n3 portal\n",
        "1\n# be_name srv_name srv_op_state\nportal west-1 2\n",
        f"1\n{STATE_HEAD}\nportal west-1 up 0 1 1\n",
        f"1\n{STATE_HEAD}\nportal west-1 2 0\n",
    ],
)
def test_an_answer_of_another_form_is_an_error_and_no_guess(told: str) -> None:
    edge = Edge(Path("/run/edge.sock"), "portal", SERVERS)
    with pytest.raises(SourceError, match=r"/run/edge\.sock"):
        parse_states(edge, told)


@pytest.mark.parametrize(
    "told",
    ["", "nonsense", "# pxname,svname,scur\nportal,west-1,many\n", "# pxname,svname,qcur\nportal,west-1,0\n"],
)
def test_sessions_of_another_form_are_an_error_and_no_guess(told: str) -> None:
    with pytest.raises(SourceError):
        parse_sessions(Edge(Path("/run/edge.sock"), "portal", SERVERS), told)


def test_a_backend_that_does_not_exist_is_named(edge: RunningEdge) -> None:
    from keelwatch.adapters.haproxy import look

    with pytest.raises(SourceError, match="has no backend shop"):
        look(Edge(edge.edge.socket, "shop", SERVERS))
    with pytest.raises(UsageError, match="has no server portal/west-3"):
        look(Edge(edge.edge.socket, "portal", {"west": ["west-3"]}))
    assert Deadline.within(-1).left_s == 0
