"""One run of a runbook: its steps, the evidence of one, what it waits for, and what a person tells it."""

from __future__ import annotations

from typing import ClassVar, override

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from console.feed import FeedLike
from console.tui import paint
from console.tui.follow_screen import FollowScreen
from console.tui.question import QuestionDialog, room
from console.view import question, run_keys, run_screen
from console.view.run_screen import Row
from console.view.run_story import RunStory, StepStory
from console.view.world import World


class RunScreen(FollowScreen[RunStory]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "open",
            "read",
            id="run.open",
            key_display="enter",
            tooltip="answer what it asks, or read the evidence",
        ),
        Binding("r", "resume", "resume", id="run.resume", tooltip="go on with a run that nobody carries out"),
        Binding(
            "k", "skip", "skip", id="run.skip", tooltip="leave the step at the cursor out, with a reason"
        ),
        Binding("u", "undo", "undo", id="run.undo", tooltip="take back the step before the one that failed"),
        Binding("a", "abort", "abort", id="run.abort", tooltip="end it and take back what it did"),
        Binding("x", "pause", "pause", id="run.pause", tooltip="pause it; r goes on"),
        Binding("p", "approve", "approve", id="run.approve", tooltip="say yes to another person's plan"),
        Binding("escape", "back", "back", id="run.back", key_display="esc"),
        Binding(
            "m", "note", show=False, id="run.note", tooltip="note something beside the step at the cursor"
        ),
        Binding(
            "y", "copy", show=False, id="run.copy", tooltip="copy the command that does or shows the same"
        ),
        Binding("j,down", "move(1)", "down", show=False, id="run.down"),
        Binding("up", "move(-1)", "up", show=False, id="run.up"),
        Binding("pageup", "scroll_text(-5)", show=False, id="run.earlier"),
        Binding("pagedown", "scroll_text(5)", show=False, id="run.later"),
    ]
    ABOVE = ("stands",)
    BELOW = ("waits", "waits-more")

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self._at: int | None = None

    @override
    def read(self, feed: FeedLike, run: str) -> RunStory:
        return feed.runbooks().story(run)

    @override
    def is_told(self, story: RunStory) -> bool:
        return story.is_over

    @override
    def twin(self, story: RunStory) -> str:
        return run_keys.twin(story)

    @override
    def arrived(self) -> None:
        """Somebody else answered it, or the run is gone: what is on the screen is no question any more."""
        dialog, story = self.app.screen, self._story
        if isinstance(dialog, QuestionDialog) and story is not None:
            now = story.question.seq if story.question else None
            if now != dialog.asked.seq:
                dialog.dismiss(None)
                self.notify("the question was answered meanwhile, or is another one now")

    @property
    def _cursor(self) -> int:
        """On what happens now, until somebody moves it."""
        if self._story is None:
            return 0
        count = len(run_screen.rows(self._story))
        return min(self._at, count - 1) if self._at is not None else run_screen.default_row(self._story)

    @override
    def show_body(self, world: World) -> None:
        story, (width, height), now = self._story, self.app.size, self.console_app.clock.now()
        if story is None:
            self.line("title").say(f" Runbooks > run {self._run_id}")
            self.say_text(Text(f" {self._trouble or 'reading the ledger ...'}"))
            return
        self.line("title").say(f" {run_screen.heading(story, width)}")
        self.line("stands").say(f" {run_screen.state_line(story, now, width)}")
        lines, at = run_screen.drawn(story, self._cursor, width, height, now)
        self.say_text(_painted(lines, at))
        waits = run_keys.waits_lines(story, now, width - 2)
        more = self._trouble or self.said or (waits[1] if len(waits) > 1 else "")
        self.line("waits").say(f" {waits[0]}")
        self.line("waits-more").say(f" {more}")

    def action_move(self, rows: int) -> None:
        if self._story is None:
            return
        last = len(run_screen.rows(self._story)) - 1
        self._at = max(0, min(last, self._cursor + rows))
        self.hush()
        self.query_one("#body", VerticalScroll).scroll_home(animate=False)
        self.show_body(self.console_app.shown)

    def _row(self) -> Row | None:
        return run_screen.rows(self._story)[self._cursor] if self._story else None

    def _step(self) -> StepStory | None:
        row = self._row()
        return self._story.step(row.name) if row and row.number and self._story else None

    def _is_refused(self, key: str) -> bool:
        """Whether a key does nothing now; then it says why."""
        if self._story is None:
            self.refuse("the run has not been read yet")
            return True
        reason = run_keys.why_not(key, self._story, self._step())
        if reason:
            self.refuse(reason)
        return bool(reason)

    def action_open(self) -> None:
        """What it asks comes first; else the evidence in full."""
        story = self._story
        if story is None:
            return
        now = self.console_app.clock.now()
        asked = question.asked(story, room(self.app.size.width), now)
        if asked is not None:
            self.app.push_screen(QuestionDialog(asked), lambda answer: self._answer(asked.seq, answer))
        elif (row := self._row()) is not None:
            from console.tui.dialog import LinesDialog

            lines = run_screen.evidence_lines(story, row, room(self.app.size.width))
            self.app.push_screen(LinesDialog(f"{story.runbook}: {row.name}", lines))

    def _answer(self, seq: int, answer: tuple[str, str] | None) -> None:
        if answer is None:
            return
        choice, note = answer
        book, run = self.console_app.feed.runbooks, self._run_id
        self.act(lambda: book().answer(run, seq, choice, note), self._read)

    def action_resume(self) -> None:
        if self._is_refused("resume"):
            return
        armed, book, run = self.console_app.world.armed, self.console_app.feed.runbooks, self._run_id
        self.act(lambda: book().resume(run, armed=armed), self._read)

    def action_skip(self) -> None:
        step = self._step()
        if self._is_refused("skip") or step is None:
            return
        from console.tui.typed import ReasonDialog

        book, run = self.console_app.feed.runbooks, self._run_id

        def skip(reason: str | None) -> None:
            if reason:
                self.act(lambda: book().skip(run, step.name, reason), self._read)

        lines = [f"Leave {step.name} out. It does: {step.does}"]
        self.app.push_screen(ReasonDialog(f"skip {step.name}", lines), skip)

    def action_undo(self) -> None:
        story = self._story
        if self._is_refused("undo") or story is None or story.question is None:
            return
        from console.tui.typed import ReasonDialog

        seq, back = story.question.seq, story.way_back

        def undo(reason: str | None) -> None:
            if reason:
                self._answer(seq, ("back", reason))

        owed = [one for one in story.owed if one.partition("/")[0] == back]
        lines = [f"Take {back} back, and ask what to do there.", *(f"  {one}" for one in owed)]
        self.app.push_screen(ReasonDialog(f"undo {back}", lines), undo)

    def action_note(self) -> None:
        step = self._step()
        if self._is_refused("note") or step is None:
            return
        from console.tui.typed import ReasonDialog

        book, run = self.console_app.feed.runbooks, self._run_id

        def note(words: str | None) -> None:
            if words:
                self.act(lambda: book().remark(run, step.name, words), self._read)

        lines = [f"It stands beside {step.name} from now on."]
        self.app.push_screen(ReasonDialog(f"note on {step.name}", lines, "the note"), note)

    def action_abort(self) -> None:
        story = self._story
        if self._is_refused("abort") or story is None:
            return
        from console.tui.typed import ReasonDialog

        book, run = self.console_app.feed.runbooks, self._run_id

        def abort(reason: str | None) -> None:
            if reason:
                self.act(lambda: book().abort(run, reason), self._read)

        lines = [f"End run {run}.", question.abort_words(story), *(f"  {one}" for one in story.owed)]
        self.app.push_screen(ReasonDialog(f"abort {story.runbook}", lines), abort)

    def action_pause(self) -> None:
        from console.tui.stopping import told_to

        if self._is_refused("pause"):
            return
        book, run = self.console_app.feed.runbooks, self._run_id
        self.act(lambda: told_to("pause", book().pause(run)), self._read)

    def action_approve(self) -> None:
        """Whoever may not is told so before a name is typed in vain."""
        if self._is_refused("approve"):
            return
        book, run = self.console_app.feed.runbooks, self._run_id
        self.act_if(lambda: book().refuse_approval(run), self._confirm_approval)

    def _confirm_approval(self) -> None:
        from console.tui.typed import TypedDialog

        story = self._story
        if story is None or story.approval is None:
            return
        book, run = self.console_app.feed.runbooks, self._run_id

        def approve(wanted: bool | None) -> None:  # noqa: FBT001 - the dialog's answer
            if wanted:
                self.act(lambda: book().approve(run), self._read)

        lines = run_keys.approval_lines(story, room(self.app.size.width))
        word = story.inputs.get("from") or story.inputs.get("region") or story.runbook
        title = f"approve {story.approval.step} of {story.runbook}"
        self.app.push_screen(TypedDialog(title, lines, word, "approve"), approve)


def _painted(lines: list[str], at: int) -> Text:
    drawn = [Text(line) for line in lines]
    if at < len(drawn):
        beside = lines[at].find(" | ")  # the evidence there is of the row, but no part of it
        drawn[at].stylize(paint.CURSOR_ROW, 0, beside if beside > 0 else None)
    return paint.unwrapped(drawn)
