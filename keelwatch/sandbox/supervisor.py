"""The daemon behind one sandbox: starts its servers in order, keeps them running, answers its control socket.

Run by `lifecycle.up` as `python -m keelwatch.sandbox.supervisor`, in its own session. Everything it starts
dies with it (parent-death signal); what a `kill -9` could still leave, the next `up` or `down` ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from keelwatch.sandbox import catalogue, control, faults, flags
from keelwatch.sandbox.blows import Blows
from keelwatch.sandbox.children import Keeper, State
from keelwatch.sandbox.endpoints import Child, Endpoints, urls
from keelwatch.sandbox.estate import estate_document
from keelwatch.sandbox.find_servers import Servers, find_servers
from keelwatch.sandbox.layout import Layout, write_private
from keelwatch.sandbox.ports import REGIONS, Reservation, reserve
from keelwatch.sandbox.processes import start_ticks
from keelwatch.sandbox.rejoin import Rejoined, Rejoining
from keelwatch.sandbox.servers import haproxy, postgres
from keelwatch.sandbox.template import accounts_document, ensure_template
from keelwatch.sandbox.tls import make_certificates
from keelwatch.workspace import KeelwatchError, UsageError, boot_id

ENDPOINTS = "endpoints.json"
PAUSE_AGAIN_S = 1.0  # a standby that restarted has forgotten that its replay is paused


class Supervisor:
    def __init__(self, layout: Layout, servers: Servers) -> None:
        self.layout = layout
        self.servers = servers
        self.started = time.time()
        # History ends where life begins: no sample of one overlaps the other.
        self.backfill_until = float(int(self.started))
        self.keepers: dict[str, Keeper] = {}
        self.faults: dict[str, faults.Fault] = {}
        self.flags = flags.usual()
        self.is_ready = False
        self.stop_asked = asyncio.Event()
        self._expiry: asyncio.TimerHandle | None = None
        self._applying = asyncio.Lock()
        self._paused: set[str] = set()
        self.rejoining = Rejoining(layout, servers, self.keepers)
        self.blows = Blows(layout)

    # starting and stopping

    async def start(self, template: Path) -> None:
        """Returns when every server is ready. The first failure is raised and the others are cancelled."""
        self._write_faults()
        self._write_flags()
        make_certificates(self.layout)
        write_private(self.layout.accounts_file, accounts_document(self.layout.passwords.pseudonym_key))
        write_private(self.layout.estate_file, estate_document(self.layout))
        for server in catalogue.servers_of(self.layout, self.servers, template, self.backfill_until):
            keeper = Keeper(server, self.layout, self.servers["setpriv"], self.publish)
            self.keepers[server.name] = keeper
        try:
            async with asyncio.TaskGroup() as group:
                for keeper in self.keepers.values():
                    group.create_task(self._start_after_needs(keeper))
        except* KeelwatchError as failures:
            raise _first(failures) from None
        self.is_ready = True
        self.publish()

    async def _start_after_needs(self, keeper: Keeper) -> None:
        for name in keeper.server.after_preparing:
            await self.keepers[name].is_prepared.wait()
        for name in keeper.server.needs:
            await self.keepers[name].is_up.wait()
        await keeper.start()
        tell(step=f"{keeper.server.name} ready", after_s=round(time.time() - self.started, 2))

    async def stop(self) -> None:
        """Customers first, so that taking the rest down looks like nothing to them."""
        if self._expiry is not None:
            self._expiry.cancel()
        await asyncio.gather(*(keeper.end() for name, keeper in self.keepers.items() if name == "customers"))
        await asyncio.gather(*(keeper.end() for keeper in self.keepers.values()))
        (self.layout.folder / ENDPOINTS).unlink(missing_ok=True)

    def publish(self) -> None:
        """Write `endpoints.json` anew. Called whenever a process starts or ends."""
        if self.stop_asked.is_set():
            return
        self.endpoints().save(self.layout.folder / ENDPOINTS)

    def endpoints(self) -> Endpoints:
        own = Child("supervisor", "supervisor", None, os.getpid(), start_ticks(os.getpid()) or 0)
        children = [keeper.child for keeper in self.keepers.values() if keeper.child is not None]
        return Endpoints(
            name=self.layout.name,
            id=self.layout.id,
            boot_id=boot_id(),
            state="ready" if self.is_ready else "starting",
            started=self.started,
            backfill_until=self.backfill_until,
            ca_file=str(self.layout.ca_file),
            control=str(self.layout.folder / control.SOCKET),
            accounts_file=str(self.layout.accounts_file),
            estate_file=str(self.layout.estate_file),
            heartbeat_file=str(self.layout.heartbeat_file),
            urls=urls(self.layout.ports),
            ports=dict(self.layout.ports),
            processes=(own, *children),
        )

    # faults

    async def set_fault(self, fault: faults.Fault) -> None:
        """In force when this returns. What happens once is remembered for its holder alone.

        Raises `UsageError`; a fault with a holder replaces nobody else's.
        """
        now = self.active(fault.id)
        if fault.holder and now is not None and now.holder != fault.holder:
            raise UsageError(f"{fault.target} is set already", "keelwatch sandbox fault list")
        await self.refuse_impossible(fault)
        if fault.kind in faults.HAPPEN_ONCE:
            await self.blows.strike(fault, self.processes_of(fault))
            return
        self.faults[fault.id] = fault
        await self.apply()

    def active(self, id_: str) -> faults.Fault | None:
        """The fault in force under this id; or the blow, while it counts."""
        found = self.faults.get(id_)
        return found if found and found.until > time.time() else self.blows.counting(id_)

    async def refuse_impossible(self, fault: faults.Fault) -> None:
        """Raises `UsageError` for what cannot be done as things stand."""
        if fault.target == "edge.latency" and not self.servers.haproxy_has_lua:
            raise UsageError(
                "edge.latency needs an HAProxy built with Lua", "allowed: edge.errors, edge.down"
            )
        if fault.target == "edge.reload":
            for keeper in self.processes_of(fault):
                if keeper.state is not State.READY:
                    raise UsageError(f"{keeper.server.name} does not run: it cannot reload")
        if fault.target == "database.paused":
            await self._refuse_without_standby(fault)

    async def _refuse_without_standby(self, fault: faults.Fault) -> None:
        regions = [region for region in REGIONS if fault.strikes(region)]
        paused = await asyncio.gather(*(postgres.is_paused(self.layout, region) for region in regions))
        if all(one is None for one in paused):
            raise UsageError(
                f"no standby answers in {' or '.join(regions)}: there is no replay to pause",
                "a primary replays nothing; name the other region",
            )

    async def clear_faults(self, target: str | None, holder: str = "") -> list[faults.Fault]:
        """Clears all, or those of `target` (`billing`, `billing.errors` or an id), or of these the holder's;
        returns them."""
        asked = [f for f in self.faults.values() if target in {None, f.component, f.target, f.id}]
        gone = [fault for fault in asked if holder in {"", fault.holder}]
        for fault in gone:
            del self.faults[fault.id]
        await self.apply()
        return [*gone, *self.blows.forget(target, holder)]

    async def apply(self) -> None:
        """Make the world match `self.faults`; called on each change and when a fault runs out."""
        async with self._applying:
            now = time.time()
            self.faults = {key: fault for key, fault in self.faults.items() if fault.until > now}
            self._write_faults()
            await haproxy.apply_faults(self.layout, faults.edge_map(self.faults.values()))
            await self._hold_and_release()
            await self._pause_and_resume()
            self._wake_at_next_end(now)

    async def _pause_and_resume(self) -> None:
        active = [fault for fault in self.faults.values() if fault.target == "database.paused"]
        wanted = {region for region in REGIONS if any(fault.strikes(region) for fault in active)}
        done = self._paused - wanted
        self._paused = wanted
        await asyncio.gather(*(postgres.pause_replay(self.layout, region) for region in wanted))
        await asyncio.gather(*(postgres.resume_replay(self.layout, region) for region in done))

    async def _hold_and_release(self) -> None:
        """What is stopped for rejoining is nobody else's to start or stop; its fault is looked at after."""
        stopping = [fault for fault in self.faults.values() if fault.kind in faults.STOP_PROCESSES]
        held = {keeper.server.name: fault for fault in stopping for keeper in self.processes_of(fault)}
        changes = []
        for name, keeper in self.keepers.items():
            if name in self.rejoining.under_way:
                continue
            if name in held and keeper.state is not State.HELD:
                changes.append(keeper.hold(by_kill=held[name].kind == "killed"))
            elif name not in held and keeper.state is State.HELD:
                changes.append(keeper.release())
        await asyncio.gather(*changes)

    # the portal

    def set_flag(self, flag: str, values: object) -> flags.Flags:
        """In force for every request that begins after this returns. Raises `UsageError`."""
        self.flags = flags.changed(self.flags, flag, values)
        self._write_flags()
        return self.flags

    def _write_flags(self) -> None:
        write_private(self.layout.flags_file, flags.to_json(self.flags))

    def down(self, component: str) -> list[str]:
        """The regions where no server of `component` runs."""
        silent = {State.HELD, State.CRASHED, State.ENDED}
        found = [one for one in self.keepers.values() if one.server.component == component]
        return [one.server.region for one in found if one.server.region and one.state in silent]

    async def rejoin(self, component: str, region: str) -> Rejoined:
        try:
            return await self.rejoining.rejoin(component, region)
        finally:
            await self.apply()

    def processes_of(self, fault: faults.Fault) -> list[Keeper]:
        return [
            keeper
            for keeper in self.keepers.values()
            if keeper.server.component == fault.component
            and fault.strikes(keeper.server.region)
            and not keeper.server.is_beside
        ]

    def _write_faults(self) -> None:
        write_private(self.layout.faults_file, faults.to_json(self.faults.values()))

    def _wake_at_next_end(self, now: float) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if self.faults:
            soonest = min(fault.until for fault in self.faults.values()) - now
            if self._paused:
                soonest = min(soonest, PAUSE_AGAIN_S)
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(soonest + 0.02, self._expire)

    def _expire(self) -> None:
        self._expiring = asyncio.create_task(self.apply())


