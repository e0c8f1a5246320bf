"""Request and response for people, and a curl that asks the same: never a secret, not even half of one."""

from __future__ import annotations

import shlex
import subprocess

from keelwatch.workspace.secret import Secret
from probes.exchange import LONGEST, curl, exchange
from probes.expect import SHOWN, shown
from probes.names import Known
from probes.wire import WireRequest
from tests.probes.made import answer

TOKEN = Secret("tok'en $(id) `x` secret-0123456789")
NAMES: dict[str, Known] = {"session.access": TOKEN, "plan": "basic"}


def request(**given: object) -> WireRequest:
    plain = {"method": "GET", "url": "https://shop.example/x", "headers": (), "body": b""}
    return WireRequest(**(plain | given))  # type: ignore[arg-type]


def as_shell_says(line: str) -> list[str]:
    """The words that a real shell makes of a line, one in a line, with the variable set."""
    script = line.replace("curl", "printf '%s\\n'", 1)
    env = {"SESSION_ACCESS": TOKEN.reveal(), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["sh", "-c", script], env=env, capture_output=True, text=True, check=True, timeout=10
    ).stdout.splitlines()


def test_a_shell_sends_what_was_sent_with_the_secret_from_a_variable() -> None:
    sent = request(
        method="PUT",
        url=f"https://shop.example/recover/{TOKEN.reveal()}",
        headers=(("Authorization", f"Bearer {TOKEN.reveal()}"), ("X", 'it\'s $HOME \\ "q"')),
        body=b"@'$(x)'",
    )
    line = curl(sent, NAMES)

    assert TOKEN.reveal() not in line
    assert '"$SESSION_ACCESS"' in line
    assert as_shell_says(line) == [
        "-sS",
        "-i",
        "-X",
        "PUT",
        f"https://shop.example/recover/{TOKEN.reveal()}",
        "-H",
        f"Authorization: Bearer {TOKEN.reveal()}",
        "-H",
        'X: it\'s $HOME \\ "q"',
        "--data-raw",
        "@'$(x)'",
    ]


def test_a_plain_request_is_a_plain_line() -> None:
    assert shlex.split(curl(request(), {})) == ["curl", "-sS", "-i", "https://shop.example/x"]


def test_request_and_response_are_told_without_private_headers() -> None:
    sent = request(method="POST", headers=(("Cookie", "sid=private"), ("Accept", "*/*")), body=b'{"a": 1}')
    found = exchange(sent, answer("hello", 503, {"Set-Cookie": "sid=private", "Etag": "e"}), NAMES)

    assert found.request == 'POST https://shop.example/x\nCookie: ***\nAccept: */*\n\n{"a": 1}'
    assert found.response.splitlines()[1:] == ["set-cookie: ***", "etag: e", "", "hello"]
    assert exchange(sent, None, NAMES).response == ""


def test_a_secret_that_the_cut_goes_through_shows_no_half() -> None:
    for before in range(LONGEST - 40, LONGEST + 1, 5):
        body = "x" * before + TOKEN.reveal()
        assert "tok'en" not in exchange(request(), answer(body), NAMES).response
    for before in range(SHOWN - 40, SHOWN + 1, 5):
        assert "tok'en" not in shown("x" * before + TOKEN.reveal())


def test_a_long_body_says_how_much_is_missing() -> None:
    found = exchange(request(), answer("y" * (LONGEST + 7)), {})

    assert found.response.endswith("\n... 7 more characters")
