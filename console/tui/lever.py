"""The lever: every living run of the environment is told to stop, by one key and the environment's name."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from console.tui.typed import TypedDialog
from console.view.world import Origin
from keelwatch.workspace import redact

if TYPE_CHECKING:
    from console.tui.app import Keelwatch
    from keelwatch.runs import StopReport

REASON = "! on the console"


def pull(app: Keelwatch) -> None:
    """Ask for the name, then stop. The signals go first, so it works with the ledger full or locked."""
    environment = app.world.environment
    if app.world.origin is Origin.LOADING:
        app.notify("not known yet which environment this is: keelwatch stop --all", severity="error")
        return
    lines = [
        f"Every living run in {environment} is told to stop. Probes, load tests and",
        "experiments undo what they did; runbooks pause, and undo nothing.",
        "",
        *(f"now: {one}" for one in app.world.running or ("no run is known to be active",)),
        "",
        f"keelwatch stop --all --env {environment}",
    ]

    def stop_if(wanted: bool | None) -> None:  # noqa: FBT001 - the dialog's answer
        if wanted:
            threading.Thread(target=lambda: _stop(app, environment), name="lever", daemon=True).start()

    app.push_screen(TypedDialog("STOP ALL", lines, environment, "stop all"), stop_if)


def _stop(app: Keelwatch, environment: str) -> None:
    from keelwatch.runs import stop_all

    try:
        words = told(stop_all(environment, REASON))
    except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
        words = f"internal error: {redact(str(error))}; keelwatch stop --all --env {environment}"
    app.call_from_thread(app.notify, words, title="stop all", severity="warning", timeout=20)


def told(reports: list[StopReport]) -> str:
    """Which runs were told, and what could not be recorded."""
    if not reports:
        return "no run was active"
    lines = [f"{one.run} {'told to stop' if one.signalled else 'has no process'}" for one in reports]
    errors = dict.fromkeys(one.error for one in reports if one.error)
    return "\n".join([*lines, *(f"not recorded: {error}" for error in errors)])
