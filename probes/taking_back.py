"""The requests of an undo and of its proof, made by whichever process undoes.

The run itself uses the session it has. Its guardian, or `heal`, logs in anew with the same account; nothing
secret is on record, only the names of secrets.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from keelwatch.ledger import JsonObject
from keelwatch.workspace.entrance import Entrance
from keelwatch.workspace.errors import SourceError, UsageError
from keelwatch.workspace.secret import resolve
from probes.answer import Answer
from probes.login import LoginFailed, Trail, log_in
from probes.names import UnsetName
from probes.one_time_code import LastSteps
from probes.place import Place
from probes.spec import Expect, Login, Step
from probes.visit import Session, Visit, first_names
from probes.wire import LagMeter, Resolver, Trust, Wire, WireFailure, WireRequest


@dataclass(slots=True)
class Live:
    """The session of an execution that goes on in this process, or of an undo before. `reserve_s`: what is
    left of its time for undoing. Only asking takes from it: no queue before the first question, no wait for
    a one-time code, and none for a request in doubt to land. `say` tells whoever follows."""

    session: Session | None
    reserve_s: float | None = None
    say: Callable[[str], None] = lambda _: None


LIVING: dict[str, Live] = {}
"""By the id of the execution."""


def asked(args: JsonObject, what: str, within_s: float, key: str = "") -> Answer:
    """The answer to the request recorded under `what`; `key` is its idempotency key, where it has none of
    its own. Raises `KeelwatchError` when no answer comes in time."""
    live = LIVING.setdefault(str(args["execution"]), Live(None))
    left_s = within_s if live.reserve_s is None else live.reserve_s
    if left_s <= 0:
        raise SourceError("the time kept for undoing is over")
    try:
        return asyncio.run(_in_visit(args, what, live, left_s, lambda visit: _send(visit, args, what, key)))
    except TimeoutError:
        raise SourceError(f"the undo was not answered within {left_s:.0f} s") from None
    except WireFailure as failure:
        raise SourceError(f"the undo failed: {failure.reason}") from None
    except LoginFailed as failure:
        raise SourceError(f"cannot log in to undo: {failure.reason}") from None
    except (UnsetName, ValueError) as error:
        raise UsageError(f"the undo cannot be made: {error}") from None


type Act = Callable[[Visit], Awaitable[Answer]]


async def _in_visit(args: JsonObject, what: str, live: Live, left_s: float, act: Act) -> Answer:
    place = Place(Path(str(args["workspace"])), str(args["environment"]), str(args["sandbox"]))
    _, entrance = place.find()
    async with LagMeter() as lag, Wire(Trust.of(entrance.ca), Resolver(), lag, entrance.hosts) as wire:
        visit = _visit(args, entrance, wire)
        visit.say = live.say
        began = time.monotonic()
        try:
            async with asyncio.timeout(left_s) as clock:
                visit.clocks.append(clock)
                return await _admitted(args, what, live, visit, act)
        finally:
            if live.reserve_s is not None:
                live.reserve_s -= max(0.0, time.monotonic() - began - visit.waited_s)


async def _admitted(args: JsonObject, what: str, live: Live, visit: Visit, act: Act) -> Answer:
    """`act` with the living session, or, where that is none or refused, with a new one; without one where
    the request wants none."""
    if cast("JsonObject", args[what]).get("auth") == "none":
        return await act(visit)
    session = live.session if args["own"] else None
    if session is not None and session.access is not None:
        visit.enter(session)
        answer = await act(visit)
        if answer.status not in {401, 403}:
            return answer
    await _enter(args, visit, live)
    return await act(visit)


async def _enter(args: JsonObject, visit: Visit, live: Live) -> None:
    if args["login"] is None:  # the journey never logged in
        return
    login = login_of(cast("JsonObject", args["login"]))
    await log_in(visit, login, Trail(), LastSteps(visit.entrance.environment))
    if args["own"]:
        live.session = visit.session


def _visit(args: JsonObject, entrance: Entrance, wire: Wire) -> Visit:
    account = None
    if args["account"]:
        pool = entrance.pool(str(args["pool"]))
        account = next((one for one in pool if one.name == args["account"]), None)
        if account is None:
            raise UsageError(f"the pool {args['pool']} has no account {args['account']} any more")
    region, trace = str(args["region"]), secrets.token_hex(16)
    visit = Visit(entrance, region, wire, trace, account)
    visit.names |= first_names(account, region, str(args["execution"]), trace)
    for name, reference in cast("dict[str, str]", args["secrets"]).items():
        visit.names[f"secret.{name}"] = resolve(reference, Path(str(args["folder"])))
    return visit


def request_of(visit: Visit, recorded: JsonObject) -> WireRequest:
    """The request on record, made. Raises `UnsetName`, and `ValueError` for what makes no request."""
    parts = {key: one for key, one in recorded.items() if key != "expect"}
    method, path = str(parts.pop("method")), str(parts.pop("path"))
    return visit.request(method, path, Step.model_validate({method: path, **parts}))


def expect_of(verify: JsonObject) -> Expect:
    """What the proof on record expects. Raises `ValueError`."""
    return Expect.model_validate(verify.get("expect") or {})


def login_of(login: JsonObject) -> Login:
    """The login on record. Raises `ValueError`."""
    return Login.model_validate(login)


async def _send(visit: Visit, args: JsonObject, what: str, key: str) -> Answer:
    request = request_of(visit, cast("JsonObject", args[what]))
    if key and not any(name.lower() == "idempotency-key" for name, _ in request.headers):
        request = replace(request, headers=(*request.headers, ("Idempotency-Key", key)))
    answer: Answer = await visit.wire.follow(request)
    return answer
