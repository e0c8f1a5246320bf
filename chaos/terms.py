"""What the arguments `value` and `for_` of our own actions may be, for whoever reads an experiment and for
the action itself. Pure."""

from __future__ import annotations

from keelwatch.workspace.errors import UsageError

USUAL_END = "5m"
A_DURATION = "a duration like 90s, 5m or 1h30m"


def lasting_s(for_: object) -> float:
    """Raises `UsageError` for what is no duration: a bare number says no unit."""
    from keelwatch.workspace.reader import parse_duration, shown

    try:
        return parse_duration(for_ if isinstance(for_, str) else "").total_seconds()
    except ValueError:
        raise UsageError(f"the argument 'for_' must be {A_DURATION}, got {shown(for_)}") from None


def value_of[ValueT](value: ValueT) -> ValueT | str:
    """Chaos Toolkit's YAML takes an unquoted `on` for true."""
    return "on" if value is True else value
