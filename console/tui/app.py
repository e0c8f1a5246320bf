"""The console application: one world, a few screens over it, and a ticker that keeps it fresh.

The first frame is plain text, painted before the screens and what they stand on are loaded; so this
module imports Textual's core and little else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, override

from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import Static

from console.tui.harmless import Harmless
from keelwatch.workspace.errors import KeelwatchError

if TYPE_CHECKING:
    from pathlib import Path

    from console.feed import FeedLike, Key
    from console.tui.messages import Looked, LookFailed, Replayed
    from console.tui.rewind import Rewind
    from console.tui.worldly import WorldlyScreen
    from console.view.world import World
    from keelwatch.workspace.clock import Clock

THEMES = {"dark": "textual-dark", "light": "textual-light", "ansi": "ansi-dark"}
NEVER_MENDS_ITSELF = {2, 3}  # a wrong option or file: the console would wait for ever
ARMED_S = 900.0
WIDE = 119  # columns; console.view.columns.NARROW says the same and a test holds them together


class Keelwatch(App[str]):
    """Shows a `World`. It asks the feed, and never touches a source itself."""

    CSS_PATH = "console.tcss"
    TITLE = "Keelwatch"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - declared by App
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - declared by App
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "exclamation_mark",
            "lever",
            "STOP",
            id="app.lever",
            key_display="!",
            tooltip="stop all: every run here stops and undoes, runbooks pause",
        ),
        Binding("q", "leave", "quit", id="app.quit"),
        Binding("ctrl+c", "leave", "quit", id="app.interrupt", show=False, priority=True),
        Binding("question_mark", "help", "keys", id="app.help", key_display="?"),
        Binding("colon", "command_palette", "command", id="app.palette", key_display=":", show=False),
        Binding("1", "overview", "overview", id="app.overview", show=False),
        Binding("2", "objective", "slo", id="app.slo", show=False),
        Binding("3", "probes", "probes", id="app.probes", show=False),
        Binding("4", "loads", "load", id="app.loads", show=False),
        Binding("5", "chaos", "chaos", id="app.chaos", show=False),
        Binding("6", "runbooks", "runbooks", id="app.runbooks", show=False),
        Binding(
            "left_square_bracket",
            "earlier",
            "time",
            id="app.earlier",
            key_display="[ ]",
            tooltip="[ 5 minutes earlier, ] later; every screen follows",
        ),
        Binding("right_square_bracket", "later", "later", id="app.later", key_display="]", show=False),
        Binding("f", "live", "live: back from a replay to now", id="app.live", show=False),
        Binding("p", "pause", "pause", id="app.pause", show=False),
        Binding("r", "refresh", "refresh", id="app.refresh", show=False),
        Binding(
            "A", "arm", "arm: let this console act for 15 minutes, or no longer", id="app.arm", show=False
        ),
        Binding("T", "theme", "theme", id="app.theme", show=False),
        Binding("e", "export", "export", id="app.export", show=False),
    ]

    def __init__(
        self,
        feed: FeedLike,
        world: Callable[[], World],
        *,
        clock: Clock,
        first_frame: Sequence[str] = (),
        every_s: float = 2.0,
        theme: str = "dark",
        charset: str = "braille",
        may_leave: Callable[[], Screen[bool]] | None = None,
    ) -> None:
        """`world` gives the first one and is asked once, after `first_frame` has been painted."""
        # Textual picks its NO_COLOR filter here, and only the native one writes no colour at all.
        super().__init__(ansi_color=theme == "ansi")
        self.feed = feed
        self.charset = charset
        self.clock = clock
        self.world: World
        self._first_world = world
        self._first_frame = first_frame
        self._chosen_theme = theme
        self._every_s = every_s
        self._may_leave = may_leave
        self._harmless = Harmless()
        self._paging: set[Key] | None = None
        self._rewind: Rewind | None = None

    @override
    def get_line_filters(self) -> Sequence[LineFilter]:
        return [self._harmless, *super().get_line_filters()]

    def compose(self) -> ComposeResult:
        yield Static("\n".join(self._first_frame), markup=False)

    def on_mount(self) -> None:
        self.theme = THEMES[self._chosen_theme]
        self.set_class(self.charset == "ascii", "-ascii")
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """Only after the first paint: loading the screens and clients must not delay it."""
        from console.tui.overview import OverviewScreen
        from console.tui.ticker import Ticker

        self.world = self._first_world()
        self.push_screen(OverviewScreen())
        self._ticker = Ticker(self.feed, self.post_message, self._every_s)
        self._ticker.start()
        self.set_interval(1.0, self._beat)

    def on_unmount(self) -> None:
        if hasattr(self, "_ticker"):
            self._ticker.stop()
        if self._rewind is not None:
            self._rewind.stop()

    def on_looked(self, message: Looked) -> None:
        from console.feed import world_of

        now = self.clock.now()
        before = self.world
        self.world = replace(
            world_of(message.look, now, before), paused=before.paused, armed_until=before.armed_until
        )
        self._ring_for_new_pages()
        self._show_world()

    def on_look_failed(self, message: LookFailed) -> None:
        if message.code in NEVER_MENDS_ITSELF and not self.live:
            self.exit(return_code=message.code, message=message.reason)
            return
        self.world = replace(self.world, now=self.clock.now(), trouble=message.reason)
        self._show_world()

    def _beat(self) -> None:
        self.world = replace(self.world, now=self.clock.now())
        for screen in self._worldly():
            screen.show_time(self.shown)

    def _show_world(self) -> None:
        for screen in self._worldly():
            screen.show(self.shown)

    @property
    def shown(self) -> World:
        """What the screens draw: the present, or the moment that `[` and `]` have gone to."""
        return self._rewind.over(self.world) if self._rewind else self.world

    def _worldly(self) -> list[WorldlyScreen]:
        from console.tui.worldly import WorldlyScreen

        return [screen for screen in self.screen_stack if isinstance(screen, WorldlyScreen)]

    def _ring_for_new_pages(self) -> None:
        """One bell for what has begun to page; nothing rings twice, nor at the first look."""
        from slo.snapshot import State

        snapshot = self.world.snapshot
        paging = {one.key for one in snapshot.objectives if one.state is State.PAGE} if snapshot else set()
        if self._paging is not None and paging - self._paging:
            self.bell()
            if self.shown.replay is not None:
                self.notify("something pages NOW; f: live", severity="error")
        self._paging = paging

    def action_pause(self) -> None:
        paused = not self.world.paused
        self.world = replace(self.world, paused=paused)
        if paused:
            self._ticker.pause()
        else:
            self._ticker.resume()
        self._show_world()

    def action_arm(self) -> None:
        """It ends by itself, and is never kept: a console that was left alone is harmless again."""
        now = self.clock.now()
        until = None if self.world.armed else now + ARMED_S
        self.world = replace(self.world, now=now, armed_until=until)
        self._show_world()

    def action_earlier(self) -> None:
        self._replay(-1)

    def action_later(self) -> None:
        self._replay(+1)

    def action_live(self) -> None:
        if self._rewind is not None:
            self._rewind.leave()
            self._show_world()

    def _replay(self, steps: int) -> None:
        from console.tui.rewind import Rewind

        if self._rewind is None:
            self._rewind = Rewind(self.feed, self.post_message)
        self._rewind.step(steps, self.clock.now())
        self._show_world()

    def on_replayed(self, message: Replayed) -> None:
        if self._rewind is not None and self._rewind.arrived(message, self.world):
            self._show_world()

    def action_refresh(self) -> None:
        self._ticker.hurry()

    def action_theme(self) -> None:
        if self.no_color:
            self.notify("NO_COLOR is set")
            return
        names = list(THEMES)
        chosen = names[(names.index(self._chosen_theme) + 1) % len(names)]
        self._chosen_theme = chosen
        self.ansi_color = chosen == "ansi"
        self.theme = THEMES[chosen]
        self.notify(f"theme {chosen}")

    def action_overview(self) -> None:
        while len(self.screen_stack) > 2:
            self.pop_screen()

    def action_objective(self) -> None:
        from console.tui.overview import OverviewScreen

        overview = self.screen_stack[1]
        if isinstance(overview, OverviewScreen):
            self.action_overview()
            overview.action_open()

    def action_probes(self) -> None:
        from console.tui.probes import ProbesScreen

        self.action_overview()
        self.push_screen(ProbesScreen())

    def action_loads(self) -> None:
        from console.tui.loads import LoadsScreen

        self.action_overview()
        self.push_screen(LoadsScreen())

    def action_chaos(self) -> None:
        from console.tui.chaos import ChaosScreen

        self.action_overview()
        self.push_screen(ChaosScreen())

    def action_runbooks(self) -> None:
        from console.tui.runbooks import RunbooksScreen

        self.action_overview()
        self.push_screen(RunbooksScreen())

    def action_lever(self) -> None:
        """It needs no arming: stopping is never the dangerous part."""
        from console.tui.lever import pull

        pull(self)

    def action_help(self) -> None:
        from console.tui.help import HelpScreen

        self.push_screen(HelpScreen(self.screen.active_bindings.values(), self.shown))

    def action_export(self) -> None:
        from console.tui.export import export

        self.tell_export(lambda: export(self))

    def tell_export(self, write: Callable[[], Path]) -> None:
        """Write a file and say where; a disk that takes nothing is told, and ends nothing."""
        try:
            self.notify(f"written to {write()}", title="exported")
        except KeelwatchError as error:
            self.notify(error.message, title="not exported", severity="error")

    def check_action(
        self,
        action: str,
        parameters: tuple[object, ...],  # noqa: ARG002 - Textual's signature
    ) -> bool | None:
        """Until the first screen is there, the only thing to do is to leave."""
        return action == "leave" or hasattr(self, "world")

    def action_leave(self) -> None:
        if self._may_leave is None or not hasattr(self, "world"):
            self.exit("")
            return
        self.push_screen(self._may_leave(), lambda stop: self.exit("stop" if stop else "keep"))

    def get_system_commands(
        self,
        screen: Screen[object],  # noqa: ARG002 - Textual's signature
    ) -> Iterable[SystemCommand]:
        """The palette: what can be done here, each with the command that does the same."""
        yield SystemCommand("Overview", "key 1   keelwatch status", self.action_overview)
        yield SystemCommand(
            "SLO of the selected objective", "key 2   keelwatch slo show", self.action_objective
        )
        yield SystemCommand("Probes", "key 3   keelwatch probe list", self.action_probes)
        yield SystemCommand("Load", "key 4   keelwatch load list", self.action_loads)
        yield SystemCommand("Chaos", "key 5   keelwatch chaos list", self.action_chaos)
        yield SystemCommand("Runbooks", "key 6   keelwatch runbook list", self.action_runbooks)
        yield SystemCommand(
            "Stop every run here",
            f"key !   keelwatch stop --all --env {self.world.environment}",
            self.action_lever,
        )
        yield SystemCommand("Pause or go on", "key p", self.action_pause)
        yield SystemCommand("Replay: 5 minutes earlier", "key [", self.action_earlier)
        yield SystemCommand("Replay: 5 minutes later", "key ]", self.action_later)
        yield SystemCommand("Live: back from a replay to now", "key f", self.action_live)
        yield SystemCommand("Next theme", "key T", self.action_theme)
        yield SystemCommand("Export this screen", "key e   keelwatch status --json", self.action_export)
        yield SystemCommand("Keys", "key ?", self.action_help)
        yield SystemCommand("Quit", "key q", self.action_leave)

    @property
    def live(self) -> bool:
        return hasattr(self, "world") and self.world.origin == "live"
