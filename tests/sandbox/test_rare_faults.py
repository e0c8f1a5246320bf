"""What only some components can suffer: killed, paused and reloaded."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psycopg
import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.sandbox.processes import with_descendants
from keelwatch.workspace import UsageError
from tests.sandbox.failing_over import estate_of
from tests.sandbox.running import RunningSandbox, marked_processes
from tests.sandbox.test_faults import NAME, is_ready, server, set_fault, statuses
from tests.sandbox.waiting import until

pytestmark = pytest.mark.deep


def test_a_killed_database_stays_down_until_its_fault_ends(sandbox: RunningSandbox) -> None:
    before = sandbox.pid("postgres-east")
    set_fault("database.killed", "on", "east", for_s=3)
    assert server("postgres-east").state == "held"
    assert not Path(f"/proc/{before}").exists()
    with sandbox.customer(edge="west-edge") as west:
        assert statuses(west, "/v1/invoices") == {200: 12}
    until(lambda: is_ready("postgres-east"), 20)
    until(sandbox.is_streaming, 15)


def test_a_paused_replay_shows_as_lag_and_catches_up(sandbox: RunningSandbox) -> None:
    with psycopg.connect(sandbox.conninfo("east"), autocommit=True) as standby:

        def behind() -> int:
            row = standby.execute(
                "select pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())"
            ).fetchone()
            return int(row[0]) if row else 0

        set_fault("database.paused", "on", "east")
        until(lambda: behind() > 2000)
        control.clear_faults("database.paused", name=NAME)
        until(lambda: behind() < 2000)


def test_a_pause_outlives_a_restart_of_the_standby_and_ends_by_itself(sandbox: RunningSandbox) -> None:
    paused = "select pg_get_wal_replay_pause_state()"
    set_fault("database.paused", "on", "all", for_s=15)
    before = sandbox.pid("postgres-east")
    set_fault("database.crash", "on", "east")
    until(lambda: sandbox.pid("postgres-east") != before and is_ready("postgres-east"), 10)
    with psycopg.connect(sandbox.conninfo("east"), autocommit=True) as standby:
        until(lambda: standby.execute(paused).fetchone() == ("paused",), 8)
        until(lambda: standby.execute(paused).fetchone() == ("not paused",), 20)


def test_a_primary_has_no_replay_to_pause(sandbox: RunningSandbox) -> None:
    with pytest.raises(UsageError, match="no standby answers in west"):
        set_fault("database.paused", "on", "west")
    assert control.faults(NAME) == ()


def test_a_reload_of_the_edge_loses_the_weights_and_leaves_no_process_behind(sandbox: RunningSandbox) -> None:
    estate = estate_of(sandbox)
    master = sandbox.pid("haproxy")

    def weight() -> str:
        return estate.edge("get weight portal/west-1").split()[0]

    with sandbox.customer() as client:
        estate.edge("set weight portal/west-1 50%")
        estate.edge("set weight portal/west-1 0")
        assert weight() == "0"
        set_fault("edge.reload", "on")
        assert weight() != "0"
        assert control.faults(NAME) == (), "a reload happens once"
        assert statuses(client, "/v1/session") == {200: 12}
    assert sandbox.pid("haproxy") == master
    until(lambda: len(with_descendants([master])) == 2, 8)
    assert len(programs("haproxy", sandbox.first.id)) == 2


def programs(name: str, identity: str) -> list[int]:
    return [pid for pid in marked_processes(identity) if name in Path(f"/proc/{pid}/comm").read_text()]


def test_no_worker_of_the_edge_outlives_its_master(sandbox: RunningSandbox) -> None:
    master = sandbox.pid("haproxy")
    both = with_descendants([master])
    assert len(both) == 2
    os.kill(master, signal.SIGKILL)
    until(lambda: not any(process.is_alive() for process in both), 5)
    until(lambda: sandbox.pid("haproxy") != master and is_ready("haproxy"), 15)


def test_a_reload_needs_an_edge_that_runs(sandbox: RunningSandbox) -> None:
    set_fault("edge.down", "on")
    with pytest.raises(UsageError, match="haproxy does not run"):
        set_fault("edge.reload", "on")
