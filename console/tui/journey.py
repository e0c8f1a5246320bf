"""One journey in one region: its last execution step by step, its history, and running it now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import ClassVar, override

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.journey_run import Progress
from console.tui import paint
from console.tui.worldly import Line, WorldlyScreen
from console.view import journey
from console.view.journey import Drawn, Mode, View
from console.view.story import Story
from console.view.world import World
from keelwatch.workspace import KeelwatchError, redact
from probes.record import StepRecord

READ_S = 3.0
STARTING = "starting"  # instead of an id, while there is none


class StoryRead(Message):
    """`chosen` is the execution that was asked for; `trouble` says why there is no story."""

    def __init__(self, chosen: str | None, story: Story | None, trouble: str = "") -> None:
        super().__init__()
        self.chosen = chosen
        self.story = story
        self.trouble = trouble


class Told(Message):
    """The run that is followed has told something; `trouble` says why it cannot be followed."""

    def __init__(self, progress: Progress | None, trouble: str = "") -> None:
        super().__init__()
        self.progress = progress
        self.trouble = trouble


class JourneyScreen(WorldlyScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "step", id="journey.open", key_display="enter"),
        Binding("d", "turn('diff')", "diff", id="journey.diff", tooltip="beside the last that passed"),
        Binding("h", "turn('history')", "history", id="journey.history"),
        Binding("c", "turn('compare')", "compare", id="journey.compare", tooltip="compare regions"),
        Binding("n", "run", "run", id="journey.run", tooltip="run it now"),
        Binding("x", "stop", "stop", id="journey.stop", tooltip="stop the run; it takes back what it did"),
        Binding("y", "copy", "curl", id="journey.copy", tooltip="copy the step's request as a curl command"),
        Binding(
            "e",
            "export_execution",
            "export",
            show=False,
            id="journey.export",
            tooltip="the execution as JSON",
        ),
        Binding("escape", "back", "back", id="journey.back", key_display="esc"),
        Binding("j,down", "move(1)", "down", show=False, id="journey.down"),
        Binding("k,up", "move(-1)", "up", show=False, id="journey.up"),
    ]

    def __init__(self, name: str, region: str, *, ask_to_run: bool = False) -> None:
        super().__init__()
        self._journey, self._region = name, region
        self._ask_to_run = ask_to_run
        self._view = View(0, 0)
        self._story: Story | None = None
        self._chosen: str | None = None
        self._progress: Progress | None = None
        self._reading = False
        self._trouble = ""  # why what is kept cannot be read
        self._outcome = ""  # of a run that was asked for and told no result; until the next key

    def body(self) -> Iterable[Widget]:
        yield Line("title", "line title")
        with VerticalScroll(id="body", can_focus=False):
            yield Static("", id="detail", classes="text", markup=False)
        yield Line("selected")

    def on_mount(self) -> None:
        self._fit()
        super().on_mount()
        self._read()
        self.set_interval(READ_S, self._read)

    def _fit(self) -> None:
        self._view = replace(self._view, width=self.app.size.width, height=self.app.size.height)

    def on_resize(self, _: events.Resize) -> None:
        self._fit()
        self.show(self.console_app.shown)

    @property
    def _follows(self) -> bool:
        return self._progress is not None and not self._progress.ended

    def _read(self) -> None:
        """Off the UI thread, and never twice at a time; not while the run itself tells what happens."""
        if self._reading or self._follows:
            return
        self._reading = True
        feed, chosen = self.console_app.feed, self._chosen

        def read() -> None:
            try:
                story = feed.journeys().story(self._journey, self._region, chosen)
                self.post_message(StoryRead(chosen, story))
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                self.post_message(StoryRead(chosen, None, redact(str(error))))

        threading.Thread(target=read, name="story", daemon=True).start()

    def on_story_read(self, message: StoryRead) -> None:
        self._reading = False
        if message.chosen != self._chosen:
            self._read()
            return
        first, self._trouble = self._story is None, message.trouble
        if message.story is not None:
            self._story = message.story
            if first:
                self._go_to_failure()
        self.show(self.console_app.shown)
        if self._ask_to_run and self._story is not None:
            self._ask_to_run = False
            self.action_run()

    def _go_to_failure(self) -> None:
        """The cursor stands on what went wrong when the screen opens."""
        shown = self._story.shown if self._story else None
        if shown is not None and shown.failed_step is not None:
            self._view = replace(self._view, step=shown.failed_step)

    @property
    def story(self) -> Story | None:
        """What is kept, or what the run that is followed has told so far."""
        story, progress = self._story, self._progress
        if story is None or progress is None or progress.ended:
            return story
        told = progress.execution or journey.so_far(story, progress.run, progress.steps)
        return replace(story, shown=told, running=progress.run)

    @override
    def show_body(self, world: World) -> None:
        story = self.story
        if story is None:
            self.line("title").say(f" Probes > {self._journey} {self._region}")
            self.query_one("#detail", Static).update(f" {self._trouble or 'reading what is kept ...'}")
            return
        self.line("title").say(f" {journey.heading(story)}")
        drawn = journey.drawn(story, self._view, self.console_app.clock.now())
        text = self._text(drawn)
        detail = self.query_one("#detail", Static)
        if getattr(self, "_said", None) != text:
            self._said = text
            detail.update(text)
        self.line("selected").say(
            f" {self._trouble or self._outcome or journey.twin_line(story, self._view)}"
        )

    def show_time(self, world: World) -> None:
        """Ages are in the lines; what did not change is not painted again."""
        super().show_time(world)
        if self._drawable:
            self.show_body(world)

    def _text(self, drawn: Drawn) -> Text:
        lines = [Text(line) for line in drawn.lines]
        for row in drawn.bad:
            lines[row].stylize(paint.BAD)
        if drawn.cursor is not None and drawn.cursor < len(lines):
            lines[drawn.cursor].stylize(paint.CURSOR_ROW)
        if (column := drawn.divider) is not None:
            for line in lines[drawn.halves_from :]:
                line.stylize(paint.DIM, column, column + 1)
        text = Text("\n").join(lines)
        text.no_wrap = True
        text.overflow = "ellipsis"
        return text

    def _change(self, view: View) -> None:
        self._view = view
        self.show_body(self.console_app.shown)

    def action_turn(self, mode: str) -> None:
        """To another way to look at it, or back to the steps."""
        chosen = Mode.STEPS if self._view.mode is Mode(mode) else Mode(mode)
        self._change(replace(self._view, mode=chosen, row=0))
        self.query_one("#body", VerticalScroll).scroll_home(animate=False)

    def action_back(self) -> None:
        """First back to the steps, then to the newest execution, then out of the screen."""
        if self._view.mode is not Mode.STEPS:
            self.action_turn(self._view.mode.value)
        elif self._chosen is not None:
            self._choose(None)
        else:
            self.app.pop_screen()

    def action_move(self, rows: int) -> None:
        story, view = self.story, self._view
        if story is None:
            return
        self._outcome = ""
        match view.mode:
            case Mode.STEPS:
                last = len(journey.planned(story)) - 1
                self._change(replace(view, step=max(0, min(last, view.step + rows))))
            case Mode.HISTORY:
                last = len(story.past) - 1
                self._change(replace(view, row=max(0, min(last, view.row + rows))))
            case _:
                self.query_one("#body", VerticalScroll).scroll_relative(y=rows, animate=False)

    def action_open(self) -> None:
        story = self.story
        if story is None:
            return
        if self._view.mode is Mode.HISTORY and story.past:
            self._change(replace(self._view, mode=Mode.STEPS))
            self._choose(story.past[min(self._view.row, len(story.past) - 1)].id)
        elif step := self._step():
            from console.tui.dialog import LinesDialog

            name = f"{self._journey} {self._region}: {step.name}"
            self.app.push_screen(LinesDialog(name, journey.step_lines(step)))

    def _choose(self, execution: str | None) -> None:
        self._chosen = execution
        self._read()

    def _step(self) -> StepRecord | None:
        steps = journey.planned(self.story) if self.story else ()
        return steps[min(self._view.step, len(steps) - 1)] if steps else None

    def action_copy(self) -> None:
        from console.tui.copying import copy

        step = self._step()
        if step is None or step.exchange is None:
            self.notify("this step made no request that is kept")
        else:
            copy(self.console_app, step.exchange.curl)

    def action_export_execution(self) -> None:
        from console.tui.export import export_execution

        if self.story is None or self.story.shown is None:
            self.notify("there is no execution yet: n runs one")
            return
        shown = self.story.shown
        self.console_app.tell_export(lambda: export_execution(shown))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a run that goes on can be stopped."""
        if action == "stop":
            return self._follows
        return super().check_action(action, parameters)

    def action_run(self) -> None:
        from console.journey_run import twin
        from console.tui.dialog import RunDialog

        if self._follows:
            self.notify(f"{self._progress.run if self._progress else ''} runs already; x stops it")
        elif self._story is not None:
            command = twin(self._story.environment, self._journey, self._region)
            self.app.push_screen(RunDialog(journey.run_lines(self._story, command)), self._run_if)

    def _run_if(self, wanted: bool | None) -> None:  # noqa: FBT001 - the dialog's answer
        if not wanted:
            return
        self._chosen, self._outcome = None, ""
        self._progress = Progress(STARTING)
        self.refresh_bindings()
        self._change(replace(self._view, mode=Mode.STEPS, step=0))
        self._in_thread(self._start_and_follow)

    def _start_and_follow(self) -> None:
        from console.journey_run import follow_journey, start_journey

        place, armed = self.console_app.feed.journeys().place, self.console_app.world.armed
        run = start_journey(place, self._journey, self._region, armed=armed)
        self.post_message(Told(Progress(run)))
        for progress in follow_journey(run, self._journey, self._region):
            if not self.is_attached:  # the run goes on; who opens the screen again sees its result
                return
            self.post_message(Told(progress))

    def _in_thread(self, act: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                act()
            except KeelwatchError as error:
                hint = f"; {error.hint}" if error.hint else ""
                self.post_message(Told(None, redact(f"{error.message}{hint}")))
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                self.post_message(Told(None, redact(f"internal error: {type(error).__name__}: {error}")))

        threading.Thread(target=guarded, name="run now", daemon=True).start()

    def on_told(self, message: Told) -> None:
        before, self._progress = self._follows, message.progress
        if before != self._follows:
            self.refresh_bindings()
        if message.trouble:
            self._outcome = f"NOT RUN: {message.trouble}"
        elif message.progress is not None and message.progress.ended:
            self._outcome = "" if message.progress.execution else f"no result: {message.progress.ended}"
            if message.progress.execution is not None and self._story is not None:
                self._story = replace(self._story, shown=message.progress.execution)
                self._go_to_failure()
            self._read()
        self.show(self.console_app.shown)

    def action_stop(self) -> None:
        from console.journey_run import stop_journey

        if self._progress is None or self._progress.run == STARTING:
            self.notify("its process is only just starting; once more in a moment")
            return
        run = self._progress.run
        threading.Thread(target=lambda: stop_journey(run), name="stop", daemon=True).start()
        self.notify(f"stopping {run}; it takes back what it did")
