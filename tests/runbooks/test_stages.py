"""What a step says becomes the arguments that the verbs themselves take."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelwatch.runs import Action
from keelwatch.workspace import SourceError, UsageError
from runbooks.stages import Mode, Stage, at_moment, stages_of
from runbooks.verbs.catalogue import BY_THE_RUN, CATALOGUE
from tests.runbooks.made import HEAD, library, written

VALUES = {"from": "west", "to": "east", "region": "west", "other": "east", "word": "hello", "report": "x"}
ESTATE = """\
keelwatch: 1
environments:
  shop:
    prometheus: {url: 'http://prometheus.example'}
    regions: [west, east]
    edge: {socket: admin.sock, backend: portal, servers: {west: [w1], east: [e1]}}
    database:
      user: postgres
      password: env:NOBODY_READS_THIS
      name: portal
      regions: {west: {host: 127.0.0.1, port: 9}, east: {host: 127.0.0.1, port: 9}}
    cache: {regions: {west: {host: 127.0.0.1, port: 9}, east: {host: 127.0.0.1, port: 9}}}
"""


def stages(folder: Path, step: str, mode: Mode = Mode.GRACEFUL) -> tuple[Stage, ...]:
    (found,) = written(folder, f"{HEAD}steps:\n  - {{id: a, {step}}}\n").runbook.spec.steps
    return stages_of(found, VALUES, mode)


@pytest.mark.parametrize(
    ("step", "action"),
    [
        ("pg.lag: {region: $to, max: 5s}", Action("pg.lag", {"region": "east", "max_s": 5.0})),
        ("edge.drain: {region: $from, wait: 15s}", Action("edge.drain", {"region": "west", "wait_s": 15.0})),
        ("edge.weight: {weights: {$to: 9}}", Action("edge.weight", {"weights": {"east": 9}})),
        ("redis.promote: {region: $to}", Action("redis.promote", {"region": "east", "mode": "graceful"})),
        ("slo.hold: {for: 1m}", Action("slo.hold", {"below": 14.4, "for_s": 60.0})),
        ("human: 'say $word for $$5'", Action("human", {"text": "say hello for $5"})),
        ("shell: {command: [echo, $word]}", Action("shell", {"command": ["echo", "hello"]})),
        ("shell: {command: [a]}, within: 5m", Action("shell", {"command": ["a"], "within_s": 300.0})),
        ("flag.set: {flag: new-look, to: false}", Action("flag.set", {"flag": "new-look", "to": False})),
    ],
)  # fmt: skip
def test_a_step_is_its_verb_with_inputs_filled_in_and_times_in_seconds(
    tmp_path: Path, step: str, action: Action
) -> None:
    assert stages(tmp_path, step) == (Stage(action),)


def test_a_ramp_is_a_stage_for_each_share_and_nobody_loses_what_nobody_gets(tmp_path: Path) -> None:
    found = stages(tmp_path, "edge.weight: {to: $to, away_from: $from, ramp: [10, 100], hold: 20s}")
    assert [(one.action.args, one.hold_s) for one in found] == [
        ({"weights": {"east": 10, "west": 90}, "leaving": ["west"]}, 20.0),
        ({"weights": {"east": 100, "west": 0}, "leaving": ["west"]}, 20.0),
    ]
    (at_once,) = stages(tmp_path, "edge.weight: {to: $to, away_from: $from}")
    assert at_once.hold_s == 0
    assert at_once.action.args == {"weights": {"east": 100, "west": 0}, "leaving": ["west"]}


def test_the_mode_of_the_run_reaches_the_verbs_that_ask_for_it(tmp_path: Path) -> None:
    (found,) = stages(tmp_path, "pg.promote: {region: $to}", Mode.UNGRACEFUL)
    assert found.action.args == {"region": "east", "mode": "ungraceful"}


def test_an_approval_is_no_action_on_the_world(tmp_path: Path) -> None:
    assert stages(tmp_path, "approve: {expires: 1m}") == ()


def test_the_adapters_verbs_take_what_the_library_says(tmp_path: Path) -> None:
    """Their `access` reads the arguments, strictly, before it asks anybody: here nobody answers."""
    verbs = {
        **pytest.importorskip("keelwatch.adapters.haproxy").VERBS,
        **pytest.importorskip("keelwatch.adapters.postgres").VERBS,
        **pytest.importorskip("keelwatch.adapters.redis").VERBS,
    }
    file = tmp_path / "keelwatch.yaml"
    file.write_text(ESTATE)
    place = {"workspace": str(file), "environment": "shop"}
    seen = set()
    for runbook in library().values():
        for mode in Mode:
            for stage in (one for step in runbook.spec.steps for one in stages_of(step, VALUES, mode)):
                if stage.action.verb in verbs:
                    verb = verbs[stage.action.verb]
                    with pytest.raises(SourceError):
                        verb.access({**stage.action.args, **place})
                    with pytest.raises(UsageError):
                        verb.access({**stage.action.args, "strange": 1, **place})
                    assert verb.effect is CATALOGUE[stage.action.verb].effect, stage.action.verb
                    seen.add(stage.action.verb)
    assert {"edge.weight", "edge.drain", "edge.ready", "pg.fence", "pg.promote", "redis.promote"} <= seen


def test_the_catalogue_knows_the_adapters_verbs() -> None:
    """All but the one that only ever takes another back, to an address that no file names; and those that
    break things, which no runbook does."""
    from console.processes import TABLE
    from keelwatch.adapters import faults, host
    from probes.undo import VERBS as OF_JOURNEYS

    names = set(TABLE.verbs) - set(OF_JOURNEYS) - set(faults.VERBS) - set(host.VERBS)
    assert names - set(CATALOGUE) == {"redis.follow"}
    assert set(CATALOGUE) - names == BY_THE_RUN
    assert all(TABLE.verb(name).effect is CATALOGUE[name].effect for name in names & set(CATALOGUE))


def test_what_asks_for_the_moment_gets_it_when_it_is_done() -> None:
    """Customers who come later are left alone, however often it is asserted again."""
    found = at_moment(Action("sessions.revoke", {"accounts": ["c1"]}), 17.5)
    assert found.args == {"accounts": ["c1"], "begun_before": 17.5}
    assert at_moment(Action("edge.ready", {"region": "west"}), 17.5).args == {"region": "west"}


def test_the_invariants_are_those_of_the_policy() -> None:
    rules = {str(one) for one in pytest.importorskip("keelwatch.safety.invariants").Rule}
    from runbooks.words import RULES

    assert set(RULES) == rules - {"no-runbook-running"}  # which no runbook could ever keep
