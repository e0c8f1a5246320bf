"""The arguments of a verb, as they stand on record, read strictly: whoever recorded them may be another
version, or a person's mistake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keelwatch.ledger import JsonObject
from keelwatch.workspace.entrance import Entrance, find_entrance
from keelwatch.workspace.errors import UsageError
from keelwatch.workspace.estate import Estate, find_estate

PLACE = ("workspace", "environment", "sandbox")


def estate_in(args: JsonObject, *known: str) -> Estate:
    """The estate that `workspace`, `environment` and perhaps `sandbox` name, found anew. Raises `UsageError`
    for an argument that is neither one of these nor `known`, and what finding an estate raises."""
    strict(args, *known)
    return find_estate(Path(word(args, "workspace")), word(args, "environment"), word(args, "sandbox", ""))


def entrance_in(args: JsonObject) -> Entrance:
    """The entrance of the environment that `args` name. Raises what finding one raises."""
    return find_entrance(Path(word(args, "workspace")), word(args, "environment"), word(args, "sandbox", ""))


def root_in(args: JsonObject) -> Path:
    """The workspace's folder, to which its files are relative."""
    return Path(word(args, "workspace")).parent


def strict(args: JsonObject, *known: str) -> None:
    """Raises `UsageError` for an argument that is neither `known` nor tells where the estate is."""
    strange = sorted(set(args) - {*PLACE, *known})
    if strange:
        raise UsageError(f"unknown argument {strange[0]!r}", "known: " + ", ".join(known))


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


def truths(args: JsonObject, key: str) -> dict[str, bool]:
    """Names to true or false; empty when it is not given."""
    value = args.get(key, {})
    if isinstance(value, Mapping):
        found = {name: one for name, one in value.items() if isinstance(one, bool)}
        if len(found) == len(value):
            return found
    raise UsageError(f"the argument {key!r} must map names to true or false, got {value!r}")


def words_by_name(args: JsonObject, key: str) -> dict[str, str]:
    """Names to texts; empty when it is not given."""
    value = args.get(key, {})
    if isinstance(value, Mapping):
        found = {name: one for name, one in value.items() if isinstance(one, str)}
        if len(found) == len(value):
            return found
    raise UsageError(f"the argument {key!r} must map names to texts")


def words(args: JsonObject, key: str) -> list[str]:
    """Texts, none of them empty; empty when it is not given."""
    value = args.get(key, [])
    if isinstance(value, list):
        found = [one for one in value if isinstance(one, str) and one]
        if len(found) == len(value):
            return found
    raise UsageError(f"the argument {key!r} must be a list of texts, got {value!r}")


def statuses(args: JsonObject, key: str) -> frozenset[int]:
    """Statuses of HTTP; empty when it is not given."""
    value = args.get(key, [])
    if isinstance(value, list):
        found = [one for one in value if type(one) is int and 100 <= one <= 599]
        if len(found) == len(value):
            return frozenset(found)
    raise UsageError(f"the argument {key!r} must be a list of statuses 100..599, got {value!r}")
