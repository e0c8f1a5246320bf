"""`keelwatch runbook rehearse`: the same file, in a sandbox of its own, with everything going wrong."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.commands.runs import ledger
from console.options import as_json, in_environment
from console.output import emit_json
from console.places import place
from keelwatch.workspace import ExitCode, SystemClock, UsageError, narrate, write_out

if TYPE_CHECKING:
    from console.rehearsal import Outcome


@click.command("rehearse")
@click.argument("name")
@in_environment
@click.option(
    "--crash-points",
    default="6",
    show_default=True,
    metavar="N|all",
    help="How many boundaries to kill it at.",
)
@click.option("--approve-as", default="second", show_default=True, metavar="NAME", help="Who says yes.")
@as_json
def rehearse(
    name: str,
    workspace: Path | None,
    environment: str | None,
    crash_points: str,
    approve_as: str,
    *,
    json_wanted: bool,
) -> None:
    """Rehearse a runbook in a fresh sandbox.

    Its run is killed at boundaries of its journal and resumed; what fails over is also tried with the regions
    cut off from each other, and with the primary dead. Prints `passes N of N`; exit code 1 when a case fails.
    """
    from console.interrupt import terminated_as_interrupted
    from console.rehearsal import Stage, record
    from console.rehearsal import rehearse as carry_out
    from console.roles import allow
    from console.runbooks import named

    if crash_points != "all" and (not crash_points.isdigit() or int(crash_points) == 0):
        raise UsageError(f"--crash-points {crash_points!r} is no number of kills", "1 or more, or all")
    where = place(workspace, environment)
    if where.environment.source != "sandbox":
        raise UsageError(
            f"{where.name} is no sandbox", "--env sandbox: it is rehearsed where nothing is lost"
        )
    allow(where, "runbook", arm=True)
    runbook = named(where.workspace, name)
    sha = hashlib.sha256(runbook.file.read_bytes()).hexdigest()
    with ledger(to_write=True) as store, terminated_as_interrupted():
        stage = Stage(where, name, approve_as, store)
        wanted = None if crash_points == "all" else int(crash_points)
        outcomes = carry_out(stage, wanted, _tell)
        record(stage, outcomes, sha)
    passes = sum(one.passed for one in outcomes)
    if json_wanted:
        body = {
            "runbook": name,
            "passes": passes,
            "of": len(outcomes),
            "cases": [_json(one) for one in outcomes],
        }
        emit_json("runbook-rehearse", where.name, SystemClock().now(), body)
    else:
        write_out(f"{name} passes {passes} of {len(outcomes)}")
    sys.exit(ExitCode.PASS if passes == len(outcomes) else ExitCode.FAIL)


def _tell(one: Outcome, total: int) -> None:
    words = one.words if one.passed else f"FAILED: {one.flaw}"
    narrate(f"  {one.case.name:<34} {one.took_s:5.1f} s  {words}  (of {total})")


def _json(one: Outcome) -> dict[str, object]:
    return {
        "case": one.case.name,
        "passed": one.passed,
        "flaw": one.flaw or None,
        "words": one.words,
        "took_s": one.took_s,
    }
