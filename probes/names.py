"""`$name` in a journey: what it stands for, and putting it in place. No expressions, no eval.

$plan               a capture of this journey, or one of the names below
$account.name, .password, .mailbox     the leased account
    $session.access, .refresh, .id_token   of the last login; .old_access, .old_refresh: the one before
$run.id, $run.trace, $region           this execution
$random.mailbox, .account, .word       made up anew for each execution
$secret.NAME                           a secret the journey declares
$$                                     a dollar sign

`${plan}` is the same as `$plan`, for where a letter, a digit or _ follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from keelwatch.workspace.document import Plain as JsonValue
from keelwatch.workspace.secret import Secret

NAMESPACES = ("account", "random", "run", "secret", "session")
BUILT_IN = frozenset(
    {"region"}
    | {f"account.{part}" for part in ("name", "password", "mailbox")}
    | {f"session.{part}" for part in ("access", "refresh", "id_token", "old_access", "old_refresh")}
    | {f"run.{part}" for part in ("id", "trace")}
    | {f"random.{part}" for part in ("mailbox", "account", "word")}
)
SECRET_NAMES = frozenset({"account.password"} | {name for name in BUILT_IN if name.startswith("session.")})

_WORD = rf"(?:{'|'.join(NAMESPACES)})\.[a-z][a-z0-9_]*|[a-z][a-z0-9_]*"
_NAME = re.compile(rf"\$(?:(?P<dollar>\$)|(?P<nothing>\{{\}})|(?P<bare>{_WORD})|\{{(?P<braced>{_WORD})\}})")
_NOTHING = "${}"  # only written by `recorded`: it keeps a mapping of a value from being read as a `pick`

type Known = JsonValue | Secret
type Names = Mapping[str, Known]


class UnsetName(Exception):
    """A name that has no value at this point of the journey."""

    def __init__(self, name: str) -> None:
        super().__init__(f"${name} has no value")
        self.name = name


def names_in(value: JsonValue) -> Iterator[str]:
    """Every name that `value` reads, in order, repeated ones too."""
    match value:
        case str():
            yield from (name for found in _NAME.finditer(value) if (name := _name_of(found)))
        case list():
            for one in value:
                yield from names_in(one)
        case dict():
            for key, one in value.items():
                yield from names_in(key)
                yield from names_in(one)


def without_names(text: str) -> str:
    return _NAME.sub("", text)


def lone_dollars(text: str) -> bool:
    """Whether `text` holds a dollar sign that begins no name."""
    return "$" in without_names(text)


def filled(value: JsonValue, names: Names) -> JsonValue:
    """`value` as it is sent: names replaced, `pick` picked. Raises `UnsetName`.

    A text that is one name becomes that name's value, whatever its type; the sink masks the secrets.
    """
    return _filled(value, names, _revealed)


def recorded(value: JsonValue, names: Names) -> JsonValue:
    """`value` as it is written down: secrets stay names, and no value can pass for one later."""
    return _filled(value, names, _escaped)


def filled_text(text: str, names: Names) -> str:
    """Like `filled`, for what can only be a text."""
    return _NAME.sub(lambda found: _shown(found, names, _revealed), text)


def filled_regex(expression: str, names: Names) -> str:
    """Like `filled_text`, for a regular expression: what a name stands for matches literally, and `$$` is a
    dollar sign to be found. A `$` that begins no name stays the anchor that it is."""
    return _NAME.sub(lambda found: re.escape(_shown(found, names, _revealed)), expression)


def recorded_regex(expression: str, names: Names) -> str:
    """Like `recorded`, for a regular expression that `filled_regex` fills later."""

    def put(found: re.Match[str]) -> str:
        name = _name_of(found)
        if not name:
            return found[0]
        value = _known(name, names)
        if isinstance(value, Secret):
            return _text(_escaped(name, value))
        return _doubled_text(re.escape(_shown(found, names, _revealed)).replace("\\$", "$"))

    return _NAME.sub(put, expression)


def _name_of(found: re.Match[str]) -> str | None:
    return found["bare"] or found["braced"]


def _revealed(_name: str, value: Known) -> JsonValue:
    return value.reveal() if isinstance(value, Secret) else value


def _escaped(name: str, value: Known) -> JsonValue:
    # In braces, for a value may follow whose letters would otherwise become part of the name.
    return f"${{{name}}}" if isinstance(value, Secret) else _doubled(value)


def _doubled_text(text: str) -> str:
    return text.replace("$", "$$")


def _doubled(value: JsonValue) -> JsonValue:
    match value:
        case str():
            return _doubled_text(value)
        case list():
            return [_doubled(one) for one in value]
        case dict():
            mark = _NOTHING if _is_pick(value) else ""
            return {mark + _doubled_text(key): _doubled(one) for key, one in value.items()}
        case _:
            return value


type Put = Callable[[str, Known], JsonValue]


def _filled(value: JsonValue, names: Names, put: Put) -> JsonValue:
    match value:
        case str():
            whole = _NAME.fullmatch(value)
            if whole and (name := _name_of(whole)):
                return put(name, _known(name, names))
            return _NAME.sub(lambda found: _shown(found, names, put), value)
        case list():
            return [_filled(one, names, put) for one in value]
        case dict() if _is_pick(value):
            return _picked(value["pick"], value.get("not"), names, put)
        case dict():
            return {
                _NAME.sub(lambda found: _shown(found, names, put), key): _filled(one, names, put)
                for key, one in value.items()
            }
        case _:
            return value


def _is_pick(value: Mapping[str, JsonValue]) -> bool:
    return set(value) in ({"pick"}, {"pick", "not"})


def _picked(choices: JsonValue, taken: JsonValue, names: Names, put: Put) -> JsonValue:
    """The first choice that is not `taken`; null when none is left."""
    refused = _filled(taken, names, _revealed)
    for choice in choices if isinstance(choices, list) else []:
        if _filled(choice, names, _revealed) != refused:
            return _filled(choice, names, put)
    return None


def _shown(found: re.Match[str], names: Names, put: Put) -> str:
    name = _name_of(found)
    if name is None:
        return found[0] if put is not _revealed else "$" if found["dollar"] else ""
    return _text(put(name, _known(name, names)))


def _text(value: JsonValue) -> str:
    match value:
        case str():
            return value
        case True | False:
            return str(value).lower()
        case None:
            return ""
        case _:
            return str(value)


def _known(name: str, names: Names) -> Known:
    try:
        return names[name]
    except KeyError:
        raise UnsetName(name) from None
