"""A runbook as the user writes it. Field descriptions are the documentation of the format.

What one key demands of another is in `runbooks.rules`; what a runbook should not do, in `runbooks.lint`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, JsonValue, Tag

from keelwatch.workspace.model import Name
from keelwatch.workspace.reader import Duration, StrictModel, matching
from runbooks.verbs.catalogue import ACTING, ACTIONS
from runbooks.verbs.spec import (
    INPUT,
    EdgeDrain,
    EdgeWeight,
    FlagSet,
    HttpCall,
    InRegion,
    Notify,
    PgLag,
    PgPromote,
    Probe,
    Ref,
    Region,
    SessionsRevoke,
    Shell,
    SloHold,
)

Word = Annotated[str, *matching(r"[a-z][a-z0-9_]{0,40}", "a name of a-z, 0-9 and _")]
InputRef = Annotated[str, *matching(INPUT, "an input: $name")]
Invariant = Literal["one-region-serving", "no-chaos-running", "no-load-running"]


def _one_of(*keys: str) -> ConfigDict:
    """What an editor is told; `runbooks.rules` says it to everybody else."""
    choices: list[JsonValue] = [{"required": [key]} for key in keys]
    return ConfigDict(**StrictModel.model_config, json_schema_extra={"oneOf": choices})


class Objectives(StrictModel):
    """What a run is measured against."""

    rto: Duration = Field(description="From the start until customers are served again")
    rpo: Duration | None = Field(
        None, description="The most of acknowledged writes, in time, that may be lost"
    )


class Input(StrictModel):
    """What differs from run to run; read as $name wherever a text stands."""

    type: Literal["region", "text", "choice"]
    default: str | None = Field(None, description="Taken when a run gives none")
    choices: list[str] | None = Field(None, min_length=1, description="choice: the values there are")
    differs_from: InputRef | None = Field(
        None, description="Another input, like $from, whose value it may not have"
    )
    about: str | None = Field(None, description="Shown to whoever fills it in")


class Condition(StrictModel):
    """Asked of the world: yes, no or unknown. Every key given must be a yes."""

    pg_lag: PgLag | None = Field(None, alias="pg.lag", description="The standby keeps up")
    probe: Probe | None = Field(None, description="Journeys pass")
    slo_hold: SloHold | None = Field(
        None, alias="slo.hold", description="The error budget does not burn too fast"
    )
    serving: list[Region] | None = Field(
        None, min_length=1, description="The edge sends new customers to each of these regions"
    )


class Ready(Condition):
    """One condition that must hold before the first step."""

    model_config = _one_of("pg.lag", "probe", "slo.hold", "serving", "access")

    access: Literal["all-steps"] | None = Field(
        None, description="`all-steps`: whoever starts it may do what each step needs"
    )
    ungraceful: Literal["warn", "skip"] | None = Field(
        None, description="In an ungraceful run: only `warn` when it does not hold, or do not ask (`skip`)"
    )


class Done(Condition):
    """What must hold in the end. A run that did all its steps and does not reach it has failed."""

    within: Duration | None = Field(None, description="How long settling may take after the last step")


class Acting(StrictModel):
    """The verbs that change something."""

    edge_weight: EdgeWeight | None = Field(None, alias="edge.weight")
    edge_drain: EdgeDrain | None = Field(None, alias="edge.drain")
    edge_ready: InRegion | None = Field(
        None, alias="edge.ready", description="A region's servers take new customers again"
    )
    pg_fence: InRegion | None = Field(
        None,
        alias="pg.fence",
        description="The primary of a region takes no more writes; proven by one refused",
    )
    pg_unfence: InRegion | None = Field(
        None, alias="pg.unfence", description="It takes writes again; refused where another was promoted"
    )
    pg_promote: PgPromote | None = Field(None, alias="pg.promote")
    pg_rejoin: InRegion | None = Field(
        None,
        alias="pg.rejoin",
        description="The old primary becomes a standby of the new one; what only it has is thrown away",
    )
    redis_promote: InRegion | None = Field(
        None, alias="redis.promote", description="The replica of a region becomes the primary"
    )
    redis_rejoin: InRegion | None = Field(
        None, alias="redis.rejoin", description="The cache of a region becomes a replica of the primary"
    )
    http_call: HttpCall | None = Field(None, alias="http.call")
    sessions_revoke: SessionsRevoke | None = Field(None, alias="sessions.revoke")
    flag_set: FlagSet | None = Field(None, alias="flag.set")
    shell: Shell | None = None


class UndoVerb(Acting):
    """The action that takes the step back, where it cannot do so by itself."""

    model_config = _one_of(*ACTING)


Undo = Annotated[
    Annotated[Literal["previous", "none"], Tag("word")] | Annotated[UndoVerb, Tag("verb")],
    Discriminator(lambda value: "verb" if isinstance(value, dict | UndoVerb) else "word"),
]


class Ungraceful(StrictModel):
    """What is different when the old region is lost: exactly one."""

    model_config = _one_of("skip", "accept", "if_unreachable")

    skip: str | None = Field(None, min_length=1, description="Left out; why, in a sentence")
    accept: str | None = Field(
        None, min_length=1, description="It may fail and the run goes on; what that means, in a sentence"
    )
    if_unreachable: Literal["ask", "skip"] | None = Field(
        None, description="When what it acts on does not answer: `ask` a person, or `skip` it and say so"
    )


class Approve(StrictModel):
    """Wait until other people have said yes to this very plan."""

    people: int = Field(1, ge=1, le=5, description="How many")
    not_: Literal["starter"] = Field(
        "starter", alias="not", description="Nobody approves their own: always so, written or not"
    )
    expires: Duration = Field(description="After so long without them the run stops and undoes what it did")
    show: list[Literal["plan", "burn-rate", "expected-loss"]] = Field(
        default_factory=list, description="What is put before them (the plan always is)"
    )


class BurnLimit(StrictModel):
    region: Region | None = Field(None, description="Of this region alone (default: of all)")
    above: float = Field(gt=0, description="The burn rate that stops the step")
    window: Duration | None = Field(None, description="Over this window (default: 5m)")
    objectives: list[Ref] | None = Field(None, min_length=1, description="Default: every one")
    ungraceful: Literal["ignore", "watch"] = Field(
        "ignore",
        description="In an ungraceful run the budget burns already: `ignore` that, or `watch` all the same",
    )


class JourneyLimit(StrictModel):
    region: Region
    journeys: list[Ref] | None = Field(None, min_length=1, description="Default: all of them")


class StopIf(StrictModel):
    """Watched while the step acts: any of them stops it and takes this one step back."""

    burn_rate: BurnLimit | None = None
    journey_failing: JourneyLimit | None = None
    lag: PgLag | None = Field(None, description="The standby falls further behind than this")
    promql_false: str | None = Field(
        None, min_length=1, description="This PromQL has no answer, or a number in it is 0"
    )
    elapsed: Duration | None = Field(None, description="The step has taken so long")


class Step(Acting):
    """Exactly one action: a verb or `approve`. The rest says how."""

    model_config = _one_of(*ACTIONS)

    id: Name = Field(description="Its name, once in a runbook")
    why: str | None = Field(None, description="Markdown: why it is done, for somebody who has never done it")
    pg_lag: PgLag | None = Field(None, alias="pg.lag")
    probe: Probe | None = None
    slo_hold: SloHold | None = Field(None, alias="slo.hold")
    notify: Notify | None = None
    human: str | None = Field(None, min_length=1, description="Markdown: what a person is to do")
    evidence: Literal["text", "url", "number", "file"] | None = Field(
        None, description="human: what they must hand in to go on"
    )
    approve: Approve | None = None
    undo: Undo | None = Field(
        None,
        description="`previous`: what was before; another verb; or `none`: the point of no return. Before it"
        " a run that fails is undone in reverse; after it, it only goes forward",
    )
    within: Duration | None = Field(None, description="How long it may take, all attempts together")
    ungraceful: Ungraceful | None = None
    stop_if: StopIf | None = None
    parallel: Name | None = Field(None, description="Neighbours of one group act at the same time")

    @property
    def action(self) -> str:
        return given(self, ACTIONS)[0]


class RunbookSpec(StrictModel):
    """A procedure, step by step."""

    model_config = ConfigDict(**StrictModel.model_config, title="A runbook")

    runbook: Name
    title: str = Field(min_length=1, description="What it does, in a sentence")
    owner: str = Field(min_length=1, description="The team that keeps it right")
    rehearse_every: Duration | None = Field(None, description="A rehearsal older than this is stale")
    objectives: Objectives | None = None
    inputs: dict[Word, Input] = Field(default_factory=dict)
    lock: Name = Field(description="Two runs with the same lock never act at the same time")
    rules: list[Invariant] = Field(
        default_factory=list, description="What must hold before and after every step, whoever acts"
    )
    ready: list[Ready] = Field(default_factory=list, description="What must hold before the first step")
    steps: list[Step] = Field(min_length=1, max_length=100)
    done_when: Done | None = Field(None, description="What must hold in the end")


def given(model: StrictModel, keys: tuple[str, ...]) -> list[str]:
    """Which of these keys, as a file writes them, `model` has."""
    return [key for key in keys if arguments(model, key) is not None]


def arguments(model: StrictModel, key: str) -> object:
    """What stands under `key`, as a file writes it."""
    return getattr(model, key.replace(".", "_"), None)
