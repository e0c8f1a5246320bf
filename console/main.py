"""`keelwatch`: the command line. Commands load only when they are called, so `--help` stays fast."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import click

from console.catalogue import COMMANDS, GROUPS, Entry
from console.output import guard_output, settle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class LazyGroup(click.Group):
    """A group whose commands are names in `console.catalogue` until one of them is called."""

    def __init__(self, *args: object, entries: Mapping[str, Entry], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # click's own arguments, passed through
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.entries)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        if cmd_name in GROUPS and self.entries is COMMANDS:
            return LazyGroup(name=cmd_name, help=entry.summary, entries=GROUPS[cmd_name])
        module, _, name = entry.target.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.entries, n=1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.entries.items()])


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--workspace", type=click.Path(), help="Workspace folder (default: the nearest keelwatch.yaml)."
)
@click.option("--env", "environment", help="Environment; may be omitted where there is one.")
@click.option(
    "--theme", type=click.Choice(["dark", "light", "ansi"]), default=None, help="Colours of the console."
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters only.")
@click.version_option(package_name="keelwatch", message="%(prog)s %(version)s")
@click.pass_context
def keelwatch(
    ctx: click.Context, workspace: str | None, environment: str | None, theme: str | None, *, ascii_only: bool
) -> None:
    """Keep a self-service platform reliable: burn rates, journeys, load, faults, failover.

    Without a command: open the console.
    """
    given = {"workspace": workspace, "environment": environment, "theme": theme, "ascii_only": ascii_only}
    ctx.obj = {**(ctx.obj or {}), **given}
    if ctx.invoked_subcommand is None:
        from console.tui.start import open_console

        sys.exit(open_console(workspace, environment, theme=theme, ascii_only=ascii_only))


def main(embedded: Mapping[str, object] | None = None) -> None:
    """Run the command line; every way out has an exit code of the design's table.

    `embedded` is for a program that brings its own table of runs and verbs, as `processes`.
    """
    guard_output()
    sys.exit(settle(_run(dict(embedded or {}))))


def _run(given: dict[str, object]) -> int:
    try:
        left_with = keelwatch.main(standalone_mode=False, obj=given)
    except SystemExit as error:
        left_with = error.code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 7
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback for a user
        return _explain(error)
    return left_with if isinstance(left_with, int) else 0


def _explain(error: Exception) -> int:
    from keelwatch.workspace import KeelwatchError, narrate

    if isinstance(error, KeelwatchError):
        narrate(error.message if error.exit_code == 3 else f"error: {error.message}")
        if error.hint:
            narrate(f"  try: {error.hint}")
        return int(error.exit_code)
    narrate(f"internal error: {type(error).__name__}: {error}")
    narrate(f"  this is our fault; the details are in {_write_traceback(error)}")
    return 70


def _write_traceback(error: Exception) -> Path | str:
    import tempfile
    import traceback
    from pathlib import Path

    from keelwatch.workspace import KeelwatchError, redact, state_dir

    try:
        folder = state_dir()
    except KeelwatchError:
        folder = Path(tempfile.gettempdir())
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=folder, prefix="crash-", suffix=".txt", delete=False
        ) as file:
            file.write(redact("".join(traceback.format_exception(error))))
            return Path(file.name)
    except OSError as cannot_write:
        return f"no file ({cannot_write.strerror})"


if __name__ == "__main__":
    main()