def _first(failures: BaseExceptionGroup[KeelwatchError]) -> KeelwatchError:
    found: BaseException = failures
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, KeelwatchError)
    return found


def tell(**news: object) -> None:
    """One JSON line to whoever waits for `up`; nobody may be listening any more."""
    with contextlib.suppress(OSError, ValueError):
        print(json.dumps(news), flush=True)  # noqa: T201 stdout is the pipe to `lifecycle.up`, not a screen


async def serve(options: argparse.Namespace, reservation: Reservation, servers: Servers) -> int:
    folder = Path(options.folder)
    template, passwords = await ensure_template(folder.parent / ".cache", servers)
    layout = Layout(
        name=options.name,
        id=options.id,
        folder=folder,
        ports=reservation.ports,
        passwords=passwords,
        seed=options.seed,
        requests_per_second=options.rate,
        history_days=options.history_days,
    )
    for part in ("config", "data"):
        (folder / part).mkdir(mode=0o700, exist_ok=True)
    layout.save()
    supervisor = Supervisor(layout, servers)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop_asked.set)
    async with control.listening(supervisor):
        try:
            await _start_or_stop(supervisor, template)
            if supervisor.is_ready:
                tell(ready=True, after_s=round(time.time() - supervisor.started, 2))
                await supervisor.stop_asked.wait()
        finally:
            supervisor.stop_asked.set()
            await supervisor.stop()
    return 0


async def _start_or_stop(supervisor: Supervisor, template: Path) -> None:
    starting = asyncio.create_task(supervisor.start(template))
    stopping = asyncio.create_task(supervisor.stop_asked.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return
    await starting


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="keelwatch.sandbox.supervisor")
    parser.add_argument("--name", required=True)
    parser.add_argument("--id", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--history-days", type=float, required=True)
    parser.add_argument("--base", type=int)
    parser.add_argument("--ports", type=json.loads, default={})
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    os.umask(0o077)  # every child too: logs and data are the user's alone
    try:
        servers = find_servers()
        reservation = reserve(options.base, options.ports)
        return asyncio.run(serve(options, reservation, servers))
    except KeelwatchError as error:
        tell(error=error.message, hint=error.hint, usage=error.exit_code == 2)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
