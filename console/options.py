"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click

from keelwatch.workspace import UsageError


def in_workspace[Command: Callable[..., Any]](command: Command) -> Command:
    """`--workspace`, as `workspace: Path | None`."""
    return click.option(
        "--workspace",
        type=click.Path(path_type=Path),
        callback=or_global,
        help="Workspace folder (default: the nearest keelwatch.yaml).",
    )(command)


def in_environment[Command: Callable[..., Any]](command: Command) -> Command:
    """`--workspace` and `--env`, as `workspace: Path | None` and `environment: str | None`."""
    environment = click.option(
        "--env", "environment", callback=or_global, help="Environment; may be omitted where there is one."
    )
    return in_workspace(environment(command))


def as_json[Command: Callable[..., Any]](command: Command) -> Command:
    return click.option("--json", "json_wanted", is_flag=True, help="Print one JSON document.")(command)


def as_json_or_plain[Command: Callable[..., Any]](command: Command) -> Command:
    """`--json` and its twin for eyes; both at once is a usage error."""

    @functools.wraps(command)
    def one_of_them(*args: object, json_wanted: bool, plain: bool, **options: object) -> object:
        if json_wanted and plain:
            raise UsageError("--json or --plain, not both")
        return command(*args, json_wanted=json_wanted, **options)

    plain = click.option("--plain", is_flag=True, help="Plain lines (the default when not --json).")
    return cast("Command", as_json(plain(one_of_them)))


def or_global(ctx: click.Context, parameter: click.Parameter, value: object) -> object:
    """`keelwatch --env prod status` says the same as `keelwatch status --env prod`."""
    if value is not None:
        return value
    given = (ctx.find_root().obj or {}).get(parameter.name)
    return Path(given) if given is not None and parameter.name == "workspace" else given


def global_workspace(context: click.Context) -> Path | None:
    """The folder of `keelwatch --workspace`, for a command that has no such option of its own."""
    given = (context.find_root().obj or {}).get("workspace")
    return Path(given) if given is not None else None


def with_inputs[Command: Callable[..., Any]](command: Command) -> Command:
    """The inputs of a runbook, as `inputs: dict[str, str]`."""

    @functools.wraps(command)
    def gathered(
        *args: object,
        from_: str | None,
        to: str | None,
        region: str | None,
        inputs: tuple[str, ...],
        **options: object,
    ) -> object:
        short = {"from": from_, "to": to, "region": region}
        told = {key: value for key, value in short.items() if value is not None}
        return command(*args, inputs=told | dict(map(_pair, inputs)), **options)

    found: Callable[..., Any] = gathered
    for option in (
        click.option(
            "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="Any input (may be repeated)."
        ),
        click.option("--region", metavar="REGION", help="The input `region`."),
        click.option("--to", metavar="REGION", help="The input `to`."),
        click.option("--from", "from_", metavar="REGION", help="The input `from`."),
    ):
        found = option(found)
    return cast("Command", found)


def to_plan[Command: Callable[..., Any]](command: Command) -> Command:
    """What a runbook is planned from: its `name`, the environment, its inputs and `ungraceful: bool`."""
    help_ = "The old region is lost, and what only it has with it."
    ungraceful = click.option("--ungraceful", is_flag=True, help=help_)
    return click.argument("name")(in_environment(with_inputs(ungraceful(command))))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--input {text!r} is no NAME=VALUE", "like: --input from=west")
    return name, value
