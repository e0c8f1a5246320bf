"""`keelwatch sandbox`: a world to practise on."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from console.interrupt import terminated_as_interrupted
from console.options import as_json
from console.output import emit_json
from keelwatch.workspace import SystemClock, UsageError, narrate, write_out

if TYPE_CHECKING:
    from console.watching import Watch
    from keelwatch.adapters.sandbox import SandboxFault, SandboxStatus
    from keelwatch.sandbox.endpoints import Endpoints

READINGS_WITHIN_S = 30.0
named = click.option("--name", default="main", show_default=True, help="Which sandbox.")


@click.command()
@named
@click.option(
    "--base-port", type=int, help="First of its 200 ports (default: 17000, or the next free block)."
)
@as_json
def up(name: str, base_port: int | None, *, json_wanted: bool) -> None:
    """Start the sandbox and wait until it has readings.

    Returns when every objective on real traffic reads a value. Starting a running sandbox changes nothing.
    """
    require_operator_of_sandbox("starting the sandbox")
    raised = bring_up(name, base_port)
    if json_wanted:
        emit_json("sandbox-up", "sandbox", SystemClock().now(), asdict(raised))


@dataclass(frozen=True, slots=True)
class Raised:
    """A sandbox that is up and has readings; history before `backfill_until` (Unix s) is backfilled."""

    name: str
    id: str
    was_running: bool
    ready_after_s: float
    backfill_until: float
    urls: dict[str, str]


def bring_up(name: str, base_port: int | None = None) -> Raised:
    """Start sandbox `name` unless it runs, and wait for its readings; narrates what happens."""
    from console.changes import record_sandbox
    from console.readings import await_readings, feed_of, history_read_meanwhile
    from console.watching import start_watch, stop_watch
    from keelwatch.sandbox import lifecycle

    began = time.monotonic()
    if (running := lifecycle.status(name)) is not None:
        start_watch(running)
        await_readings(feed_of(name), name, READINGS_WITHIN_S)
        narrate(f"the sandbox {name} is running already: {running.urls['edge']}")
        return _raised(running, began, was_running=True)
    options = lifecycle.Options(base_port=base_port) if base_port is not None else None
    with terminated_as_interrupted():
        with history_read_meanwhile(name) as feed_on_it:
            found = lifecycle.up(name, options, on_step=lambda step: narrate(f"  {step}"))
        try:
            start_watch(found)
            await_readings(feed_on_it(), name, READINGS_WITHIN_S)
        except BaseException:  # Ctrl-C too: what this call started does not stay behind half ready
            stop_watch(name)
            lifecycle.down(name)
            raise
    record_sandbox("sandbox up", name)
    raised = _raised(found, began, was_running=False)
    narrate(f"the sandbox {name} is ready after {raised.ready_after_s:.1f} s: {found.urls['edge']}")
    return raised


def _raised(found: Endpoints, began: float, *, was_running: bool) -> Raised:
    took_s = time.monotonic() - began
    return Raised(found.name, found.id, was_running, took_s, found.backfill_until, dict(found.urls))


@click.command()
@named
@as_json
def status(name: str, *, json_wanted: bool) -> None:
    """Show the sandbox's parts, faults and flags.

    Exit code 5 when it is not running.
    """
    from console.watching import watch_of
    from keelwatch.adapters import sandbox

    found, watch = sandbox.status(name), watch_of(name)
    if json_wanted:
        emit_json("sandbox-status", "sandbox", SystemClock().now(), _status_json(found, watch))
        return
    for line in status_lines(found, watch):
        write_out(line)


def _status_json(found: SandboxStatus, watch: Watch) -> dict[str, object]:
    faults = [fault_json(one) for one in found.faults]
    flags = {flag: dict(values) for flag, values in found.flags.items()}
    told = {"urls": dict(found.urls), "faults": faults, "flags": flags, "watch": asdict(watch)}
    return {**asdict(found), **told}


def status_lines(found: SandboxStatus, watch: Watch) -> list[str]:
    """Its addresses, its processes, who watches its journeys, and its faults."""
    lines = [f"sandbox {found.name}: {found.state}"]
    lines += [f"  {name:<18}{_address(name, url, watch)}" for name, url in found.urls.items()]
    for one in found.servers:
        where, pid = one.region or "both", one.pid or "--"
        lines += [f"  {one.name:<18}{where:<6}{one.state:<10}{pid!s:>8}  restarts {one.restarts}"]
    lines.append(f"  {'watch':<18}{_watching(found.name, watch)}")
    for flag, values in found.flags.items():
        where = ", ".join(f"{region} {'on' if value else 'off'}" for region, value in values.items())
        lines += [f"  flag   {flag:<18}{where}"]
    return [*lines, *[f"  fault  {told(fault)}" for fault in found.faults]]


def _address(name: str, url: str, watch: Watch) -> str:
    """The address of the probes is served by whoever watches."""
    return f"{url}  (nobody answers there)" if (name, watch.state) == ("probes", "not running") else url


def _watching(sandbox: str, watch: Watch) -> str:
    from console.watching import remedy

    match watch.state:
        case "running":
            return f"{'':<6}{watch.state:<10}{watch.pid!s:>8}  {watch.run}"
        case "not running":
            return f"{'':<6}{watch.state}, the journeys are not watched: {remedy(sandbox)}"
        case _:
            return f"{'':<6}{watch.state}"


@click.command()
@named
@as_json
def down(name: str, *, json_wanted: bool) -> None:
    """Stop the sandbox; nothing of it stays behind."""
    began = time.monotonic()
    was_running = take_down(name)
    if json_wanted:
        body = {"name": name, "was_running": was_running, "down_after_s": time.monotonic() - began}
        emit_json("sandbox-down", "sandbox", SystemClock().now(), body)


def take_down(name: str) -> bool:
    """Stop sandbox `name`; True when it was running. Narrates what happens."""
    from console.changes import record_sandbox
    from console.watching import stop_watch
    from keelwatch.sandbox import lifecycle

    require_operator_of_sandbox("stopping the sandbox")
    stop_watch(name)
    was_running = lifecycle.down(name)
    if was_running:
        record_sandbox("sandbox down", name)
    narrate(f"the sandbox {name} {'is down' if was_running else 'was not running'}")
    return was_running


@click.command()
@click.argument("target")
@click.argument("value", required=False)
@click.option("--region", default="all", show_default=True, help="west, east or all.")
@click.option("--for", "lasts", help="How long, like 90s or 5m (default: 5m); it ends by itself.")
@named
@as_json
def fault(
    target: str, value: str | None, region: str, lasts: str | None, name: str, *, json_wanted: bool
) -> None:
    """Break a component on purpose, or heal it.

    \b
    keelwatch sandbox fault billing.errors 100% --region east --for 5m
    keelwatch sandbox fault list
    keelwatch sandbox fault clear            (or: clear billing, clear billing.errors)
    keelwatch sandbox fault clear billing.errors --region east
    """
    if target != "list":
        require_operator_of_sandbox("a fault")
    match target:
        case "list":
            deed, faults = "list", _list(value, name)
        case "clear":
            deed, faults = "clear", _clear(in_region(value, region), name)
        case _:
            deed, faults = "set", (_set(target, value, region, lasts, name),)
    if json_wanted:
        body = {"name": name, "deed": deed, "faults": [fault_json(one) for one in faults]}
        emit_json("sandbox-fault", "sandbox", SystemClock().now(), body)
        return
    for one in faults:
        write_out(f"cleared {told(one)}" if deed == "clear" else told(one))
    if not faults:
        write_out("no fault is on" if deed == "list" else "there was nothing to clear")


def in_region(fault: str | None, region: str) -> str | None:
    """What is to be cleared, as the sandbox calls it: `billing.errors@east`."""
    if region == "all" or (fault is not None and "@" in fault):
        return fault
    if fault is None or "." not in fault:
        raise UsageError(f"which fault in {region}?", f"clear billing.errors --region {region}")
    return f"{fault}@{region}"


def _list(value: str | None, name: str) -> tuple[SandboxFault, ...]:
    from keelwatch.adapters import sandbox

    if value is not None:
        raise UsageError(f"fault list takes no {value!r}")
    return sandbox.faults(name)


def _clear(target: str | None, name: str) -> tuple[SandboxFault, ...]:
    from console.changes import record_sandbox
    from keelwatch.adapters import sandbox

    cleared = sandbox.clear_faults(target, name=name)
    for one in cleared:
        record_sandbox(f"cleared fault {one.target} in {one.region or 'all regions'}", name)
    return cleared


def _set(target: str, value: str | None, region: str, lasts: str | None, name: str) -> SandboxFault:
    from console.changes import record_sandbox
    from keelwatch.adapters import sandbox

    if value is None:
        raise UsageError(f"{target}: how much?", "a share like 100%, a delay like 300ms, or on")
    set_fault = sandbox.set_fault(target, value, region=region, for_s=seconds(lasts), name=name)
    where = set_fault.region or "all regions"
    record_sandbox(f"fault {set_fault.target} {value} in {where}", name)
    return set_fault


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


def fault_json(one: SandboxFault) -> dict[str, object]:
    """`amount` as the sandbox keeps it; `share` (0..1) and `latency_s` are null for other kinds."""
    return asdict(one) | {
        "target": one.target,
        "share": one.amount if one.kind == "errors" else None,
        "latency_s": one.amount if one.kind in {"latency", "slow-body"} else None,
        "ends_in_s": max(0.0, one.until - time.time()),
    }


def told(one: SandboxFault) -> str:
    """`billing.errors 100% in east, ends in 4m59s`."""
    from console.view.numbers import length

    match one.kind:
        case "errors":
            amount = f"{one.amount * 100:.4g}%"
        case "latency" | "slow-body":
            amount = re.sub(r"\.0+ms$", "ms", f"{one.amount * 1000:.1f}ms")
        case _:
            amount = "on"
    return (
        f"{one.target} {amount} in {one.region or 'all regions'}, ends in {length(one.until - time.time())}"
    )
