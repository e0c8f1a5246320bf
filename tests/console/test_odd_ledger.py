"""Facts of another version, or of a hand that has no business here, blind no face."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.changes import recent_changes
from console.main import keelwatch
from keelwatch.ledger import FactKind, SqliteLedger, open_ledger
from keelwatch.runs import Phase, runs, stop
from keelwatch.workspace import ExitCode, UsageError, ledger_path, state_dir

ACTOR = "0:sre (claimed)"
CREATED = {"event": "created", "kind": "probe", "name": "log-in", "env": "sandbox"}


@pytest.fixture
def store() -> Iterator[SqliteLedger]:
    with closing(open_ledger()) as opened:
        yield opened


def test_words_that_only_a_newer_version_knows_are_read_as_what_they_cannot_be(store: SqliteLedger) -> None:
    newer = {**CREATED, "on_death": "hand-over", "on_term": "shrug"}
    store.append("run-1", FactKind.NOTE, newer, actor=ACTOR)
    store.append("run-1", FactKind.VERDICT, {"verdict": "sideways", "exit": 99}, actor=ACTOR)

    (found,) = runs(store)

    assert found.phase is Phase.ENDED
    assert found.state.verdict is not None
    assert (found.state.verdict.outcome, found.state.verdict.exit_code) == ("inconclusive", ExitCode.UNKNOWN)
    assert CliRunner().invoke(keelwatch, ["runs"]).exit_code == 0


def test_a_fact_that_cannot_be_read_is_a_line_of_what_changed_and_no_more(store: SqliteLedger) -> None:
    store.append("run-1", FactKind.NOTE, CREATED, actor=ACTOR)
    with closing(sqlite3.connect(ledger_path(), isolation_level=None)) as raw:
        raw.execute("DROP TRIGGER events_never_changed")
        raw.execute("UPDATE events SET payload = 'no JSON'")

    changes, acting, left = recent_changes(4e9, "sandbox", "main")

    assert "the ledger cannot be read: fact 1" in changes[-1].text
    assert (acting, left) == ((), 0)


@pytest.mark.parametrize("run", ["..", "../..", "", "a/b", ".", "a\nb"])
def test_what_can_be_no_run_is_refused_and_nothing_is_recorded(store: SqliteLedger, run: str) -> None:
    (state_dir() / "runs").mkdir()

    with pytest.raises(UsageError):
        stop(run)
    assert store.head()[0] == 0


@pytest.mark.parametrize(
    ("words", "deed"),
    [
        (("audit", "redact", "1", "--reason", "x"), "redacting"),
        (("sandbox", "up"), "starting the sandbox"),
        (("sandbox", "down"), "stopping the sandbox"),
    ],
)
def test_a_viewer_only_looks(
    store: SqliteLedger, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], deed: str
) -> None:
    monkeypatch.setattr("console.user.login_name", lambda: "guest")
    store.append("", FactKind.NOTE, {"event": "said"}, actor=ACTOR)

    done = CliRunner().invoke(keelwatch, words, standalone_mode=False)

    assert done.exception is not None
    assert deed in str(done.exception)
    assert "guest is a viewer" in str(done.exception)
    assert store.head()[0] == 1


def test_a_broken_workspace_keeps_nobody_from_mending(
    store: SqliteLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.user.login_name", lambda: "guest")
    store.append("", FactKind.NOTE, {"event": "said"}, actor=ACTOR)
    (tmp_path / "keelwatch.yaml").write_text("keelwatch: [")

    words = ["--workspace", str(tmp_path), "audit", "redact", "1", "--reason", "x"]
    done = CliRunner().invoke(keelwatch, words)

    assert done.exit_code == 0
    assert "roles are not asked" in done.output
