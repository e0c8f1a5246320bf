"""`keelwatch doctor`: what works here, and how to mend the rest."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.options import as_json, in_environment
from console.output import emit_json
from keelwatch.workspace import ExitCode, KeelwatchError, SystemClock, worst, write_out

if TYPE_CHECKING:
    from console.places import Place

ROOM_BYTES = 200 * 1024 * 1024
SKEW_S = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor. `state` is ok, warn or bad; everything but ok has a remedy."""

    subject: str
    state: str
    said: str
    remedy: str = ""
    code: ExitCode = ExitCode.PASS


@click.command()
@in_environment
@as_json
def doctor(workspace: Path | None, environment: str | None, *, json_wanted: bool) -> None:
    """Say what works here, and how to mend the rest.

    Exit code: that of the worst finding; a warning is 0.
    """
    where = _place(workspace, environment)
    findings = list(examine(where))
    if json_wanted:
        told = [asdict(one) | {"code": int(one.code)} for one in findings]
        name = environment if isinstance(where, Finding) else where.name
        emit_json("doctor", name, SystemClock().now(), {"findings": told})
    else:
        for one in findings:
            write_out(f"{one.state:<5} {one.subject:<12} {one.said}")
            if one.remedy:
                write_out(f"      {'':<12}   try: {one.remedy}")
    sys.exit(worst([one.code for one in findings]))


def examine(where: Place | Finding) -> Iterable[Finding]:
    """`where` is the environment to look at, or what kept it from being found."""
    yield _python()
    yield _terminal()
    yield _attempt("state", _state, "set KEELWATCH_STATE to a folder of yours")
    yield _attempt("ledger", _ledger, "keelwatch audit verify")
    yield _attempt("left behind", _left_behind, "keelwatch heal --list")
    yield _attempt("servers", _servers, "install them: make setup")
    if isinstance(where, Finding):
        yield where
        return
    yield Finding("workspace", "ok", f"{where.workspace.file}, environment {where.name}")
    yield _attempt("objectives", lambda: _objectives(where), "keelwatch check")
    yield _attempt(
        "prometheus", lambda: _prometheus(where), f"look at `prometheus` of {where.name} in keelwatch.yaml"
    )


def _attempt(subject: str, look: Callable[[], Finding], remedy: str) -> Finding:
    """`remedy` is what to try where the error itself names nothing."""
    try:
        return look()
    except KeelwatchError as error:
        return Finding(subject, "bad", error.message, error.hint or remedy, error.exit_code)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "ok", f"{version} at {sys.executable}")


def _terminal() -> Finding:
    term, size = os.environ.get("TERM", ""), shutil.get_terminal_size()
    said = f"TERM={term or 'unset'}, {size.columns}x{size.lines}, {sys.stdout.encoding}"
    if not sys.stdout.isatty():
        return Finding("terminal", "ok", "none here (not a terminal); `keelwatch` prints plain text")
    if term in {"", "dumb"}:
        return Finding(
            "terminal", "warn", said, "export TERM=xterm-256color; until then plain text is printed"
        )
    if size.columns < 80 or size.lines < 24:
        return Finding("terminal", "warn", said, "make the window at least 80x24")
    if "utf" not in sys.stdout.encoding.lower():
        return Finding("terminal", "warn", said, "export LANG=C.UTF-8, or use keelwatch --ascii")
    return Finding("terminal", "ok", said)


def _state() -> Finding:
    from keelwatch.workspace import state_dir

    folder = state_dir()
    free = shutil.disk_usage(folder).free
    said = f"{folder}, {free // 1024 // 1024} MiB free"
    if not os.access(folder, os.W_OK):
        return Finding("state", "bad", f"{folder} cannot be written", "set KEELWATCH_STATE", ExitCode.SOURCE)
    if free < ROOM_BYTES:
        return Finding(
            "state", "warn", said, "free some space: a run does not act when its intent cannot be kept"
        )
    return Finding("state", "ok", said)


def _ledger() -> Finding:
    from keelwatch import ledger

    with closing(ledger.open_ledger(access=ledger.Access.READ)) as store:
        report = ledger.verify(store)
    if report.flaw:
        said = f"broken at fact {report.flaw.seq}: {report.flaw.why}"
        return Finding(
            "ledger", "bad", said, "keep a copy, and compare with an anchor kept elsewhere", ExitCode.FAIL
        )
    return Finding("ledger", "ok", f"{report.count} facts verified")


def _left_behind() -> Finding:
    from keelwatch import ledger, runs

    with closing(ledger.open_ledger(access=ledger.Access.READ)) as store:
        owed = [one for one in runs.list_open(store) if one.needs_heal]
    if owed:
        said = f"{len(owed)} undos that nobody takes care of"
        return Finding("left behind", "bad", said, "keelwatch heal", ExitCode.LEFT_BEHIND)
    return Finding("left behind", "ok", "nothing")


def _servers() -> Finding:
    """Only the sandbox needs them: without it their absence is a warning."""
    from keelwatch.sandbox.find_servers import find_servers

    try:
        found = find_servers()
    except KeelwatchError as error:
        return Finding("servers", "warn", error.message, error.hint)
    return Finding(
        "servers", "ok", f"PostgreSQL {found.postgres_version}, Redis, HAProxy, Prometheus, promtool"
    )


def _place(workspace: Path | None, environment: str | None) -> Place | Finding:
    from console.places import place

    try:
        return place(workspace, environment)
    except KeelwatchError as error:
        return Finding("workspace", "bad", error.message, error.hint or "keelwatch check", error.exit_code)


def _objectives(where: Place) -> Finding:
    from slo.load import load_folder

    count = len(load_folder(where.workspace.folders["slo"]))
    if not count:
        return Finding("objectives", "warn", "none", f"write one into {where.workspace.folders['slo']}")
    return Finding("objectives", "ok", f"{count} specs")


def _prometheus(where: Place) -> Finding:
    """Reachable, how quick, and whether its clock agrees with ours."""
    import time

    from keelwatch.adapters.prometheus import Prometheus
    from slo.source import find_source

    source = Prometheus(find_source(where.environment, where.workspace.root).config)
    began, now = time.monotonic(), SystemClock().now()
    try:
        answer = source.query("vector(1)", now)
    finally:
        source.close()
    took_ms = (time.monotonic() - began) * 1000
    said = f"{source.shown} answers in {took_ms:.0f} ms"
    if answer.ahead_s is not None and abs(answer.ahead_s) > SKEW_S:
        return Finding(
            "prometheus", "warn", f"{said}; its clock is {answer.ahead_s:+.0f} s off ours", "mend NTP"
        )
    return Finding("prometheus", "ok", said)
