"""One experiment: what it would do now, asked of the real systems, and starting it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, override

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from console.tui.acting import reason_of
from console.tui.sheet_screen import SheetScreen, keys_of_sheet
from console.view import chaos_planning
from console.view.chaos_planning import Planning
from console.view.world import World

if TYPE_CHECKING:
    from console.chaos import DryRun


class DryRunRead(Message):
    """A plan beside `load`, or why there is none."""

    def __init__(
        self, load: str, found: DryRun | None, profiles: tuple[str, ...] = (), trouble: str = ""
    ) -> None:
        super().__init__()
        self.load = load
        self.found = found
        self.profiles = profiles
        self.trouble = trouble


class ChaosPlanScreen(SheetScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "start", id="dryrun.start", tooltip="start it: the environment is to be typed"),
        Binding("n", "plan", "plan anew", id="dryrun.anew", tooltip="ask the real systems anew"),
        Binding("u", "load", "under load", id="dryrun.load", tooltip="beside the next load profile, or none"),
        *keys_of_sheet("dryrun", "does"),
    ]
    BELOW = ("selected", "next")

    def __init__(self, name: str) -> None:
        super().__init__()
        self._planning = Planning(name, "", asking=True)

    def on_mount(self) -> None:
        self._planning = replace(self._planning, environment=self.console_app.world.environment)
        super().on_mount()
        self._plan("")

    def _plan(self, load: str) -> None:
        """Off the UI thread: what does not answer takes its time to say so. One at a time."""
        self._planning = replace(self._planning, asking=True)
        book, name = self.console_app.feed.chaos, self._planning.experiment

        def ask() -> None:
            try:
                found = DryRunRead(load, book().planned(name, load), book().profiles())
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                found = DryRunRead(load, None, trouble=reason_of(error))
            self.post_message(found)

        threading.Thread(target=ask, name="dry run", daemon=True).start()
        self.show(self.console_app.shown)

    def on_dry_run_read(self, message: DryRunRead) -> None:
        self._planning = replace(
            self._planning,
            found=message.found,
            at=self.console_app.clock.now(),
            trouble=message.trouble,
            load=message.load,
            profiles=message.profiles or self._planning.profiles,
            asking=False,
        )
        self.show(self.console_app.shown)

    @override
    def show_body(self, world: World) -> None:
        width, found = self.app.size.width, self._planning
        self.line("title").say(f" {chaos_planning.heading(found, self.console_app.clock.now(), width)}")
        lines = chaos_planning.planning_lines(found, width - 4)
        self.say_text(Text("\n".join(f" {line}" for line in lines)))
        armed = "armed" if world.armed else "READ-ONLY"
        self.line("selected").say(f" {self.said or f'{armed}; y copies: {self.command}'}")
        self.line("next").say(f" {chaos_planning.next_line(found, width, armed=world.armed)}")

    @property
    @override
    def command(self) -> str:
        return chaos_planning.twin(self._planning, "run" if self._planning.found else "dry-run")

    def action_plan(self) -> None:
        self._plan_with(self._planning.load)

    def action_load(self) -> None:
        if not self._planning.profiles and not self._planning.asking:
            self.refuse("this workspace has no load profiles")
        else:
            self._plan_with(self._planning.next_load)

    def _plan_with(self, load: str) -> None:
        if self._planning.asking:
            self.refuse("it is being planned just now")
            return
        self.hush()
        self._plan(load)

    def action_start(self) -> None:
        """Refused before a name is typed in vain; asked again when it is started."""
        if reason := chaos_planning.why_not_started(self._planning):
            self.refuse(reason)
            return
        armed, book = self.console_app.world.armed, self.console_app.feed.chaos
        self.act_if(lambda: book().refuse_unarmed(armed=armed), self._confirm)

    def _confirm(self) -> None:
        """What was read is what runs."""
        from console.tui.question import room
        from console.tui.starting import start_when_typed
        from console.tui.typed import TypedDialog

        found, book = self._planning.found, self.console_app.feed.chaos
        if found is None:
            return
        lines = chaos_planning.confirm_lines(self._planning, room(self.app.size.width))
        title, name = f"start {self._planning.experiment}", self.console_app.world.environment
        dialog = TypedDialog(title, lines, name, "start it")
        start_when_typed(self, dialog, lambda armed: book().start(found, armed=armed), self._open)

    def _open(self, run: str) -> None:
        from console.tui.chaos_run import ChaosRunScreen

        if self.is_current:
            self.app.switch_screen(ChaosRunScreen(run))
