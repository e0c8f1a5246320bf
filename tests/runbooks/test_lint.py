"""What a runbook should not do is found before the night it is needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keelwatch.workspace.workspace import load_workspace
from probes.lint import Severity
from runbooks.lint import WARNINGS, Known, known_names, lint, longest_time
from runbooks.load import examine
from runbooks.verbs.catalogue import CATALOGUE
from tests.runbooks.made import HEAD, LIBRARY, library, written

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "runbooks.md"
BUILT_IN = ROOT / "keelwatch" / "sandbox" / "keelwatch.yaml"
END = "done_when: {serving: [$from, $to]}\n"
TIDY = HEAD.replace("inputs:", "rehearse_every: 30d\ninputs:").replace(", word: {type: text}", "")


def found(folder: Path, steps: str, head: str = TIDY, known: Known | None = None) -> list[str]:
    """`line:column: rule` of each finding but that no rehearsal is on record; the first step is in line 8."""
    last = "  - {id: last, human: look}\n"
    told = lint([written(folder, f"{head}steps:\n{steps}{last}{END}")], None, known)
    assert all(one.severity is Severity.WARNING or one.rule.startswith("unknown") for one in told)
    return [f"{one.problem.line}:{one.problem.column}: {one.rule}" for one in told if one.rule != "rehearsal"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("  - {id: a, human: x}\n", []),
        ("  - {id: a, probe: {region: $to}}\n", ["8:10: no-within"]),
        ("  - {id: a, edge.ready: {region: $to}, within: 5s}\n", ["8:13: no-undo"]),
        (
            (
                "  - {id: a, pg.promote: {region: $to}, undo: none, within: 5s}\n"
                "  - {id: b, edge.ready: {region: $to}, within: 5s}\n"
            ),
            [],
        ),
        ("  - {id: a, shell: {command: [x]}, undo: none, within: 5s}\n", []),
        (
            (
                "  - {id: a, shell: {command: [x]}, undo: none, within: 5s}\n"
                "  - {id: b, edge.ready: {region: $to}, within: 5s}\n"
            ),
            ["8:13: opaque"],
        ),
        (
            (
                "  - {id: a, shell: {command: [x]}, undo: none, within: 5s}\n"
                "  - {id: b, human: did x work?}\n"
                "  - {id: c, edge.ready: {region: $to}, within: 5s}\n"
            ),
            [],
        ),
    ],
)
def test_steps_that_were_probably_not_meant_are_warned_of(
    tmp_path: Path, steps: str, said: list[str]
) -> None:
    assert found(tmp_path, steps) == said


def test_an_opaque_last_step_has_nobody_who_looks(tmp_path: Path) -> None:
    text = TIDY + "steps:\n  - {id: r, human: '$from $to'}\n  - {id: a, shell: {command: [x]}, within: 5s}\n"
    assert "opaque" in [one.rule for one in lint([written(tmp_path, text)], None, None)]


def test_limits_that_the_rto_has_no_room_for_are_warned_of(tmp_path: Path) -> None:
    steps = (
        "  - {id: a, probe: {region: $to}, within: 60s}\n"
        "  - {id: b, pg.lag: {region: $to}, within: 40s, parallel: x}\n"
        "  - {id: c, pg.lag: {region: $from}, within: 30s, parallel: x}\n"
    )
    for rto, said in (("99s", ["3:19: slower-than-rto"]), ("100s", [])):
        head = TIDY.replace("owner:", f"objectives: {{rto: {rto}}}\nowner:")
        assert found(tmp_path, steps, head) == said


def test_an_input_that_nothing_reads_is_warned_of(tmp_path: Path) -> None:
    head = HEAD.replace("inputs:", "rehearse_every: 30d\ninputs:")
    assert found(tmp_path, "", head) == ["6:52: unread-input"]


def test_a_runbook_nobody_means_to_rehearse_is_warned_of(tmp_path: Path) -> None:
    text = "runbook: one\ntitle: x\nowner: y\nlock: z\nsteps: [{id: a, human: x}]\n"
    text += "done_when: {serving: [west]}\n"
    (told,) = lint([written(tmp_path, text)], None, None)
    assert (told.rule, told.problem.line, told.problem.found) == (
        "rehearsal",
        1,
        "no `rehearse_every`",
    )


def test_a_runbook_that_does_not_say_when_it_is_done_is_warned_of(tmp_path: Path) -> None:
    text = TIDY + "steps: [{id: a, human: $from $to}]\n"
    told = [(one.rule, one.problem.line) for one in lint([written(tmp_path, text)], None, None)]
    assert ("no-done-when", 1) in told


def test_a_journey_or_objective_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    known = Known(frozenset({"log-in"}), frozenset({"login-latency"}))
    steps = (
        "  - {id: a, probe: {journeys: [log-in, log-on], region: $to}, within: 5s}\n"
        "  - {id: b, slo.hold: {objectives: [login-latencie]}, within: 5s}\n"
    )
    assert found(tmp_path, steps, known=known) == ["8:40: unknown-journey", "9:37: unknown-objective"]
    assert found(tmp_path, steps, known=Known(frozenset(), frozenset())) == []


def test_the_library_has_only_rehearsals_to_wait_for() -> None:
    workspace = load_workspace(BUILT_IN)
    runbooks, problems = examine(sorted(LIBRARY.glob("*.yaml")))
    assert problems == []
    known = known_names(workspace)
    assert {"log-in", "change-plan"} <= known.journeys
    assert "portal-availability" in known.objectives
    assert {one.rule for one in lint(runbooks, workspace, known)} == {"rehearsal"}


def test_a_failover_is_one_approval_and_no_work_by_hand() -> None:
    spec = library()["failover-region"].spec
    assert [step.action for step in spec.steps if step.action in {"approve", "human"}] == ["approve"]
    assert longest_time(spec) <= spec.objectives.rto  # type: ignore[union-attr]


def test_every_rule_is_in_the_manual() -> None:
    told = set(re.findall(r"^\| (?:error|warning) \| `([a-z-]+)` \|", MANUAL.read_text(), re.MULTILINE))
    rules = {rule for rule, _ in WARNINGS}
    assert told == rules | {
        "unknown-region",
        "unknown-journey",
        "unknown-objective",
        "rehearsal",
        "not-there",
        "no-access",
    }


def test_the_manual_has_every_action_and_what_kind_of_effect_it_has() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \|.*\| ([a-z-]*) ?\| ?(yes)? ?\|$", MANUAL.read_text(), re.MULTILINE)
    wanted = {
        verb: (entry.effect.value if entry.acts else "reads", "yes" if entry.has_previous else "")
        for verb, entry in CATALOGUE.items()
    }
    assert {verb: (effect, previous) for verb, effect, previous in rows} == {**wanted, "approve": ("", "")}


def test_the_example_of_the_manual_is_a_good_runbook(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    one = written(tmp_path, example)
    workspace = load_workspace(BUILT_IN)
    told = lint([one], workspace, known_names(workspace))
    assert {finding.rule for finding in told} == {"rehearsal"}


def test_a_rehearsal_that_is_fresh_passed_and_of_this_text_is_no_finding() -> None:
    (one, *_), _ = examine([LIBRARY / "failover-region.yaml"])
    assert [each.rule for each in lint([one], None, None, {"failover-region": ""})] == []
    (found,) = lint([one], None, None, {"failover-region": "stale, text changed since"})
    assert found.problem.found == "a rehearsal: stale, text changed since"
