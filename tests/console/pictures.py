"""Take the pictures of `docs/screens` from the running sandbox: `python -m tests.console.pictures`, or only
those of loads (`load`), of experiments (`chaos`), or all others (`rest`).

Put a fault on first (`sandbox fault billing.errors 100% --region west`), and wait until `probe watch` has met
it; bring a run of `failover-region` to a question (`sandbox fault database.paused on --region east` before it
is approved). What is drawn is what the console shows at that moment.

Those of loads want one that has run for a minute (`load run portal-baseline --arm --detach`), with a fault on
that its guard bears (`sandbox fault identity.errors 1%`). Those of experiments want one that breaks something
at this moment (`chaos run billing-down --arm --detach`, once its method has begun).
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from textual.pilot import Pilot

from console.tui.app import WIDE
from console.tui.start import build
from keelwatch.workspace.find import built_in
from tests.console.screens import SIZES, screen_text, until

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
JOURNEY = "view-invoices"
SETTLE_S = 8.0  # long enough for a trend to show


async def take(size: tuple[int, int]) -> None:
    app = build(built_in(), None, theme="dark", ascii_only=False, leaving=None)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.live)
        await pilot.pause(SETTLE_S)
        _save(pilot, f"overview-{size[0]}x{size[1]}")
        await pilot.press("enter")
        await until(pilot, lambda: "-30d" in screen_text(app))
        await until(pilot, lambda: "asking ..." not in screen_text(app))
        _save(pilot, f"objective-{size[0]}x{size[1]}")
        if size[0] < WIDE:
            await pilot.press("tab")
            await until(pilot, lambda: "[REASONS]" in screen_text(app))
            _save(pilot, f"reasons-{size[0]}x{size[1]}")
        await pilot.press("w")
        await until(pilot, lambda: "burn = bad" in screen_text(app))
        _save(pilot, f"why-{size[0]}x{size[1]}")
        await pilot.press("escape", "escape", "left_square_bracket")
        await until(pilot, lambda: app.shown.replay is not None)
        _save(pilot, f"replay-{size[0]}x{size[1]}")
        await pilot.press("f", "3")
        await until(pilot, lambda: "FAIL " in screen_text(app))
        _save(pilot, f"probes-{size[0]}x{size[1]}")
        await pilot.press("slash", *JOURNEY, "enter", "enter")
        await until(pilot, lambda: "vs median" in screen_text(app))
        _save(pilot, f"journey-{size[0]}x{size[1]}")
        await _runbooks(pilot, f"{size[0]}x{size[1]}")


async def take_load(size: tuple[int, int]) -> None:
    """The profiles and the load that runs and stands first, then that one."""
    app = build(built_in(), None, theme="dark", ascii_only=False, leaving=None)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.live)
        await pilot.press("4")
        await _sees(pilot, "1 RUNNING")
        await _sees(pilot, "NEXT  enter: watch it")
        _save(pilot, f"load-list-{size[0]}x{size[1]}")
        await pilot.press("enter")
        await _sees(pilot, "arrivals/s")
        _save(pilot, f"load-run-{size[0]}x{size[1]}")


async def take_chaos(size: tuple[int, int]) -> None:
    """The experiment that runs and stands first among the others, that one, and the plan of another."""
    app = build(built_in(), None, theme="dark", ascii_only=False, leaving=None)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.live)
        await pilot.press("5")
        await _sees(pilot, "1 RUNNING")
        await _sees(pilot, "NEXT  enter: watch it")
        _save(pilot, f"chaos-list-{size[0]}x{size[1]}")
        await pilot.press("enter")
        await _sees(pilot, "HYPOTHESIS")
        await _sees(pilot, "BUDGET")
        _save(pilot, f"chaos-run-{size[0]}x{size[1]}")
        await pilot.press("escape", "j", "enter")
        await _sees(pilot, "planned")
        _save(pilot, f"chaos-plan-{size[0]}x{size[1]}")


async def _runbooks(pilot: Pilot[str], size: str) -> None:
    """The shelf, the run that asks and stands first on it, its question, and the plan of a runbook."""
    await pilot.press("6")
    await _sees(pilot, "drain-region")
    _save(pilot, f"runbooks-{size}")
    await pilot.press("enter")
    await _sees(pilot, " RTO ")
    _save(pilot, f"runbook-run-{size}")
    await pilot.press("enter")
    await _sees(pilot, "esc  not now")
    _save(pilot, f"runbook-question-{size}")
    await pilot.press("escape", "escape", "j", "j", "j", "enter")
    await _sees(pilot, "planned")
    _save(pilot, f"runbook-plan-{size}")


async def _sees(pilot: Pilot[str], words: str) -> None:
    await until(pilot, lambda: words in screen_text(pilot.app))


def _save(pilot: Pilot[str], name: str) -> None:
    """An SVG without the web font that Textual asks for: a picture should not call anybody."""
    svg = pilot.app.export_screenshot(title=f"keelwatch {name}")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)  # leading blanks are part of the picture
    path = FOLDER / f"{name}.svg"
    path.write_text(svg, encoding="utf-8")
    sys.stdout.write(f"{path}\n")


PARTS = {"rest": take, "load": take_load, "chaos": take_chaos}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for part in sys.argv[1:] or PARTS:
        for one in SIZES:
            asyncio.run(PARTS[part](one))
