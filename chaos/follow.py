"""A run of an experiment as its follower sees it, put together again from its facts and its stream. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from chaos.bounds import Bounds, bounds_of
from chaos.notebook import WHENS, is_unknown
from chaos.story import Story, story_of
from keelwatch.ledger import Fact, FactKind
from keelwatch.runs.fields import mapping, text, texts
from keelwatch.safety.said import GuardSaid, guard_said
from keelwatch.safety.spending import Spent, spent_said, with_spent

if TYPE_CHECKING:
    from keelwatch.ledger import Json, JsonObject
    from keelwatch.runs import StreamLine


@dataclass(frozen=True, slots=True)
class Ahead:
    """An activity that the experiment says it will carry out."""

    phase: str
    name: str
    type: str
    equivalent: str


@dataclass(frozen=True, slots=True)
class Asked:
    """How often a probe of the hypothesis held, did not, and could not be told; `output` is the last it
    said."""

    met: int = 0
    missed: int = 0
    unknown: int = 0
    output: Json = None


@dataclass(slots=True)
class Followed:
    """`asked` is by the probe's name and by before, during or after; `stopped` who told it to stop, and
    why."""

    steady_state: str = ""
    probes: tuple[str, ...] = ()
    ahead: tuple[Ahead, ...] = ()
    asked: dict[tuple[str, str], Asked] = field(default_factory=dict)
    guard: dict[str, GuardSaid] = field(default_factory=dict)
    spent: Spent = field(default_factory=dict)
    bounds: Bounds = field(default_factory=Bounds)
    method_at: float | None = None
    ended: float | None = None
    stopped: tuple[str, str] | None = None
    _facts: list[Fact] = field(default_factory=list)
    _open: dict[str, dict[str, Json]] = field(default_factory=dict)
    _story: Story | None = None

    @property
    def story(self) -> Story:
        if self._story is None:
            story = story_of(self._facts)
            self._story = replace(story, budget=with_spent(story.budget, self.spent))
        return self._story

    def take(self, items: Iterable[Fact | StreamLine]) -> None:
        """What is new of the run, in order. What another version wrote is left out."""
        for item in items:
            if isinstance(item, Fact):
                self._facts.append(item)
                self._story = None
                self._fact(item)
            elif said := guard_said(item):
                self.guard[said[0]] = said[1]
            elif spent := spent_said(item):
                self.spent, self._story = spent, None
            else:
                self._event(mapping(item.record, "sample"))

    def _fact(self, fact: Fact) -> None:
        if fact.kind is FactKind.VERDICT:
            self.ended = fact.at
        if fact.kind is FactKind.COMMAND and fact.event == "stop":
            self.stopped = (fact.actor, text(fact.body, "reason"))
        if fact.kind is not FactKind.NOTE:
            return
        match fact.event:
            case "experiment":
                self.bounds = bounds_of(mapping(fact.body, "extension"))
            case "phase" if text(fact.body, "phase") == "method":
                self.method_at = fact.at
            case "guard":
                for name, answer, because in answers_in(mapping(fact.body, "answers")):
                    before = self.guard.get(name)
                    if before is None or (before.answer, before.because) != (answer, because):
                        self.guard[name] = GuardSaid(answer, because, fact.at)

    def _event(self, event: JsonObject) -> None:
        match text(event, "event"):
            case "began":
                self.steady_state = text(event, "steady_state")
                self.probes = texts(event, "probes")
                self.ahead = (*_ahead(event, "method"), *_ahead(event, "rolling_back", "rollbacks"))
            case "step" if text(event, "phase") in WHENS and text(event, "state") != "begun":
                self._open.setdefault(text(event, "phase"), {})[text(event, "name")] = event.get("output")
            case "hypothesis":
                self._answered(event)

    def _answered(self, event: JsonObject) -> None:
        """Chaos Toolkit asks one probe after the other, up to the first that does not hold."""
        when, wrong = text(event, "when"), text(event, "probe")
        outputs = self._open.pop(when, {})
        if wrong:
            outputs.setdefault(wrong, event.get("output"))
        for name, output in outputs.items():
            before = replace(self.asked.get((name, when), Asked()), output=output)
            if name != wrong:
                after = replace(before, met=before.met + 1)
            elif is_unknown(event):
                after = replace(before, unknown=before.unknown + 1)
            else:
                after = replace(before, missed=before.missed + 1)
            self.asked[name, when] = after


def answers_in(answers: Mapping[str, Json]) -> Iterable[tuple[str, str, str]]:
    for name, found in answers.items():
        if isinstance(found, dict):
            yield name, text(found, "answer"), text(found, "evidence")


def _ahead(event: JsonObject, key: str, phase: str = "") -> Iterable[Ahead]:
    found = event.get(key)
    for one in found if isinstance(found, list) else []:
        if isinstance(one, dict):
            yield Ahead(phase or key, text(one, "name"), text(one, "type"), text(one, "equivalent"))
