"""Waiting for mail: which letters are new, which are whose, and what is said when none comes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from keelwatch.workspace.entrance import Entrance
from keelwatch.workspace.errors import SourceError
from probes.mailbox import Mailbox
from probes.wire import LagMeter, Resolver, Trust, Wire
from probes.wire.resolver import Address
from tests.probes.conftest import LOGIN, Bench, only
from tests.probes.shop import Asked, Reply

YEARS_AGO, IN_YEARS = "2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
ADA = "ada@shop.invalid"
WAIT = """\
  - mail: {to: ada@shop.invalid, subject: (?i)hello}
    within: 2s
    capture: {code: {code: '\\d{6}'}}
  - get: /use/$code
"""


class Post:
    """The mail of the shop, by a clock of its own. `on_login` arrives when somebody logs in."""

    def __init__(self, bench: Bench) -> None:
        self.letters: list[dict[str, Any]] = []
        self.on_login: list[dict[str, Any]] = []
        self.used: list[str] = []
        bench.shop.before = self.answer
        file = bench.folder / "keelwatch.yaml"
        mail = f"    mail: {{api: '{bench.shop.url}'}}\n    accounts:\n"
        file.write_text(file.read_text().replace("    accounts:\n", mail, 1))

    def answer(self, asked: Asked) -> Reply | None:
        match asked.path.strip("/").split("/"):
            case ["v1", "login"]:
                self.letters += self.on_login
            case ["api", "v1", "search"]:
                return 200, {"messages": self.letters[::-1]}  # the newest first
            case ["api", "v1", "message", wanted]:
                return 200, next(one for one in self.letters if one["ID"] == wanted)
            case ["use", code]:
                self.used.append(code)
                return 200, {}
        return None


def letter(name: str, created: str, code: str, *, subject: str = "Hello", to: str = ADA) -> dict[str, Any]:
    return {
        "ID": name, "Created": created, "Subject": subject, "To": [{"Address": to}], "Text": f"It is {code}.",
    }  # fmt: skip


@pytest.mark.parametrize("created", [YEARS_AGO, IN_YEARS])
def test_a_new_letter_is_taken_whatever_the_clock_of_the_mail_server_says(bench: Bench, created: str) -> None:
    post = Post(bench)
    post.on_login = [letter("new", created, "111111")]
    bench.journey("mail", LOGIN + WAIT)
    code, found = bench.result("mail")
    assert (code, only(found)["reason"]) == (0, "")
    assert post.used == ["111111"]


@pytest.mark.parametrize("created", [YEARS_AGO, IN_YEARS])
def test_a_letter_that_was_there_before_is_not_taken_for_a_new_one(bench: Bench, created: str) -> None:
    post = Post(bench)
    post.letters = [letter("old", created, "222222")]
    post.on_login = [letter("new", YEARS_AGO, "111111")]
    bench.journey("mail", LOGIN + WAIT)
    assert bench.result("mail")[0] == 0
    assert post.used == ["111111"]


def test_a_letter_is_taken_once(bench: Bench) -> None:
    post = Post(bench)
    post.on_login = [letter("one", YEARS_AGO, "111111")]
    bench.journey("mail", LOGIN + WAIT + WAIT.replace("2s", "600ms"))
    _, found = bench.result("mail")
    assert only(found)["failed_step"] == 3
    assert post.used == ["111111"]


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([], ""),
        ([letter("x", IN_YEARS, "1", subject="Your bill")], ", though 1 other did"),
        ([letter("y", IN_YEARS, "1", to="bob@shop.invalid")], ""),
    ],
)
def test_a_letter_that_never_comes_is_named_and_is_the_portals(
    bench: Bench, others: Sequence[dict[str, Any]], words: str
) -> None:
    post = Post(bench)
    post.on_login = list(others)
    bench.journey("mail", LOGIN + WAIT.replace("2s", "600ms"))
    code, found = bench.result("mail")
    execution = only(found)
    assert (code, execution["result"], execution["cause"]) == (1, "fail", "assertion")
    wanted = "no mail to ada@shop.invalid with a subject like /(?i)hello/ came"
    assert execution["reason"] == f"{wanted}{words}: cut off by 0.6 s"


def test_mail_that_cannot_be_read_is_ours(bench: Bench) -> None:
    Post(bench)
    bench.shop.before = lambda asked: (502, "<html>sorry</html>") if asked.path.startswith("/api") else None
    bench.journey("mail", LOGIN + WAIT)
    code, found = bench.result("mail")
    execution = only(found)
    assert (code, execution["result"], execution["cause"]) == (4, "invalid", "ours")
    assert "the mail at 127.0.0.1 cannot be read" in execution["reason"]


def test_a_mail_server_whose_name_hangs_keeps_no_thread_from_the_others() -> None:
    """Ledger bookings use the threads that asyncio itself looks names up in."""
    hangs = threading.Event()

    def hang(_: str) -> Sequence[Address]:
        hangs.wait(30)
        return []

    entrance = Entrance("shop", "", {}, frozenset(), None, "http://mail.invalid:8025", None, {})

    async def all_wait() -> None:
        async with LagMeter() as lag, Wire(Trust.of(None), Resolver(hang), lag, frozenset()) as wire:
            async with asyncio.timeout(10):
                waiting = [asyncio.ensure_future(look(wire)) for _ in range(40)]
                assert await asyncio.to_thread(lambda: 1) == 1
                hangs.set()
                assert set(await asyncio.gather(*waiting)) == {
                    "the mail at mail.invalid cannot be read: mail.invalid has no address"
                }

    async def look(wire: Wire) -> str:
        async with Mailbox(entrance, wire) as mailbox:
            with pytest.raises(SourceError) as caught:
                await mailbox.note_what_is_there([ADA])
        return caught.value.message

    asyncio.run(all_wait())
