"""A run of an experiment, folded from its facts: for every face, and for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from chaos.words import equivalent
from keelwatch.ledger import FactKind
from keelwatch.runs.fields import mapping, number, text, texts, whole
from keelwatch.safety.budget import Reservation, reservations

if TYPE_CHECKING:
    from keelwatch.ledger import Fact, Json, JsonObject

MENDS = "mend-"
"""How the steps of acts begin that take something back themselves: they are no faults."""
RUN, TOOL, GUARDIAN = "run", "rollback", "guardian"


@dataclass(frozen=True, slots=True)
class Step:
    """An activity of the method or of the rollbacks. `state`: begun, succeeded, failed, interrupted."""

    number: int
    phase: str
    name: str
    type: str
    equivalent: str
    began: float
    state: str = "begun"
    took_s: float | None = None
    error: str = ""
    output: Json = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done to the world. `healed` and `by` (a rollback of the experiment, the run, its guardian or
    `heal`) once it is taken back and verified; `error` why it is not. `ends_itself` at that time, where it
    does."""

    verb: str
    target: str
    args: JsonObject
    set_at: float
    done: bool = False
    ends_itself: float | None = None
    healed: float | None = None
    by: str = ""
    error: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it was done, and nobody has taken it back."""
        return self.done and self.healed is None

    @property
    def lasted_s(self) -> float | None:
        return None if self.healed is None else self.healed - self.set_at


@dataclass(frozen=True, slots=True)
class Story:
    """`hypothesis` maps before, during and after to met, deviated or unknown."""

    name: str = ""
    title: str = ""
    expect: str = ""
    phase: str = ""
    hypothesis: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    faults: tuple[Fault, ...] = ()
    guard: JsonObject = field(default_factory=dict)
    trips: tuple[str, ...] = ()
    reached: str = ""
    stopping: str = ""
    load: str = ""
    budget: tuple[Reservation, ...] = ()


def story_of(facts: Iterable[Fact]) -> Story:
    """Of one run, oldest fact first."""
    told = list(facts)
    story = Story(budget=reservations(told))
    steps: dict[int, Step] = {}
    faults: dict[int, Fault] = {}
    healer = RUN
    for fact in told:
        match fact.kind:
            case FactKind.NOTE:
                story = _noted(story, steps, fact)
                healer = _healer(healer, story, fact)
            case FactKind.LEASE if fact.event == "fenced":
                healer = text(fact.body, "by") or GUARDIAN
            case FactKind.INTENT if "undoes" not in fact.body and not is_mend(fact):
                body = fact.body
                faults[fact.seq] = Fault(
                    text(body, "verb"), text(body, "target"), mapping(body, "args"), fact.at
                )
            case FactKind.RESULT:
                _settled(faults, fact, healer)
    return replace(story, steps=tuple(steps.values()), faults=tuple(faults.values()))


def is_mend(fact: Fact) -> bool:
    return text(fact.body, "step").startswith(MENDS)


def _noted(story: Story, steps: dict[int, Step], fact: Fact) -> Story:
    body = fact.body
    match fact.event:
        case "experiment":
            expect = text(mapping(body, "extension"), "expect")
            return replace(story, name=text(body, "name"), title=text(body, "title"), expect=expect)
        case "phase":
            return replace(story, phase=text(body, "phase"))
        case "hypothesis":
            return replace(story, hypothesis={**story.hypothesis, text(body, "when"): text(body, "word")})
        case "step":
            _stepped(steps, fact)
        case "reached":
            return replace(story, reached=text(body, "evidence"))
        case "stopping":
            return replace(story, stopping=text(body, "reason"))
        case "guard":
            return replace(story, guard=mapping(body, "answers"), trips=texts(body, "trips"))
        case "load":
            return replace(story, load=text(body, "run"))
    return story


def _stepped(steps: dict[int, Step], fact: Fact) -> None:
    body, key = fact.body, whole(fact.body, "number")
    if text(body, "state") == "begun":
        command = equivalent(mapping(body, "provider"))
        began = number(body, "at")
        steps[key] = Step(key, text(body, "phase"), text(body, "name"), text(body, "type"), command, began)
    elif key in steps:
        steps[key] = replace(
            steps[key],
            state=text(body, "state"),
            took_s=number(body, "took_s"),
            error=text(body, "error"),
            output=body.get("output"),
        )


def _healer(before: str, story: Story, fact: Fact) -> str:
    """Who takes back from this note on; a guardian that has taken over keeps it."""
    if before not in {RUN, TOOL} or fact.event != "phase":
        return before
    return TOOL if story.phase == "rollbacks" else RUN


def _settled(faults: dict[int, Fault], fact: Fact, healer: str) -> None:
    intent, undone = whole(fact.body, "intent"), whole(fact.body, "undoes")
    if intent in faults:
        done, until = text(fact.body, "outcome") == "done", number(mapping(fact.body, "evidence"), "until")
        faults[intent] = replace(faults[intent], done=done, ends_itself=until or None)
    elif undone in faults and text(fact.body, "outcome") == "undone":
        faults[undone] = replace(faults[undone], healed=fact.at, by=healer, error="")
    elif undone in faults:
        faults[undone] = replace(faults[undone], error=text(fact.body, "error"))
