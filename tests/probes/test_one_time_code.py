"""Which one-time code to send, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.secret import Secret
from probes.one_time_code import MIN_REMAINING_S, STEP_S, LastSteps, Turn, code_of, next_turn

# RFC 6238, appendix B, for SHA-1: the last six of its eight digits. The secret is "12345678901234567890".
SECRET = Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
PUBLISHED = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]


@pytest.mark.parametrize(("at", "code"), PUBLISHED)
def test_the_codes_are_those_of_the_standard(at: int, code: str) -> None:
    assert code_of(SECRET, at // STEP_S) == code


@pytest.mark.parametrize(
    ("now", "last", "turn"),
    [
        (300.0, 0, Turn(10, 0.0)),
        (326.9, 0, Turn(10, 0.0)),
        (330 - MIN_REMAINING_S + 0.5, 0, Turn(11, 2.5)),
        (300.0, 10, Turn(11, 30.0)),
        (329.0, 10, Turn(11, 1.0)),
        (329.0, 11, Turn(12, 31.0)),
        (300.0, 5000, Turn(10, 0.0)),
    ],
    ids=[
        "at once",
        "just in time",
        "too late for this one",
        "used",
        "used and late",
        "reserved",
        "a clock that jumped",
    ],
)
def test_a_code_is_sent_once_and_never_at_the_edge_of_its_time(now: float, last: int, turn: Turn) -> None:
    assert next_turn(now, last) == turn


def test_the_step_an_account_used_is_known_to_every_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    LastSteps("prod").use("a/../b@x", 7)

    assert LastSteps("prod").of("a/../b@x") == 7
    assert LastSteps("staging").of("a/../b@x") == 0
    assert LastSteps("prod").of("c") == 0


def test_a_half_written_step_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    steps = LastSteps("prod")
    steps.use("ada", 7)
    next(tmp_path.rglob("ada")).write_text("")

    assert steps.of("ada") == 0


def test_a_secret_that_is_no_base32_is_said_and_not_repeated() -> None:
    with pytest.raises(SourceError, match="not base32") as caught:
        code_of(Secret("not!base32"), 1)
    assert "not!base32" not in str(caught.value)
