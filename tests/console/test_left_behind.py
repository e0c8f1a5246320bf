"""What a journey left behind shows on every face until it is healed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from console.journeys import left_behind
from tests.console.screens import console, drive, screen_text, until
from tests.console.worlds import look
from tests.probes.conftest import CHANGE, LOGIN, Bench, bench  # noqa: F401 - `bench` is a fixture
from tests.probes.shop import Asked, Reply


def refuse_undo(asked: Asked) -> Reply | None:
    is_undo = asked.method == "PUT" and isinstance(asked.body, dict) and asked.body["plan"] == "basic"
    return (500, {"error": "no"}) if is_undo else None


def test_a_failed_undo_is_an_8_of_status_and_names_its_account(bench: Bench) -> None:
    bench.journey("change", LOGIN + CHANGE, cleanup_reserve="3s")
    assert bench.run("status")[0] != 8

    bench.shop.before = refuse_undo
    bench.run("probe", "run", "change")
    code, told, _ = bench.run("status")
    code_json, document, _ = bench.run("status", "--json")
    _, board, _ = bench.run("probe", "list")

    assert (code, code_json) == (8, 8)
    assert "LEFT BEHIND: 1 undo, account shop/ada: keelwatch heal" in told
    assert json.loads(document)["left_behind"] == 1
    assert "QUARANTINE 1: account shop/ada: keelwatch heal" in board
    assert left_behind() == ("account shop/ada",)
    assert bench.run("probe", "show", "change")[0] == 8

    bench.shop.before = lambda _: None
    assert bench.run("heal")[0] == 0
    code, told, _ = bench.run("status", "--json")
    assert code != 8
    assert json.loads(told)["left_behind"] == 0


@pytest.mark.parametrize("keys", [(), ("enter",), ("3",), ("3", "enter")], ids="-".join)
def test_every_screen_says_what_was_left_behind_before_anything_else_of_that_line(
    keys: tuple[str, ...],
) -> None:
    left = replace(look(), left=("account sandbox/synthetic-west-03",))
    words = "LEFT BEHIND: 1 undo, account sandbox/synthetic-west-03: keelwatch heal"

    async def go(pilot: Pilot[str]) -> None:
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.2)
        await until(pilot, lambda: screen_text(pilot.app).splitlines()[2].strip().startswith(words))

    asyncio.run(drive(console(looks=[left]), (80, 24), go))
