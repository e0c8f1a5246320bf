"""Reading typed fields out of a payload; a field that is missing or of another type reads as empty,
for a ledger may hold facts of an older or newer Keelwatch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from keelwatch.ledger.fact import JsonObject


def text(payload: JsonObject, key: str) -> str:
    value = payload.get(key)
    return value if isinstance(value, str) else ""


def number(payload: JsonObject, key: str) -> float:
    value = payload.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def whole(payload: JsonObject, key: str) -> int:
    return int(number(payload, key))


def mapping(payload: JsonObject, key: str) -> JsonObject:
    value = payload.get(key)
    return value if isinstance(value, Mapping) else {}


def wholes(payload: JsonObject, key: str) -> tuple[int, ...]:
    value = payload.get(key)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in value if isinstance(item, int))


def texts(payload: JsonObject, key: str) -> tuple[str, ...]:
    value = payload.get(key)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def one_of[E: StrEnum](payload: JsonObject, key: str, otherwise: E) -> E:
    """The member of the enumeration that `otherwise` belongs to; `otherwise` for a word it does not know."""
    try:
        return type(otherwise)(text(payload, key))
    except ValueError:
        return otherwise
