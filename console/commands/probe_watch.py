"""`keelwatch probe watch`: journeys on their schedules, for ever, with metrics."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.commands.probe_run import allow, start
from console.commands.runs import ledger
from console.options import as_json, in_environment
from console.output import emit_json
from console.places import place
from console.view.run import glance_lines
from keelwatch.workspace import ExitCode, SystemClock, UsageError, narrate, worst, write_out

if TYPE_CHECKING:
    from keelwatch.ledger import LedgerStore
    from keelwatch.runs import Glance

PORT = 9108


@click.command("watch")
@in_environment
@click.option("--region", "regions", multiple=True, help="Only there (may be repeated).")
@click.option("--port", default=PORT, show_default=True, help="Of /metrics, on 127.0.0.1.")
@click.option("--shard", default="1/1", show_default=True, help="K/N: the K-th of N watchers.")
@click.option("--detach", is_flag=True, help="Start the run and leave.")
@click.option("--arm", is_flag=True, help="Where the environment's policy wants probes armed.")
@as_json
def watch(
    workspace: Path | None,
    environment: str | None,
    regions: tuple[str, ...],
    port: int,
    shard: str,
    *,
    detach: bool,
    arm: bool,
    json_wanted: bool,
) -> None:
    """Run journeys on their schedules and expose /metrics.

    Goes on in shifts, each a run of its own, until it is stopped: Ctrl-C, or keelwatch stop RUN. With --json
    the lines are narration, and which shifts there were is the document.
    """
    from keelwatch import runs as kernel
    from probes.watch import arguments

    where = place(workspace, environment)
    allow(where, arm=arm)
    args = arguments(where.workspace.file, regions=regions, port=port, shard=_shard(shard))
    with ledger(to_write=True) as store:
        shifts = [start(store, where, "watch", args)]
        code = ExitCode.PASS
        while not detach:
            narrate(f"following {shifts[-1]}")
            show = _narrated if json_wanted else _shown
            end, last = kernel.attend(store, shifts[-1], show, may_ask=False)
            code = worst([code, last])
            successor = _successor(store, shifts[-1]) if end is kernel.FollowEnd.OVER else None
            if successor is None:
                break
            shifts.append(successor)
    if json_wanted:
        body = {"runs": shifts, "metrics": f"http://127.0.0.1:{port}/metrics", "exit": int(code)}
        emit_json("probe-watch", where.name, SystemClock().now(), body)
    elif detach:
        write_out(shifts[0])
    sys.exit(code)


def _shown(glance: Glance) -> None:
    for line in _lines(glance):
        write_out(line)


def _narrated(glance: Glance) -> None:
    for line in _lines(glance):
        narrate(line)


def _lines(glance: Glance) -> list[str]:
    """What the run says and how executions ended; its facts are for `attach`."""
    from keelwatch.runs import StreamLine

    told = tuple(item for item in glance.items if isinstance(item, StreamLine))
    return glance_lines(replace(glance, items=told))


def _successor(store: LedgerStore, run: str) -> str | None:
    """The run that a shift handed over to."""
    from keelwatch.ledger import FactKind

    notes = store.after(0, run=run, kinds=(FactKind.NOTE,))
    return next((str(fact.body["to"]) for fact in notes if fact.event == "handed-over"), None)


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(f"{text!r} is no shard", "K/N, like 1/3: the first of three watchers")
    return int(found[1]), int(found[2])
