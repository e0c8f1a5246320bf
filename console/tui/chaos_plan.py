"""One experiment: what it would do now, asked of the real systems, and starting it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, override

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.tui.acting import ActingScreen
from console.tui.worldly import Line
from console.view import chaos_planning
from console.view.chaos_planning import Planning
from console.view.world import World
from keelwatch.workspace import KeelwatchError, redact

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


class ChaosPlanScreen(ActingScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "start", id="dryrun.start", tooltip="start it: the environment is to be typed"),
        Binding("n", "plan", "plan anew", id="dryrun.anew", tooltip="ask the real systems anew"),
        Binding("u", "load", "under load", id="dryrun.load", tooltip="beside the next load profile, or none"),
        Binding("y", "copy", "copy", id="dryrun.copy", tooltip="copy the command that does the same"),
        Binding("escape", "back", "back", id="dryrun.back", key_display="esc"),
        Binding("j,down", "scroll_text(2)", show=False, id="dryrun.down"),
        Binding("k,up", "scroll_text(-2)", show=False, id="dryrun.up"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._planning = Planning(name, "", asking=True)
        self._drawn_text: Text | None = None

    def body(self) -> Iterable[Widget]:
        yield Line("title", "line title")
        with VerticalScroll(id="body", can_focus=False):
            yield Static("", id="detail", classes="text", markup=False)
        yield Line("selected")
        yield Line("next")

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
                self.post_message(DryRunRead(load, book().planned(name, load), book().profiles()))
            except KeelwatchError as error:
                hint = f"; {error.hint}" if error.hint else ""
                self.post_message(DryRunRead(load, None, trouble=redact(f"{error.message}{hint}")))
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                words = redact(f"internal error: {type(error).__name__}: {error}")
                self.post_message(DryRunRead(load, None, trouble=words))

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
        text = Text("\n".join(f" {line}" for line in chaos_planning.planning_lines(found, width - 4)))
        if self._drawn_text != text:
            self._drawn_text = text
            self.query_one("#detail", Static).update(text)
        armed = "armed" if world.armed else "READ-ONLY"
        self.line("selected").say(f" {self.said or f'{armed}; y copies: {self._twin}'}")
        self.line("next").say(f" {chaos_planning.next_line(found, width, armed=world.armed)}")

    def show_time(self, world: World) -> None:
        super().show_time(world)
        if self._drawable:
            self.show_body(world)

    def on_resize(self) -> None:
        self.show(self.console_app.shown)

    @property
    def _twin(self) -> str:
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

        def may() -> str:
            book().refuse_unarmed(armed=armed)
            return ""

        self.act(may, self._confirm)

    def _confirm(self) -> None:
        from console.tui.question import room
        from console.tui.typed import TypedDialog

        found = self._planning.found
        if found is None:
            return
        environment = self.console_app.world.environment
        lines = chaos_planning.confirm_lines(self._planning, room(self.app.size.width))

        def start_if(wanted: bool | None) -> None:  # noqa: FBT001 - the dialog's answer
            if wanted:
                self._start(found)
            else:
                self.tell("not started; nothing was done")

        title = f"start {self._planning.experiment}"
        self.app.push_screen(TypedDialog(title, lines, environment, "start it"), start_if)

    def _start(self, found: DryRun) -> None:
        """What was read is what runs."""
        armed, book = self.console_app.world.armed, self.console_app.feed.chaos
        started: list[str] = []

        def start() -> str:
            started.append(book().start(found, armed=armed))
            return f"run {started[0]} has started"

        self.tell("starting ...")
        self.act(start, lambda: self._open(started[0]))

    def _open(self, run: str) -> None:
        from console.tui.chaos_run import ChaosRunScreen

        if self.is_current:
            self.app.switch_screen(ChaosRunScreen(run))

    def action_copy(self) -> None:
        from console.tui.copying import copy

        copy(self.console_app, self._twin)

    def action_back(self) -> None:
        self.app.pop_screen()

    def action_scroll_text(self, lines: int) -> None:
        self.query_one("#body", VerticalScroll).scroll_relative(y=lines, animate=False)
