"""What an experiment is worth, whatever the tool's exit code says."""

from __future__ import annotations

import pytest

from chaos.verdict import Answers, Seen, judge
from keelwatch.workspace.errors import ExitCode

MET, MISSED, DARK = (
    Answers(met=1),
    Answers(met=2, missed=1, first="log in"),
    Answers(unknown=1, first="log in"),
)
WHOLE = {"ended": True, "before": MET, "after": MET, "reached": True}


@pytest.mark.parametrize(
    ("seen", "verdict", "code"),
    [
        ({}, "pass: hypothesis-held", ExitCode.PASS),
        ({"after": MISSED}, "fail: hypothesis-deviated: log in (after the method)", ExitCode.FAIL),
        ({"during": MISSED}, "fail: hypothesis-deviated: log in (during the method)", ExitCode.FAIL),
        ({"before": MISSED}, "invalid: baseline-not-met: log in", ExitCode.UNKNOWN),
        ({"before": DARK}, "invalid: baseline-not-met: log in", ExitCode.UNKNOWN),
        ({"after": DARK}, "inconclusive: hypothesis-unknown: log in", ExitCode.UNKNOWN),
        (
            {"every_s": 5.0, "method_s": 20.0},
            "inconclusive: hypothesis-not-asked: nobody was asked during a method of 20 s",
            ExitCode.UNKNOWN,
        ),
        ({"every_s": 5.0, "method_s": 20.0, "during": MET}, "pass: hypothesis-held", ExitCode.PASS),
        ({"every_s": 5.0, "method_s": 2.0}, "pass: hypothesis-held", ExitCode.PASS),
        ({"reached": False}, "invalid: fault-never-reached-traffic", ExitCode.UNKNOWN),
        ({"actions": ("cut: no",)}, "invalid: action-failed: cut: no", ExitCode.UNKNOWN),
        ({"actions": ("cut: no",), "after": MISSED}, "invalid: action-failed: cut: no", ExitCode.UNKNOWN),
        ({"crashed": "gate: KeyError"}, "invalid: control-crashed: gate: KeyError", ExitCode.UNKNOWN),
        ({"died": "frozen"}, "invalid: tool-died: frozen", ExitCode.UNKNOWN),
        ({"load": "it died"}, "invalid: load: it died", ExitCode.UNKNOWN),
        ({"probes": ("look: no",)}, "inconclusive: probe-failed: look: no", ExitCode.UNKNOWN),
        ({"out_of_bounds": "west"}, "invalid: out-of-bounds: west", ExitCode.REFUSED),
        ({"gate": "approval"}, "inconclusive: control-interrupted: approval", ExitCode.STOPPED),
        ({"ended": False, "interrupted": "SIGTERM"}, "inconclusive: interrupted: SIGTERM", ExitCode.STOPPED),
        (
            {"rollbacks": ("mend: no",)},
            "pass: hypothesis-held; rollback-failed: mend: no",
            ExitCode.LEFT_BEHIND,
        ),
    ],
)
def test_what_was_seen_decides(seen: dict[str, object], verdict: str, code: ExitCode) -> None:
    found = judge(Seen(**{**WHOLE, **seen}))  # type: ignore[arg-type]  # a table of fields
    assert (str(found), found.exit_code) == (verdict, code)


def test_nothing_asked_of_customers_is_never_a_pass() -> None:
    found = judge(Seen(ended=True, reached=True))
    assert str(found).startswith("inconclusive: no-steady-state-hypothesis")


def test_nobody_said_how_it_shows_is_never_a_pass() -> None:
    found = judge(Seen(ended=True, before=MET, after=MET))
    assert str(found).startswith("inconclusive: reach-unproven")


def test_a_guard_that_tripped_comes_before_what_was_found() -> None:
    found = judge(Seen(ended=False, before=MET, during=MISSED), trip="20x (must hold: burn)")
    assert (str(found), found.exit_code) == (
        "inconclusive: guard-tripped: 20x (must hold: burn)",
        ExitCode.STOPPED,
    )


def test_what_is_left_behind_presses_most() -> None:
    found = judge(Seen(rollbacks=("mend: no",)), stopped="SIGTERM")
    assert found.exit_code is ExitCode.LEFT_BEHIND
