"""`keelwatch sandbox`: a world to practise on."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

import click

from console.options import as_json
from console.output import emit_json
from keelwatch.workspace import ExitCode, SourceError, SystemClock, UsageError, narrate, write_out

if TYPE_CHECKING:
    from keelwatch.adapters.sandbox import SandboxFault, SandboxStatus

READINGS_WITHIN_S = 30.0
named = click.option("--name", default="main", show_default=True, help="Which sandbox.")


@click.command()
@named
@click.option(
    "--base-port", type=int, help="First of its 200 ports (default: 17000, or the next free block)."
)
def up(name: str, base_port: int | None) -> None:
    """Start the sandbox and wait until it has readings.

    Returns when every objective on real traffic reads a value. Starting a running sandbox changes nothing.
    """
    bring_up(name, base_port)


def bring_up(name: str, base_port: int | None = None) -> None:
    """Start sandbox `name` unless it runs, and wait for its readings; narrates what happens."""
    from console.changes import record_sandbox
    from keelwatch.sandbox import lifecycle

    if (running := lifecycle.status(name)) is not None:
        await_readings(name, READINGS_WITHIN_S)
        narrate(f"the sandbox {name} is running already: {running.urls['edge']}")
        return
    began = time.monotonic()
    options = lifecycle.Options(base_port=base_port) if base_port is not None else None
    found = lifecycle.up(name, options, on_step=lambda step: narrate(f"  {step}"))
    try:
        await_readings(name, READINGS_WITHIN_S)
    except BaseException:  # Ctrl-C too: what this call started does not stay behind half ready
        lifecycle.down(name)
        raise
    record_sandbox("sandbox up", name)
    narrate(f"the sandbox {name} is ready after {time.monotonic() - began:.1f} s: {found.urls['edge']}")


def await_readings(name: str, within_s: float) -> None:
    """Until every objective on real traffic of the built-in workspace reads a value in every window.

    Raises `SourceError` naming one that does not.
    """
    from console.live_feed import LiveFeed
    from console.places import Place
    from keelwatch.workspace.find import built_in
    from keelwatch.workspace.workspace import load_workspace
    from slo.snapshot import State

    workspace = load_workspace(built_in())
    environment_name, environment = workspace.environment(None)
    feed = LiveFeed(Place(workspace, environment_name, environment.model_copy(update={"sandbox": name})))
    deadline = time.monotonic() + within_s
    while True:
        snapshot = feed.look().snapshot
        missing = [one for one in snapshot.objectives if one.stratum == "real" and one.state is State.UNKNOWN]
        if snapshot.objectives and not missing:
            return
        if time.monotonic() > deadline:
            reason = missing[0].unknown_reason if missing else "no objectives"
            raise SourceError(f"the sandbox runs, but has no readings after {within_s:g} s: {reason}")
        time.sleep(0.25)


@click.command()
@named
@as_json
def status(name: str, *, json_wanted: bool) -> None:
    """Show the sandbox's parts and faults.

    Exit code 5 when it is not running.
    """
    from keelwatch.adapters import sandbox

    found = sandbox.status(name)
    if json_wanted:
        emit_json("sandbox-status", "sandbox", SystemClock().now(), _status_json(found))
        return
    for line in _status_lines(found):
        write_out(line)


def _status_json(found: SandboxStatus) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(found), "urls": dict(found.urls)}


def _status_lines(found: SandboxStatus) -> list[str]:
    lines = [f"sandbox {found.name}: {found.state}"]
    lines += [f"  {name:<18}{url}" for name, url in found.urls.items()]
    for one in found.servers:
        where, pid = one.region or "both", one.pid or "--"
        lines += [f"  {one.name:<18}{where:<6}{one.state:<10}{pid!s:>8}  restarts {one.restarts}"]
    return [*lines, *[f"  fault  {told(fault)}" for fault in found.faults]]


@click.command()
@named
def down(name: str) -> None:
    """Stop the sandbox; nothing of it stays behind."""
    take_down(name)


def take_down(name: str) -> None:
    from console.changes import record_sandbox
    from keelwatch.sandbox import lifecycle

    require_operator_of_sandbox("stopping the sandbox")
    if lifecycle.down(name):
        record_sandbox("sandbox down", name)
        narrate(f"the sandbox {name} is down")
    else:
        narrate(f"the sandbox {name} was not running")


@click.command()
@click.argument("target")
@click.argument("value", required=False)
@click.option("--region", default="all", show_default=True, help="west, east or all.")
@click.option("--for", "lasts", help="How long, like 90s or 5m (default: 5m); it ends by itself.")
@named
def fault(target: str, value: str | None, region: str, lasts: str | None, name: str) -> None:
    """Break a component on purpose, or heal it.

    \b
    keelwatch sandbox fault billing.errors 100% --region east --for 5m
    keelwatch sandbox fault list
    keelwatch sandbox fault clear            (or: clear billing, clear billing.errors)
    """
    from keelwatch.adapters import sandbox

    if target != "list":
        require_operator_of_sandbox("a fault")
    if target == "list" and value is not None:
        raise UsageError(f"fault list takes no {value!r}")
    match target:
        case "list":
            faults = sandbox.faults(name)
            for one in faults:
                write_out(told(one))
            if not faults:
                write_out("no fault is on")
        case "clear":
            _clear(value, name)
        case _:
            _set(target, value, region, lasts, name)
    sys.exit(ExitCode.PASS)


def _clear(target: str | None, name: str) -> None:
    from console.changes import record_sandbox
    from keelwatch.adapters import sandbox

    cleared = sandbox.clear_faults(target, name=name)
    for one in cleared:
        record_sandbox(f"cleared fault {one.target} in {one.region or 'all regions'}", name)
        write_out(f"cleared {told(one)}")
    if not cleared:
        write_out("there was nothing to clear")


def _set(target: str, value: str | None, region: str, lasts: str | None, name: str) -> None:
    from console.changes import record_sandbox
    from keelwatch.adapters import sandbox

    if value is None:
        raise UsageError(f"{target}: how much?", "a share like 100%, a delay like 300ms, or on")
    set_fault = sandbox.set_fault(target, value, region=region, for_s=seconds(lasts), name=name)
    where = set_fault.region or "all regions"
    record_sandbox(f"fault {set_fault.target} {value} in {where}", name)
    write_out(told(set_fault))


def require_operator_of_sandbox(deed: str) -> None:
    """Raises `Refused` for a login that the sandbox's policy makes a viewer or approver."""
    from console.user import login_name
    from keelwatch.safety import require_operator
    from keelwatch.workspace.find import built_in
    from keelwatch.workspace.workspace import load_workspace

    _, environment = load_workspace(built_in()).environment(None)
    require_operator(environment.policy, login_name(), deed)


def seconds(text: str | None) -> float | None:
    """`90s`, `5m`, `1h30m` as seconds."""
    if text is None:
        return None
    from keelwatch.workspace.reader import parse_duration

    try:
        return parse_duration(text).total_seconds()
    except ValueError:
        raise UsageError(f"{text!r} is not a duration", "like 90s, 5m or 1h30m") from None


def told(one: SandboxFault) -> str:
    """`billing.errors 100% in east, ends in 4m59s`."""
    from console.view.numbers import length, percent

    match one.kind:
        case "errors":
            amount = percent(one.amount, 0)
        case "latency":
            amount = re.sub(r"\.0+ms$", "ms", f"{one.amount * 1000:.1f}ms")
        case _:
            amount = "on"
    return (
        f"{one.target} {amount} in {one.region or 'all regions'}, ends in {length(one.until - time.time())}"
    )
