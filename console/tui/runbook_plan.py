"""One runbook: what it would do now, asked of the real systems, and starting it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, override

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from console.tui.acting import reason_of
from console.tui.sheet_screen import SheetScreen, keys_of_sheet
from console.view import planning
from console.view.planning import Inputs, Planning
from console.view.world import World

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


class PlanScreen(SheetScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run", "run", id="plan.run", tooltip="run it: the region's name is to be typed"),
        Binding("n", "plan", "plan anew", id="plan.anew", tooltip="plan anew, and say what has changed"),
        Binding("s", "turn", "swap", id="plan.swap", tooltip="swap from and to, or the next region"),
        Binding("g", "mode", "mode", id="plan.mode", tooltip="graceful, or ungraceful: a region is lost"),
        Binding("i", "input", "input", id="plan.input", tooltip="give an input: name=value"),
        *keys_of_sheet("plan", "does"),
    ]
    BELOW = ("selected", "next")

    def __init__(self, name: str) -> None:
        super().__init__()
        self._runbook = name
        self._planning = Planning(name, "", Inputs(), asking=True)
        self._order: Order | None = None

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
                found = Planned(wanted, book().planned(name, wanted), busy=book().busy())
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                found = Planned(wanted, None, reason_of(error))
            self.post_message(found)

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
        self.say_text(Text("\n".join(f" {line}" for line in planning.planning_lines(found, width - 4))))
        armed = "armed" if world.armed else "READ-ONLY: A arms, then r runs it"
        self.line("selected").say(f" {self.said or f'{armed}; y copies: {self.command}'}")
        self.line("next").say(f" {planning.next_line(found, width, armed=world.armed)}")

    @property
    @override
    def command(self) -> str:
        return planning.twin(self._planning, "run" if self._planning.plan else "plan")

    def action_plan(self) -> None:
        self._with(self._planning.inputs if self._planning.inputs.values else None)

    def _with(self, inputs: Inputs | None) -> None:
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
            self.act_if(lambda: book().refuse_unarmed(armed=armed), self._confirm)

    def _confirm(self) -> None:
        """What was read is what runs."""
        from console.runbooks import confirmed_by
        from console.tui.question import room
        from console.tui.starting import start_when_typed
        from console.tui.typed import TypedDialog

        order, plan, book = self._order, self._planning.plan, self.console_app.feed.runbooks
        if order is None or plan is None:
            return
        lines = planning.confirm_lines(self._planning, room(self.app.size.width))
        dialog = TypedDialog(f"run {plan.runbook}", lines, confirmed_by(plan), "run it")
        start_when_typed(
            self,
            dialog,
            lambda armed: book().start(order, plan, armed=armed),
            self._open,
            otherwise="not run; nothing was done",
        )

    def _open(self, run: str) -> None:
        from console.tui.runbook_run import RunScreen

        if self.is_current:
            self.app.switch_screen(RunScreen(run))
