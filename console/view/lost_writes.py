"""The acknowledged writes that a failover has lost, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from console.view.numbers import clock
from keelwatch.ledger import JsonObject
from keelwatch.runs.fields import number, text, whole


def lost_words(measured: JsonObject) -> str:
    """`4711-4719 (west, 03:14:07Z to 03:14:08Z), 4725 (west, 03:14:09Z)`: which ones, by the heartbeat's
    numbers, and when they were acknowledged."""
    found = measured.get("lost_ranges")
    told = found if isinstance(found, list) else []
    return ", ".join(_range_words(one) for one in told if isinstance(one, Mapping))


def _range_words(one: JsonObject) -> str:
    first, last = whole(one, "first"), whole(one, "last")
    since, until = clock(number(one, "since")), clock(number(one, "until"))
    numbers = str(first) if first == last else f"{first}-{last}"
    when = since if since == until else f"{since} to {until}"
    return f"{numbers} ({text(one, 'region')}, {when})"
