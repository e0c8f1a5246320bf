"""One runbook: what it would do now, asked of the real systems, and starting it."""

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
from console.view import planning
from console.view.planning import Inputs, Planning
from console.view.world import World
from keelwatch.workspace import KeelwatchError, redact

if TYPE_CHECKING:
    from runbooks.conduct.order import Order
    from runbooks.conduct.plan import Plan


class Planned(Message):
    """A plan for `inputs`, or why there is none."""

    def __init__(
        self, inputs: Inputs | None, found: tuple[Order, Plan] | None, trouble: str = "", busy: str = ""
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.found = found
        self.trouble = trouble
        self.busy = busy


class PlanScreen(ActingScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run", "run", id="plan.run", tooltip="run it: the region's name is to be typed"),
        Binding("n", "plan", "plan anew", id="plan.anew", tooltip="plan anew, and say what has changed"),
        Binding("s", "turn", "swap", id="plan.swap", tooltip="swap from and to, or the next region"),
        Binding("g", "mode", "mode", id="plan.mode", tooltip="graceful, or ungraceful: a region is lost"),
        Binding("i", "input", "input", id="plan.input", tooltip="give an input: name=value"),
        Binding("y", "copy", "copy", id="plan.copy", tooltip="copy the command that does the same"),
        Binding("escape", "back", "back", id="plan.back", key_display="esc"),
        Binding("j,down", "scroll_text(2)", show=False, id="plan.down"),
        Binding("k,up", "scroll_text(-2)", show=False, id="plan.up"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._runbook = name
        self._planning = Planning(name, "", Inputs(), asking=True)
        self._order: Order | None = None

    def body(self) -> Iterable[Widget]:
        yield Line("title", "line title")
        with VerticalScroll(id="body", can_focus=False):
            yield Static("", id="detail", classes="text", markup=False)
        yield Line("selected")
        yield Line("next")

    def on_mount(self) -> None:
        self._planning = replace(self._planning, environment=self.console_app.world.environment)
        super().on_mount()
        self._plan(None)

    def _plan(self, inputs: Inputs | None) -> None:
        """Off the UI thread: what does not answer takes its time to say so. One at a time."""
        self._planning = replace(self._planning, asking=True)
        book = self.console_app.feed.runbooks
        name = self._runbook

        def ask() -> None:
            wanted = inputs
            try:
                wanted = wanted or book().inputs(name)
                self.post_message(Planned(wanted, book().planned(name, wanted), busy=book().busy()))
            except KeelwatchError as error:
                hint = f"; {error.hint}" if error.hint else ""
                self.post_message(Planned(wanted, None, redact(f"{error.message}{hint}")))
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                words = redact(f"internal error: {type(error).__name__}: {error}")
                self.post_message(Planned(wanted, None, words))

        threading.Thread(target=ask, name="plan", daemon=True).start()
        self.show(self.console_app.shown)

    def on_planned(self, message: Planned) -> None:
        before = self._planning
        order, plan = message.found or (None, None)
        self._order = order
        self._planning = Planning(
            runbook=before.runbook,
            environment=before.environment,
            inputs=message.inputs or before.inputs,
            plan=plan,
            at=self.console_app.clock.now(),
            before=before.plan or before.before,
            trouble=message.trouble,
            busy=message.busy,
        )
        self.show(self.console_app.shown)

    @override
    def show_body(self, world: World) -> None:
        width, found = self.app.size.width, self._planning
        now = self.console_app.clock.now()
        self.line("title").say(f" {planning.heading(found, now, width)}")
        text = Text("\n".join(f" {line}" for line in planning.planning_lines(found, width - 4)))
        detail = self.query_one("#detail", Static)
        if getattr(self, "_drawn_text", None) != text:
            self._drawn_text = text
            detail.update(text)
        armed = "armed" if world.armed else "READ-ONLY: A arms, then r runs it"
        self.line("selected").say(f" {self.said or f'{armed}; y copies: {self._twin}'}")
        self.line("next").say(f" {planning.next_line(found, width, armed=world.armed)}")

    def show_time(self, world: World) -> None:
        super().show_time(world)
        if self._drawable:
            self.show_body(world)

    def on_resize(self) -> None:
        self.show(self.console_app.shown)

    @property
    def _twin(self) -> str:
        return planning.twin(self._planning, "run" if self._planning.plan else "plan")

    def action_plan(self) -> None:
        if self._planning.asking:
            self.refuse("it is being planned just now")
            return
        self.hush()
        self._plan(self._planning.inputs if self._planning.inputs.values else None)

    def _with(self, inputs: Inputs) -> None:
        if self._planning.asking:
            self.refuse("it is being planned just now")
            return
        self.hush()
        self._plan(inputs)

    def action_turn(self) -> None:
        self._with(self._planning.inputs.turned())

    def action_mode(self) -> None:
        self._with(self._planning.inputs.other_mode())

    def action_input(self) -> None:
        from console.tui.typed import ReasonDialog

        values = self._planning.inputs.values
        if not values and not self._planning.inputs.choices:
            self.refuse(f"{self._runbook} has no inputs")
            return
        known = [f"{name} = {values.get(name, '?')}" for name in self._planning.inputs.choices]
        self.app.push_screen(ReasonDialog("an input", known, "name=value"), self._given)

    def _given(self, answer: str | None) -> None:
        name, equals, value = (answer or "").partition("=")
        if not answer:
            return
        if not equals or name.strip() not in self._planning.inputs.choices:
            self.refuse(f"{answer!r} is no NAME=VALUE of {', '.join(self._planning.inputs.choices)}")
            return
        self._with(self._planning.inputs.with_value(name.strip(), value.strip()))

    def action_run(self) -> None:
        """Refused before a name is typed in vain; asked again when it is started."""
        if self._planning.asking:
            self.refuse("it is being planned just now")
        elif self._order is None or self._planning.plan is None:
            self.refuse(f"there is no plan: {self._planning.trouble or 'n plans anew'}")
        else:
            armed, book = self.console_app.world.armed, self.console_app.feed.runbooks

            def may() -> str:
                book().refuse_unarmed(armed=armed)
                return ""

            self.act(may, self._confirm)

    def _confirm(self) -> None:
        from console.runbooks import confirmed_by
        from console.tui.question import room
        from console.tui.typed import TypedDialog

        plan = self._planning.plan
        if plan is None:
            return
        lines = planning.confirm_lines(self._planning, room(self.app.size.width))
        title = f"run {plan.runbook}"
        self.app.push_screen(TypedDialog(title, lines, confirmed_by(plan), "run it"), self._run_if)

    def _run_if(self, wanted: bool | None) -> None:  # noqa: FBT001 - the dialog's answer
        order, plan = self._order, self._planning.plan
        if not wanted or order is None or plan is None:
            self.tell("not run; nothing was done")
            return
        armed, book = self.console_app.world.armed, self.console_app.feed.runbooks
        started: list[str] = []

        def start() -> str:
            started.append(book().start(order, plan, armed=armed))
            return f"run {started[0]} has started"

        self.tell("starting ...")
        self.act(start, lambda: self._open(started[0]))

    def _open(self, run: str) -> None:
        from console.tui.runbook_run import RunScreen

        if self.is_current:
            self.app.switch_screen(RunScreen(run))

    def action_copy(self) -> None:
        from console.tui.copying import copy

        copy(self.console_app, self._twin)

    def action_back(self) -> None:
        self.app.pop_screen()

    def action_scroll_text(self, lines: int) -> None:
        self.query_one("#body", VerticalScroll).scroll_relative(y=lines, animate=False)
