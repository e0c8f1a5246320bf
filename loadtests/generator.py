"""Locust as a child of the run: its command line, its end, and whether it is still alive."""

from __future__ import annotations

import re
import signal
import socket
import sys
from collections.abc import Collection
from pathlib import Path

from keelwatch.runs import Child, Run
from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.sink import redact
from loadtests import worker
from loadtests.locustfile import NO_USERS, SAME_NAME
from loadtests.plan import VARIABLE, Plan, write_plan

LOOPBACK = "127.0.0.1"
LOG = "locust.log"
ERROR = re.compile(
    r"\[.*?\] \S+/(?:ERROR|CRITICAL)/\S+: (?P<told>.+)"
    r"|(?P<twice>Duplicate (?:shape|user) class.*)"
    r"|(?P<raised>[A-Za-z_][\w.]*(?:Error|Exception|Exit)\b.*)"
)
"""A line of Locust's log that tells of one, or the last line of a traceback."""
NO_USER, TWICE = "No User class found", "Duplicate "
LAST_WORDS_S = 2
"""Locust's --stop-timeout: how long a stopped load waits for those in flight."""
GRACE_S = 10.0
HASTE_S = 1.5
"""The same where a generator is lost: what the others would still tell changes nothing."""


def start(run: Run, plan: Plan, keep: Collection[str]) -> Child:
    """`keep` names the variables it gets of our environment. Raises `SourceError`. Call it from the main
    thread."""
    folder = Path(plan.folder)
    plan_file = folder / "plan.json"
    write_plan(plan_file, plan)
    try:
        log = (folder / LOG).open("ab")
    except OSError as error:
        raise SourceError(f"cannot write Locust's log: {error.strerror}", "free some space") from None
    with log:
        return run.spawn_child(
            command(plan),
            env={VARIABLE: str(plan_file), "PYTHONUNBUFFERED": "1"},
            stdout=log,
            stderr=log,
            cwd=folder,
            keep=keep,
        )


def stop(child: Child, *, hastily: bool = False) -> int:
    """One interrupt, which lets Locust write what it knows; then the whole group."""
    return child.stop(signal.SIGINT, HASTE_S if hastily else GRACE_S)


def last_words(folder: Path) -> str:
    """The last error of a generator's log, and where the rest of it is."""
    log = folder / LOG
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        return f"its log cannot be read: {error.strerror} ({log})"
    found = [
        match["told"] or match["twice"] or match["raised"] for line in lines if (match := ERROR.match(line))
    ]
    return redact(f"{found[-1] if found else 'it said nothing of why'} (log: {log})")


def unfit_by(words: str) -> str:
    """What of a generator's last words is the locustfile's own doing; empty where nothing is."""
    if NO_USER in words:
        return NO_USERS
    return f"{SAME_NAME}: {words}" if words.startswith(TWICE) else ""


def command(plan: Plan) -> list[str]:
    """Everything that could come from a file or a variable is said here: Locust reads both."""
    ours = Path(worker.__file__).with_name("plugin.py")
    files = ",".join([str(ours), *([plan.locustfile] if plan.locustfile else [])])
    words = [sys.executable, "-P", "-m", "loadtests.worker", "-f", files, "--headless", "--only-summary"]
    words += ["--host", plan.host, "--stop-timeout", str(LAST_WORDS_S), "--exit-code-on-error", "0"]
    words += ["--loglevel", "INFO", "--json-file", "locust"]
    if plan.is_open:
        words += ["-u", str(plan.processes), "-r", str(plan.processes), "Arrivals"]
    if plan.processes > 1:
        port = str(_free_port())
        words += ["--processes", str(plan.processes), "--master-bind-host", LOOPBACK]
        words += ["--master-bind-port", port, "--master-host", LOOPBACK, "--master-port", port]
    return words


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
