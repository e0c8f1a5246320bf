"""One sandbox for the whole test session, also under xdist: the workers share it and take turns.

Any distribution is safe (file locks); `--dist loadfile` is the fastest, for then nobody waits in turn.
When the session is over, everything it wrote is searched for the sentinel secret.
"""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.sandbox import down, up
from keelwatch.sandbox.flags import usual
from keelwatch.workspace import sink
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until
from tests.sentinel import leaks_under

NAME = "tests"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the whole run when any file of it shows the sentinel: states, ledgers, streams, logs, exports."""
    if hasattr(session.config, "workerinput"):  # a worker of xdist; the one that started it looks
        return
    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is None or factory._basetemp is None:
        return
    leaks = list(leaks_under(factory.getbasetemp()))
    for path, form in leaks:
        session.config.get_terminal_writer().line(f"LEAK: {path} shows the sentinel as {form!r}", red=True)
    if leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def own_secrets() -> Iterator[None]:
    """What one test makes a secret is none to the next: it might mask an ordinary word there."""
    before = Counter(sink._forms)
    yield
    sink._forms.clear()
    sink._forms.update(before)
    sink._longest_first = None


@pytest.fixture(scope="session")
def sandbox_state(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A state folder that all workers of this session share."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    state = shared / "sandbox-state"
    state.mkdir(mode=0o700, exist_ok=True)
    return state


@pytest.fixture(scope="session")
def shared_sandbox(sandbox_state: Path) -> Iterator[RunningSandbox]:
    """Started by whoever comes first, taken down by whoever leaves last."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEELWATCH_STATE", str(sandbox_state))
        with (sandbox_state / "users").open("a") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            yield RunningSandbox(NAME, sandbox_state, up(NAME))
            patch.setenv("KEELWATCH_STATE", str(sandbox_state))
            if _is_last(users):
                leaks = list(leaks_under(sandbox_state / "sandbox"))  # `down` deletes data and configuration
                down(NAME)
                assert leaks == [], "the sandbox wrote the sentinel"


def _is_last(users: IO[str]) -> bool:
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _turn(state: Path) -> Iterator[None]:
    with (state / "turn").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def sandbox(shared_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSandbox]:
    """The session's sandbox, whole and without faults, to this test alone; KEELWATCH_STATE points at it."""
    monkeypatch.setenv("KEELWATCH_STATE", str(shared_sandbox.state))
    with _turn(shared_sandbox.state):
        until(lambda: _is_whole(shared_sandbox), 20)
        yield shared_sandbox
        monkeypatch.setenv("KEELWATCH_STATE", str(shared_sandbox.state))
        control.clear_faults(name=NAME)
        for flag, values in usual().items():
            control.set_flag(flag, values, name=NAME)


def _is_whole(sandbox: RunningSandbox) -> bool:
    ready = all(server.state == "ready" for server in control.status(NAME).servers)
    return ready and sandbox.serves()


@pytest.fixture
def own_sandbox(sandbox_state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a sandbox that this test may start, kill and leave lying about."""
    monkeypatch.setenv("KEELWATCH_STATE", str(sandbox_state))
    name = "own"
    with (sandbox_state / "own").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield name
        monkeypatch.setenv("KEELWATCH_STATE", str(sandbox_state))
        down(name)
