"""Up and down, whatever dies in between: one sandbox at most, and no process left."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.sandbox import Endpoints, Options, down, status, up
from keelwatch.sandbox.find_servers import PACKAGES, find_servers
from keelwatch.sandbox.layout import IDENTITY_VARIABLE
from keelwatch.sandbox.lifecycle import mark_of
from keelwatch.sandbox.ports import FIRST_BASE, OFFSETS, is_free, reserve
from keelwatch.sandbox.processes import Process, marked, start_ticks, with_descendants
from keelwatch.workspace import SourceError, UsageError, narrate, sandbox_dir
from tests.sandbox.waiting import until

TO_BE_ENDED = 60
QUICK = Options(history_days=0.3)  # what these tests are about does not need a month of history


def everything_of(found: Endpoints) -> list[Process]:
    """All its processes now: recorded, marked, and their descendants (PostgreSQL's carry no mark)."""
    return with_descendants(child.pid for child in found.processes) + marked(found.id)


def assert_nothing_left(found: Endpoints, processes: list[Process]) -> None:
    alive = [process for process in processes if process.is_alive()]
    assert alive == []
    assert marked(found.id) == []
    assert [name for name, port in found.ports.items() if not is_free(port)] == []


def up_and_down(name: str, options: Options) -> None:
    began = time.monotonic()
    found = up(name, options)
    ready_s = time.monotonic() - began
    processes = everything_of(found)
    assert len(processes) > len(found.processes) > 16
    assert {"mail", "crm", "links", "heartbeat"} <= {child.name for child in found.processes}
    began = time.monotonic()
    assert down(name)
    narrate(f"up {ready_s:.1f} s, down {time.monotonic() - began:.1f} s, {len(processes)} processes")
    assert_nothing_left(found, processes)


@pytest.mark.deep
def test_up_and_down_twice_leaves_nothing(own_sandbox: str) -> None:
    for _ in range(2):
        up_and_down(own_sandbox, QUICK)


@pytest.mark.deep
@pytest.mark.timeout(1800)
def test_up_and_down_fifty_times_leaves_nothing(own_sandbox: str) -> None:
    for _ in range(50):
        up_and_down(own_sandbox, QUICK)


@pytest.mark.deep
def test_the_probes_port_is_kept_free_for_who_watches(own_sandbox: str) -> None:
    found = up(own_sandbox, Options(history_days=0.3, requests_per_second=0))
    assert found.urls["probes"] == f"http://127.0.0.1:{found.ports['probes']}"
    assert found.ports["probes"] - found.ports["edge"] == 100
    assert is_free(found.ports["probes"])
    assert Path(found.accounts_file).is_file()
    down(own_sandbox)
    assert not Path(found.accounts_file).exists()


@pytest.mark.deep
def test_the_second_up_returns_the_running_one(own_sandbox: str) -> None:
    first = up(own_sandbox, QUICK)
    began = time.monotonic()
    assert up(own_sandbox, QUICK) == first == status(own_sandbox)
    assert time.monotonic() - began < 0.5
    assert down(own_sandbox)
    assert not down(own_sandbox)
    assert status(own_sandbox) is None


UP = """
import sys
from keelwatch.sandbox import Options, up
print(up(sys.argv[1], Options(history_days=0.3)).id)
"""


@pytest.mark.deep
def test_two_ups_at_once_make_one_sandbox(own_sandbox: str) -> None:
    racers = [
        subprocess.Popen([sys.executable, "-c", UP, own_sandbox], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ids = {racer.communicate(timeout=90)[0].strip() for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0]
    found = status(own_sandbox)
    assert found is not None
    assert ids == {found.id}
    supervisors = [child for child in found.processes if child.name == "supervisor"]
    assert len(supervisors) == 1
    assert {process.pid for process in marked(mark_of(own_sandbox))} >= {supervisors[0].pid}


@pytest.mark.deep
def test_a_sandbox_outlives_the_process_that_started_it(own_sandbox: str) -> None:
    subprocess.run([sys.executable, "-c", UP, own_sandbox], check=True, capture_output=True, timeout=90)
    assert control.status(own_sandbox).state == "ready"


@pytest.mark.deep
def test_a_killed_supervisor_takes_everything_with_it(own_sandbox: str) -> None:
    found = up(own_sandbox, QUICK)
    processes = everything_of(found)
    os.kill(found.supervisor.pid, signal.SIGKILL)
    until(lambda: [process for process in processes if process.is_alive()] == [], 10)
    assert status(own_sandbox) is None
    with pytest.raises(SourceError, match="not running"):
        control.status(own_sandbox)
    again = up(own_sandbox, QUICK)
    assert again.id != found.id


@pytest.mark.deep
def test_a_frozen_supervisor_is_taken_down_all_the_same(own_sandbox: str) -> None:
    found = up(own_sandbox, QUICK)
    processes = everything_of(found)
    os.kill(found.supervisor.pid, signal.SIGSTOP)
    assert down(own_sandbox)
    assert_nothing_left(found, processes)


@pytest.mark.deep
def test_a_terminated_supervisor_takes_the_sandbox_down_in_order(own_sandbox: str) -> None:
    found = up(own_sandbox, QUICK)
    processes = everything_of(found)
    os.kill(found.supervisor.pid, signal.SIGTERM)
    until(lambda: [process for process in processes if process.is_alive()] == [], 15)
    assert not (sandbox_dir(own_sandbox) / "endpoints.json").exists()


@pytest.mark.deep
def test_leftovers_without_any_record_are_found_by_their_mark(own_sandbox: str) -> None:
    """A stray that carries an earlier id of this sandbox goes; one of another name stays."""
    up(own_sandbox, QUICK)
    down(own_sandbox)
    stray = _stray(mark_of(own_sandbox) + "0123abcd")
    other = _stray(mark_of("other") + "0123abcd")
    try:
        assert down(own_sandbox)
        assert stray.wait(5) == -signal.SIGTERM
        assert other.poll() is None
    finally:
        stray.kill()
        other.kill()
        stray.wait()
        other.wait()


def _stray(identity: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", str(TO_BE_ENDED)], env=os.environ | {"KEELWATCH_SANDBOX": identity})


@pytest.mark.deep
def test_a_reused_pid_is_never_touched(own_sandbox: str) -> None:
    """A record with our pid but another start time: the process is somebody else."""
    bystander = _stray("none of ours")
    try:
        found = up(own_sandbox, QUICK)
        ticks = start_ticks(bystander.pid)
        assert ticks is not None
        file = sandbox_dir(own_sandbox) / "endpoints.json"
        recorded = file.read_text()
        down(own_sandbox)
        old = f'"pid": {found.supervisor.pid},'
        file.write_text(recorded.replace(old, f'"pid": {bystander.pid},'))
        down(own_sandbox)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("port", ["prometheus", "west-postgres", "edge-tls"])
def test_a_port_taken_by_a_stranger_means_the_next_block(own_sandbox: str, port: str) -> None:
    bases = []
    with socket.socket() as stranger:
        probe = reserve()
        probe.lock.close()
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", probe.base + OFFSETS[port]))
        stranger.listen()
        again = reserve()
        again.lock.close()
        bases = [probe.base, again.base]
    assert bases[1] > bases[0]


def test_a_block_is_reserved_even_before_its_ports_are_bound() -> None:
    first, second = reserve(), reserve()
    third = reserve()
    for each in (first, second, third):
        each.lock.close()
    assert first.base < second.base < third.base
    assert (first.base - FIRST_BASE) % 200 == 0


def test_a_chosen_port_that_is_taken_is_named_and_nothing_starts(own_sandbox: str) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        taken = stranger.getsockname()[1]
        with pytest.raises(SourceError, match=f"port {taken} on 127.0.0.1 is taken"):
            up(own_sandbox, Options(ports={"prometheus": taken}))
    assert marked(mark_of(own_sandbox)) == []
    assert status(own_sandbox) is None


def test_an_unknown_port_or_a_bad_name_is_a_usage_error(own_sandbox: str) -> None:
    with pytest.raises(UsageError, match="no server is called proxy"):
        up(own_sandbox, Options(ports={"proxy": 1}))
    for name in ("", "../x", "A", "x" * 33, "-x"):
        with pytest.raises(UsageError, match="cannot name a sandbox"):
            up(name)


@pytest.mark.deep
def test_ports_can_be_chosen_one_by_one(own_sandbox: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = up(own_sandbox, Options(ports={"edge-tls": port}, requests_per_second=0))
    assert found.urls["edge"] == f"https://127.0.0.1:{port}"
    assert "customers" not in {child.name for child in found.processes}


def test_missing_servers_are_named_with_their_packages(tmp_path: Path) -> None:
    """All at once, so that one visit to the package manager is enough."""
    for program in ("initdb", "pg_basebackup", "pg_rewind", "postgres", "setpriv", "redis-server"):
        found = find_servers()[program]
        (tmp_path / program).symlink_to(found)
    with pytest.raises(SourceError) as missing:
        find_servers(str(tmp_path))
    assert missing.value.message.endswith("haproxy, prometheus, promtool")
    assert missing.value.hint == "apt-get install haproxy prometheus"


def test_every_server_of_this_machine_is_found_without_its_folder_on_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    found = find_servers()
    assert set(found.programs) == set(PACKAGES)
    assert found.postgres_version >= 15


def test_a_server_that_does_not_start_is_named_with_its_log_and_nothing_is_left(
    own_sandbox: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Prometheus that dies at once: first on PATH, in front of the real one."""
    broken = tmp_path / "prometheus"
    broken.write_text("#!/bin/sh\necho the disk is made of cheese >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SourceError) as failed:
        up(own_sandbox, QUICK)
    assert "prometheus ended while it started" in failed.value.message
    assert "the disk is made of cheese" in failed.value.message
    assert str(sandbox_dir(own_sandbox) / "logs" / "prometheus.log") in failed.value.message
    assert marked(mark_of(own_sandbox)) == []
    assert status(own_sandbox) is None


INTERRUPTED_UP = """
import os, signal, sys
from keelwatch.sandbox import Options, up

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

def ctrl_c_half_way(step):
    os.kill(os.getpid(), signal.SIGINT)

up(sys.argv[1], Options(history_days=0.3), on_step=ctrl_c_half_way)
"""


def test_an_interrupted_up_takes_down_what_had_started(own_sandbox: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_UP, own_sandbox], capture_output=True, timeout=90, check=False
    )
    assert b"KeyboardInterrupt" in done.stderr
    assert marked(mark_of(own_sandbox)) == []


@pytest.mark.parametrize("processes", [1, 3, 8])
def test_a_supervisor_killed_while_it_starts_leaves_nothing(own_sandbox: str, processes: int) -> None:
    """Killed as soon as that many processes run: the `up` that waits for it sweeps, and says so."""
    prefix = mark_of(own_sandbox)
    starting = subprocess.Popen(
        [sys.executable, "-c", UP, own_sandbox], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    until(lambda: len(marked(prefix)) >= processes, 30, every_s=0.01)
    os.kill(_supervisor_among(marked(prefix)), signal.SIGKILL)
    _, said = starting.communicate(timeout=30)
    assert re.search("supervisor (did not start|ended without a word)", said)
    assert marked(prefix) == []


HEIR = """\
import signal, subprocess, sys

def starts_another(number, frame):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    sys.exit()

signal.signal(signal.SIGTERM, starts_another)
print("there", flush=True)
signal.pause()
"""


def test_what_starts_while_we_end_the_others_is_ended_too(own_sandbox: str) -> None:
    sandbox_dir(own_sandbox).mkdir(mode=0o700, parents=True, exist_ok=True)
    marks = {**os.environ, IDENTITY_VARIABLE: f"{mark_of(own_sandbox)}heir"}
    with subprocess.Popen([sys.executable, "-c", HEIR], env=marks, stdout=subprocess.PIPE) as left:
        assert left.stdout is not None
        assert left.stdout.readline() == b"there\n"
        assert down(own_sandbox)
    assert marked(mark_of(own_sandbox)) == []


def _supervisor_among(found: list[Process]) -> int:
    module = b"keelwatch.sandbox.supervisor"
    return next(each.pid for each in found if module in Path(f"/proc/{each.pid}/cmdline").read_bytes())


@pytest.mark.deep
def test_a_new_state_folder_below_a_long_and_private_path_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first time makes the database template; no unix socket's path is too long. (How long a start may
    take is measured by the bench, where nothing else runs.)"""
    state = tmp_path / ("a-rather-long-folder-name-" * 5)
    state.mkdir(mode=0o700)
    monkeypatch.setenv("KEELWATCH_STATE", str(state))
    try:
        began = time.monotonic()
        up("first", Options())
        narrate(f"first up {time.monotonic() - began:.1f} s")
        assert control.status("first").state == "ready"
    finally:
        down("first")


@pytest.mark.deep
def test_two_sandboxes_live_side_by_side(own_sandbox: str) -> None:
    other = f"{own_sandbox}-other"
    quiet = Options(history_days=0.3, requests_per_second=0)
    try:
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda name: up(name, quiet), (own_sandbox, other))
        assert not set(first.ports.values()) & set(second.ports.values())
        assert down(own_sandbox)
        assert control.status(other).state == "ready"
    finally:
        down(other)
