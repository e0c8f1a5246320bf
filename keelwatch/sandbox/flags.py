"""The portal's switches: which there are, and how they stand at first. Values in, values out.

    maintenance         usually off; on: pages and changes answer 503 with Retry-After, reads and logins go on
    self-registration   usually on; off: nobody becomes a customer, those whose mail is on its way excepted

A flag stands by region, and stays as it is until it is set again, or the sandbox goes down.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from keelwatch.sandbox.ports import REGIONS
from keelwatch.workspace import UsageError

Flags = Mapping[str, Mapping[str, bool]]

USUAL: Mapping[str, bool] = {"maintenance": False, "self-registration": True}


def usual() -> Flags:
    return {flag: dict.fromkeys(REGIONS, value) for flag, value in USUAL.items()}


def changed(flags: Flags, flag: str, values: object) -> Flags:
    """`flags` with those of `values` (region to true or false) set. Raises `UsageError`."""
    if flag not in USUAL:
        raise UsageError(f"there is no flag {flag!r}", "there are: " + ", ".join(USUAL))
    if not isinstance(values, Mapping) or not values:
        raise UsageError("values maps regions to true or false")
    for region, value in values.items():
        if region not in REGIONS or not isinstance(value, bool):
            raise UsageError(f"{flag} cannot be {value!r} in {region!r}", "true or false, in west or east")
    return {**flags, flag: {**flags[flag], **values}}


def to_json(flags: Flags) -> str:
    return json.dumps({flag: dict(values) for flag, values in flags.items()})


def from_json(text: str) -> Flags:
    return {
        str(flag): {str(region): bool(value) for region, value in values.items()}
        for flag, values in json.loads(text).items()
    }
