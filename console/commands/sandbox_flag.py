"""`keelwatch sandbox flag`: the switches of the sandbox's portal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import click

from console.commands.sandbox import named, require_operator_of_sandbox
from console.options import as_json
from console.output import emit_json
from keelwatch.workspace import SystemClock, UsageError, write_out


@click.command()
@click.argument("flag", required=False)
@click.argument("value", type=click.Choice(["on", "off"]), required=False)
@click.option("--region", default="all", show_default=True, help="west, east or all.")
@named
@as_json
def flag(
    flag: str | None, value: Literal["on", "off"] | None, region: str, name: str, *, json_wanted: bool
) -> None:
    """Show the portal's switches, or set one.

    \b
    keelwatch sandbox flag
    keelwatch sandbox flag maintenance on --region west
    """
    from keelwatch.adapters import sandbox

    if flag is not None:
        _set(flag, value, region, name)
    flags = sandbox.status(name).flags
    if json_wanted:
        told = {one: dict(values) for one, values in flags.items()}
        emit_json("sandbox-flag", "sandbox", SystemClock().now(), {"name": name, "flags": told})
        return
    for one, values in flags.items():
        write_out(told_flag(one, values))


def _set(flag: str, value: str | None, region: str, name: str) -> None:
    from console.changes import record_sandbox
    from keelwatch.adapters import sandbox

    require_operator_of_sandbox("a flag")
    if value is None:
        raise UsageError(f"{flag}: on or off?", "keelwatch sandbox flag shows how it is")
    known = sandbox.status(name).flags
    if flag not in known:
        raise UsageError(f"there is no flag {flag!r}", "there are: " + ", ".join(known))
    regions = [one for one in known[flag] if region in {"all", one}]
    if not regions:
        raise UsageError(f"there is no region {region!r}", "allowed: all, " + ", ".join(known[flag]))
    sandbox.set_flag(flag, dict.fromkeys(regions, value == "on"), name=name)
    record_sandbox(f"flag {flag} {value} in {'all regions' if region == 'all' else region}", name)


def told_flag(flag: str, values: Mapping[str, bool]) -> str:
    """`maintenance       west on, east off`."""
    return f"{flag:<18}" + ", ".join(f"{region} {'on' if one else 'off'}" for region, one in values.items())
