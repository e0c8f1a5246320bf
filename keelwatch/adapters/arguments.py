"""The arguments of a verb, as they stand on record, read strictly: whoever recorded them may be another
version, or a person's mistake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keelwatch.ledger import JsonObject
from keelwatch.workspace.errors import UsageError
from keelwatch.workspace.estate import Estate, find_estate

PLACE = ("workspace", "environment", "sandbox")


def estate_in(args: JsonObject, *known: str) -> Estate:
    """The estate that `workspace`, `environment` and perhaps `sandbox` name, found anew. Raises `UsageError`
    for an argument that is neither one of these nor `known`, and what finding an estate raises."""
    strange = sorted(set(args) - {*PLACE, *known})
    if strange:
        raise UsageError(f"unknown argument {strange[0]!r}", "known: " + ", ".join(known))
    return find_estate(Path(word(args, "workspace")), word(args, "environment"), word(args, "sandbox", ""))


def place_in(args: JsonObject) -> JsonObject:
    """What tells another action where to find the same estate."""
    return {key: args[key] for key in PLACE if key in args}


def word(args: JsonObject, key: str, default: str | None = None) -> str:
    """Text. Without a `default` it must be there; so with the others."""
    value = args.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise UsageError(f"the argument {key!r} must be a text, got {value!r}")
    return value


def choice[T: str](args: JsonObject, key: str, choices: tuple[T, ...]) -> T:
    """One of `choices`; the first when it is not given."""
    value = args.get(key, choices[0])
    found = next((one for one in choices if one == value), None)
    if found is None:
        raise UsageError(f"the argument {key!r} must be one of {', '.join(choices)}, got {value!r}")
    return found


def amount(args: JsonObject, key: str, default: float, most: float) -> float:
    """A number from 0 to `most`."""
    value = args.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise UsageError(f"the argument {key!r} must be a number from 0 to {most:g}, got {value!r}")
    return float(value)


def maybe_amount(args: JsonObject, key: str) -> float | None:
    """A number that may be left out; not negative."""
    return None if args.get(key) is None else amount(args, key, 0, float("inf"))


def truth(args: JsonObject, key: str, *, default: bool) -> bool:
    value = args.get(key, default)
    if not isinstance(value, bool):
        raise UsageError(f"the argument {key!r} must be true or false, got {value!r}")
    return value


def counts(args: JsonObject, key: str, most: int) -> dict[str, int]:
    """Names to whole numbers from 0 to `most`; empty when it is not given."""
    value = args.get(key, {})
    if isinstance(value, Mapping):
        found = {name: one for name, one in value.items() if type(one) is int and 0 <= one <= most}
        if len(found) == len(value):
            return found
    raise UsageError(f"the argument {key!r} must map names to whole numbers 0..{most}, got {value!r}")
