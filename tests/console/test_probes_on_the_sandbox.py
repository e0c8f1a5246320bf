"""The Probes screen in a real terminal, on the real sandbox."""

from __future__ import annotations

import json

from tests.console.test_on_the_sandbox import (  # noqa: F401 - fixtures
    keelwatch,
    screen,
    workspace,
)
from tests.console.tmux import Terminal
from tests.sandbox.running import RunningSandbox


def test_a_journey_is_run_from_its_screen_and_passes(
    sandbox: RunningSandbox,
    workspace: str,
    screen: Terminal,
) -> None:
    screen.press("3")
    screen.until("Probes ")
    screen.press("/")
    screen.until("!text")
    screen.press(*"view-invoices west")
    screen.until("1/20 | filter")
    screen.press("Enter")
    screen.until("n run now")
    screen.press("n")
    screen.until("keelwatch probe run view-invoices --region west")
    screen.press("r")
    screen.until("pass ", within_s=60)
    shown = screen.until("list invoices", within_s=60)

    assert "EXPECTED AND FOUND" in shown
    document = json.loads(
        keelwatch(
            "probe", "show", "view-invoices", "--region", "west", "--json", "--workspace", workspace
        ).stdout
    )
    (one,) = document["executions"]
    assert one["execution"]["result"] == "pass"
    assert one["strip"].endswith(".")
