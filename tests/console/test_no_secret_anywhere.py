"""A secret that is used everywhere shows nowhere: no screen, file, stream, fact, export or error."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.test_on_the_sandbox import KEELWATCH, keelwatch
from tests.console.tmux import terminal
from tests.sandbox.running import RunningSandbox
from tests.sentinel import SENTINEL, VARIABLE, leaks_in, leaks_under


@pytest.fixture
def secretive(sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A workspace whose source is asked with a bearer token (Prometheus does not mind one)."""
    monkeypatch.setenv(VARIABLE, SENTINEL)
    folder = tmp_path / "workspace"
    assert keelwatch("init", str(folder), "--prometheus", sandbox.first.urls["prometheus"]).returncode == 0
    file = folder / "keelwatch.yaml"
    token = f"      bearer: env:{VARIABLE}\n"
    file.write_text(file.read_text().replace("      # ca:", f"{token}      # ca:"))
    return str(folder)


def test_a_secret_in_use_shows_nowhere(sandbox: RunningSandbox, secretive: str) -> None:
    said = [
        keelwatch("status", "--json", "--workspace", secretive),
        keelwatch("slo", "why", "login-availability", "--workspace", secretive),
        keelwatch("doctor", "--workspace", secretive),
        keelwatch("check", secretive),
    ]
    with terminal(120, 36, f"{KEELWATCH} --workspace {secretive}") as screen:
        shown = screen.until("prometheus ok")
        screen.press("e")
        shown += screen.until("written to")

    assert said[2].returncode == 0
    assert "prometheus" in said[2].stdout
    assert not leaks_in(shown + "".join(done.stdout + done.stderr for done in said))
    assert list(leaks_under(sandbox.state)) == []


def test_a_secret_written_by_value_is_not_repeated(secretive: str) -> None:
    file = Path(secretive) / "keelwatch.yaml"
    kept = Path(secretive).parent / "secrets-of-a-test"
    file.parent.rename(kept)
    file = kept / file.name
    file.write_text(file.read_text().replace(f"env:{VARIABLE}", f"'{SENTINEL}'"))
    done = keelwatch("check", str(kept))

    assert done.returncode == 3
    assert "a reference: env:NAME" in done.stdout
    assert not leaks_in(done.stdout + done.stderr)
