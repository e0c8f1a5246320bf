"""What a tool's process may say to its run, and hear from it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keelwatch.ledger import JsonObject
from keelwatch.runs import Bridge, Line
from keelwatch.workspace.errors import InternalError, KernelError, Refused


def echo(message: JsonObject) -> JsonObject | None:
    return {"heard": message}


def test_every_line_gets_its_own_answers(tmp_path: Path) -> None:
    with Bridge(tmp_path, echo), ThreadPoolExecutor(8) as pool:
        lines = [Line(tmp_path) for _ in range(4)]

        def ask(number: int) -> object:
            return lines[number % 4].call({"number": number})["heard"]

        assert list(pool.map(ask, range(200))) == [{"number": number} for number in range(200)]


def test_an_error_of_the_run_is_the_same_error_in_the_tool(tmp_path: Path) -> None:
    def refuse(message: JsonObject) -> JsonObject | None:
        raise Refused("not armed", "add --arm")

    with Bridge(tmp_path, refuse), pytest.raises(Refused) as refused:
        Line(tmp_path).call({})
    assert (refused.value.message, refused.value.hint) == ("not armed", "add --arm")


def test_a_bug_of_the_run_is_told_as_one(tmp_path: Path) -> None:
    def stumble(message: JsonObject) -> JsonObject | None:
        raise KeyError("none")

    with Bridge(tmp_path, stumble), pytest.raises(InternalError, match="KeyError"):
        Line(tmp_path).call({})


def test_what_is_only_told_is_heard_in_order_and_not_answered(tmp_path: Path) -> None:
    heard: list[object] = []

    def listen(message: JsonObject) -> JsonObject | None:
        heard.append(message["number"])
        return {"count": len(heard)} if message.get("last") else None

    with Bridge(tmp_path, listen):
        line = Line(tmp_path)
        for number in range(100):
            line.tell({"number": number})
        assert line.call({"number": 100, "last": True}) == {"count": 101}
    assert heard == list(range(101))


def test_a_tool_hears_that_its_run_is_gone(tmp_path: Path) -> None:
    with Bridge(tmp_path, echo):
        line = Line(tmp_path)
        assert line.call({})
    with pytest.raises(KernelError):
        line.call({})
    with pytest.raises(KernelError):
        Line(tmp_path)


def test_a_run_hears_that_its_tool_is_gone(tmp_path: Path) -> None:
    gone = threading.Event()
    with Bridge(tmp_path, echo, gone.set):
        line = Line(tmp_path)
        line.call({})
        assert not gone.is_set()
        line.close()
        assert gone.wait(5)


def test_a_folder_of_any_depth_will_do(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 5)
    deep.mkdir(parents=True)
    with Bridge(deep, echo):
        assert Line(deep).call({"a": 1}) == {"heard": {"a": 1}}


def test_when_the_bridge_is_gone_nothing_that_was_asked_for_goes_on(tmp_path: Path) -> None:
    asked, may_end, over = threading.Event(), threading.Event(), threading.Event()

    def slow(message: JsonObject) -> JsonObject | None:
        asked.set()
        may_end.wait(10)
        over.set()
        return {}

    with Bridge(tmp_path, slow):
        Line(tmp_path).tell({})
        assert asked.wait(5)
        threading.Timer(0.2, may_end.set).start()
    assert over.is_set()
