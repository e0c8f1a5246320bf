"""`?`: the keys that work right now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from console.view.legend import legend_lines
from console.view.world import World

NAMES = {"question_mark": "?", "colon": ":", "slash": "/"}


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss_me", "back", id="help.back", key_display="esc"),
        Binding("j", "scroll_text(3)", show=False, id="help.down"),
        Binding("k", "scroll_text(-3)", show=False, id="help.up"),
    ]

    def __init__(self, active: Iterable[ActiveBinding], world: World) -> None:
        super().__init__()
        self._lines = [*_keys(active), "", *legend_lines(world)]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog"):
            yield Static(Text("\n".join(self._lines)), classes="text")

    def on_mount(self) -> None:
        self.query_one("#dialog").border_title = " keys that work here, and what the marks mean "
        self.query_one("#dialog").border_subtitle = " esc back   j k scroll   : runs any key by name "

    def action_dismiss_me(self) -> None:
        self.dismiss()

    def action_scroll_text(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def _keys(active: Iterable[ActiveBinding]) -> list[str]:
    """A line for each of our own keys that works; several keys for one thing share it."""
    found: dict[str, list[str]] = {}
    for one in active:
        binding = one.binding
        told = binding.tooltip or binding.description
        if told and one.enabled and binding.id is not None:
            keys = found.setdefault(told, [])
            keys.append(binding.key_display or NAMES.get(binding.key, binding.key))
    return sorted(f"{' '.join(dict.fromkeys(keys)):<10} {told}" for told, keys in found.items())
