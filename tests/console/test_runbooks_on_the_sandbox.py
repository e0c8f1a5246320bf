"""A failover by hand: planned, confirmed, approved and measured from a small terminal, on real servers."""

from __future__ import annotations

import re

import pytest

from tests.console.tmux import terminal
from tests.runbooks.test_on_the_sandbox import (  # noqa: F401 - fixtures
    KEELWATCH,
    LONG_S,
    estate,
    keelwatch,
    ledger,
    workspace,
)
from tests.sandbox.failing_over import Estate
from tests.sandbox.waiting import until

pytestmark = pytest.mark.deep


def test_a_region_fails_over_by_keys_and_a_second_terminal_says_yes(
    estate: Estate,
    workspace: str,
) -> None:
    with terminal(80, 24, f"{KEELWATCH} --workspace {workspace}") as screen:
        screen.until("prometheus ok")
        screen.press("6")
        screen.until("never rehearsed")
        screen.press("/")
        screen.press("failover", "Enter")
        screen.until("> failover-region")

        def is_open() -> bool:
            """The filter may still have the focus; on a plan enter does nothing."""
            if "Runbooks > failover-region" in screen.text():
                return True
            screen.press("Enter")
            return False

        until(is_open, 30)
        plan = screen.until("west -> east  graceful   planned")
        assert "database  west primary" in plan
        screen.press("r")
        screen.until("wants runbooks armed")
        screen.press("A", "r")
        screen.until("Type west: _")
        screen.press("w", "e", "s", "t")
        screen.until("enter: run it")
        screen.press("Enter")
        waits = screen.until("ASKS approval", LONG_S)
        (run,) = re.findall(r"\S+-runbook-\w+", waits.replace("\n", " "))[:1]
        screen.press("p")
        screen.until("nobody approves their own")
        said = keelwatch(workspace, "runbook", "approve", run, "--approve-as", "second")
        assert said.returncode == 0, said.stderr
        text = screen.until("ENDED pass", LONG_S)

    assert "no write lost" in text.replace("\n", " ")
    assert "RTO" in text
    assert estate.primaries() == {"east"}
    shown = keelwatch(workspace, "runbook", "show", run).stdout
    assert "split" in shown
    assert "[x]  5 rejoin-cache" in shown
    back = keelwatch(
        workspace,
        *("runbook", "run", "failover-region", "--from", "east", "--to", "west"),
        *("--env", "sandbox", "--arm", "--approve-as", "second"),
    )
    assert back.returncode == 0, back.stdout + back.stderr
    assert estate.primaries() == {"west"}
