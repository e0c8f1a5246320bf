"""Records as JSON, and back: the form they have in streams, in stored results and in reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import cast

from keelwatch.ledger import JsonObject
from keelwatch.runs.fields import mapping, number, text, whole
from probes.answer import without_halves
from probes.record import (
    Cause,
    Check,
    Exchange,
    Execution,
    Hop,
    Lag,
    Result,
    StepRecord,
    StepState,
    UndoRecord,
)


def to_json(record: Execution | StepRecord) -> JsonObject:
    """Tuples become lists, enums their values; every text can be written in any encoding."""
    return cast("JsonObject", _plain(asdict(record)))


def _plain(value: object) -> object:
    match value:
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case str() | bytes():
            return without_halves(str(value))
        case Sequence():
            return [_plain(one) for one in value]
        case float():
            return round(value, 3)
        case _:
            return value


def execution_of(found: JsonObject) -> Execution:
    """Raises `ValueError` for what is no execution, or one of another version."""
    try:
        return Execution(
            environment=text(found, "environment"),
            journey=text(found, "journey"),
            component=text(found, "component"),
            region=text(found, "region"),
            run=text(found, "run"),
            id=text(found, "id"),
            account=text(found, "account"),
            trace=text(found, "trace"),
            started=number(found, "started"),
            took_s=number(found, "took_s"),
            result=Result(text(found, "result")),
            reason=text(found, "reason"),
            cause=_cause(found),
            failed_step=None if found["failed_step"] is None else whole(found, "failed_step"),
            steps=tuple(step_of(one) for one in _list(found, "steps")),
            undos=tuple(
                UndoRecord(text(one, "step"), bool(one["done"]), text(one, "error"))
                for one in _list(found, "undos")
            ),
            first_try=bool(found["first_try"]),
            tainted=bool(found["tainted"]),
            lag_ms=number(found, "lag_ms"),
            slip_s=number(found, "slip_s"),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no execution of a journey: {error}") from None


def step_of(found: JsonObject) -> StepRecord:
    """Raises `ValueError` for what is no step, or one of another version."""
    try:
        return _step(found)
    except (KeyError, TypeError) as error:
        raise ValueError(f"no step of a journey: {error}") from None


def _step(found: JsonObject) -> StepRecord:
    lag, exchange = mapping(found, "lag"), mapping(found, "exchange")
    return StepRecord(
        index=whole(found, "index"),
        name=text(found, "name"),
        action=text(found, "action"),
        state=StepState(text(found, "state")),
        started_ms=number(found, "started_ms"),
        took_ms=number(found, "took_ms"),
        waited_s=number(found, "waited_s"),
        hops=tuple(_hop(one) for one in _list(found, "hops")),
        checks=tuple(
            Check(text(one, "what"), bool(one["ok"]), text(one, "expected"), text(one, "found"))
            for one in _list(found, "checks")
        ),
        captured={name: str(value) for name, value in mapping(found, "captured").items()},
        retries=tuple(str(one) for one in cast("list[str]", found["retries"])),
        cause=_cause(found),
        reason=text(found, "reason"),
        lag=Lag(text(lag, "name"), number(lag, "lower_s"), number(lag, "upper_s")) if lag else None,
        exchange=Exchange(text(exchange, "request"), text(exchange, "response"), text(exchange, "curl"))
        if exchange
        else None,
    )


def _hop(found: JsonObject) -> Hop:
    phases = mapping(found, "phases")
    expires = found["tls_expires"]
    return Hop(
        method=text(found, "method"),
        url=text(found, "url"),
        status=whole(found, "status"),
        phases={name: number(phases, name) for name in phases},
        reused=bool(found["reused"]),
        address=text(found, "address"),
        http=text(found, "http"),
        tls=text(found, "tls"),
        tls_expires=None if expires is None else float(cast("float", expires)),
        tls_serial=text(found, "tls_serial"),
        corrected=bool(found["corrected"]),
        tainted=bool(found["tainted"]),
    )


def _cause(found: JsonObject) -> Cause | None:
    return None if found["cause"] is None else Cause(str(found["cause"]))


def _list(found: JsonObject, name: str) -> list[JsonObject]:
    return [one for one in cast("list[JsonObject]", found[name]) if isinstance(one, dict)]
