"""`keelwatch demo`: the sandbox and the console on it, with one command."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

import click

from console.interrupt import terminated_as_interrupted
from console.options import as_json
from console.output import emit_json
from keelwatch.workspace import ExitCode, KeelwatchError, SystemClock, UsageError, narrate, write_out

if TYPE_CHECKING:
    from slo.snapshot import Snapshot

SANDBOX = "main"
BEGINS_AFTER_S = 10.0  # long enough to see the quiet before
TICK_S = 2.0
PAGES_AFTER_S = 52.0  # 1.44 % of an hour, when everything fails at 99.9 %
PAGE_WITHIN_S = PAGES_AFTER_S + 10.0  # scrapes, ticks, and customers who do not come evenly
SCENARIOS = {
    "bad-deploy": ("portal.errors", "100%", "west"),
    "slow-database": ("database.latency", "400ms", "west"),
    "cache-gone": ("cache.down", "on", "all"),
}


@click.command()
@click.option("--scenario", type=click.Choice(sorted(SCENARIOS)), help="Break something after 10 seconds.")
@click.option(
    "--headless", is_flag=True, help="No console: watch, report, stop the sandbox if it was not up."
)
@click.option("--for", "lasts", default=None, help="How long to watch, with --headless (default: 60s).")
@as_json
@click.pass_context
def demo(
    context: click.Context, scenario: str | None, lasts: str | None, *, headless: bool, json_wanted: bool
) -> None:
    """Start the sandbox and open the console on it.

    Leaving the console asks whether to stop the sandbox. With --headless the exit code is that of
    `status` at the end.
    """
    from console.commands.sandbox import seconds

    if (json_wanted or lasts) and not headless:
        raise UsageError("--json and --for go with --headless")
    lasts_s = seconds(lasts) if lasts is not None else 60.0
    if not lasts_s:
        raise UsageError("--for wants more than 0 s")
    started = _start()
    if not headless:
        given = context.find_root().obj or {}
        sys.exit(_with_console(scenario, given.get("theme"), ascii_only=bool(given.get("ascii_only"))))
    with terminated_as_interrupted():
        try:
            code = _watch(scenario, lasts_s, json_wanted=json_wanted)
        finally:
            _end(scenario, started=started)
    sys.exit(code)


def _start() -> bool:
    """Bring the sandbox up; True when it was not up before."""
    from console.commands.sandbox import bring_up
    from keelwatch.sandbox import lifecycle

    running = lifecycle.status(SANDBOX) is not None
    bring_up(SANDBOX)
    return not running


def _with_console(scenario: str | None, theme: str | None, *, ascii_only: bool) -> int:
    from console.tui.start import open_console
    from keelwatch.workspace.find import built_in

    if scenario:
        threading.Thread(target=_break_later, args=(scenario,), daemon=True).start()
    return open_console(str(built_in()), None, theme=theme, ascii_only=ascii_only, leaving=SANDBOX)


def _break_later(scenario: str) -> None:
    from console.changes import record_sandbox

    time.sleep(BEGINS_AFTER_S)
    try:
        _break(scenario)
    except KeelwatchError as error:  # the screen is Textual's now: the timeline tells it
        record_sandbox(f"{scenario} could not be set: {error.message}", SANDBOX)


def _break(scenario: str) -> None:
    from console.changes import record_sandbox
    from keelwatch.adapters import sandbox

    target, value, region = SCENARIOS[scenario]
    sandbox.set_fault(target, value, region=region, name=SANDBOX)
    record_sandbox(f"{scenario}: {target} {value} in {region}", SANDBOX)


def quiet_s(lasts_s: float) -> float:
    """How long all is well before the fault: ten seconds, but down to the first look where a page would come
    too late."""
    return min(BEGINS_AFTER_S, max(0.0, lasts_s - PAGE_WITHIN_S))


def _watch(scenario: str | None, lasts_s: float, *, json_wanted: bool) -> ExitCode:
    """Tick until the time is over; narrate what changes; report how it ended."""
    from console.commands.status import exit_code
    from console.feed import world_of
    from console.live_feed import LiveFeed
    from console.view.head import verdict_line
    from console.view.plain import overview_lines
    from keelwatch.workspace.find import built_in
    from slo.status import to_json

    feed = LiveFeed.open(built_in(), None)
    begins_after_s = quiet_s(lasts_s)
    began, broken, told = time.monotonic(), None, ""
    paged_after: float | None = None
    while True:
        elapsed = time.monotonic() - began
        look = feed.look()
        state, sentence = verdict_line(world_of(look, look.snapshot.at), 120)
        if state != told:
            narrate(f"{elapsed:5.1f}s  {sentence}")
            told = state
        if scenario and broken is None and elapsed >= begins_after_s:
            _break(scenario)
            broken = elapsed
            target, value, region = SCENARIOS[scenario]
            narrate(f"{elapsed:5.1f}s  {scenario}: {target} {value} in {region}")
        if broken is not None and paged_after is None and _pages(look.snapshot):
            paged_after = elapsed - broken
        if elapsed >= lasts_s:
            break
        time.sleep(min(TICK_S, max(0.0, lasts_s - (time.monotonic() - began))))
    if json_wanted:
        body = {"scenario": scenario, "watched_s": elapsed, "paged_after_s": paged_after}
        emit_json("demo", "sandbox", SystemClock().now(), {**body, "status": to_json(look.snapshot)})
    else:
        write_out("\n".join(overview_lines(world_of(look, look.snapshot.at))))
    return exit_code(look.snapshot)


def _pages(snapshot: Snapshot) -> bool:
    from slo.snapshot import State

    return any(one.state is State.PAGE for one in snapshot.objectives)


def _end(scenario: str | None, *, started: bool) -> None:
    """Leave things as they were: no fault of ours, and the sandbox down unless it was up before."""
    from console.commands.sandbox import take_down
    from keelwatch.adapters import sandbox

    if started:
        take_down(SANDBOX)
    elif scenario:
        sandbox.clear_faults(SCENARIOS[scenario][0], name=SANDBOX)
