"""A shop of small files that runbooks act on: the verbs have the catalogue's names, and every effect shows.

The entry module of such runs. Calls and notifications are the product's own, but nobody waits long for what
died on loopback. The world is the folder `world` beside the workspace's file; `journeys` in it
says how journeys end (pass when missing), `broken-TARGET` makes a target fail, `dead-TARGET` unreachable,
`locked-TARGET` nobody's to write, `unrecorded-TARGET` the ledger fail, and `slow-TARGET` says for how many
seconds it takes its time. Who asks for access is listed in `asked`; `meeting` says how many must have asked
before anybody is answered.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from keelwatch.adapters.haproxy import LOST
from keelwatch.adapters.http_call import CallVerb
from keelwatch.ledger import JsonObject
from keelwatch.runs import (
    Action,
    Attempt,
    EffectClass,
    Prediction,
    ProcessTable,
    Run,
    RunKind,
    Verb,
    Verdict,
    failed,
    main,
    passed,
)
from keelwatch.runs.fields import mapping, text
from keelwatch.workspace import Condition, KernelError, Refused, SourceError
from runbooks.process import KIND
from runbooks.verbs.notify import NotifyVerb
from tests.toys.world import crash_at, land, value

ENTRY = "tests.toys.procedure"
PLACE = ("workspace", "environment", "sandbox")


def world_of(args: JsonObject) -> Path:
    return Path(text(args, "workspace")).parent / "world"


def all_have_asked(world: Path) -> bool:
    """Whether they came together, within 10 s."""
    wanted, deadline = int(value(world, "meeting") or 0), time.monotonic() + 10
    while len((world / "asked").read_text().splitlines()) < wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@dataclass(frozen=True)
class Toy:
    """Sets a file named `part` (and the region, if it has one) to a word."""

    name: str
    part: str
    word: str
    effect: EffectClass = EffectClass.DESIRED_STATE
    undone_by: str = ""
    settle_s: float = 0.1

    def target(self, args: JsonObject) -> str:
        region = text(args, "region")
        return f"{self.part}-{region}" if region else self.part

    def wanted(self, args: JsonObject) -> str:
        weights = mapping(args, "weights")
        if weights:
            return " ".join(f"{region}={weight}" for region, weight in weights.items())
        return text(args, "as-before") or self.word

    def plan(self, args: JsonObject) -> Prediction:
        crash_at(world_of(args), f"{self.name}:plan")
        before = value(world_of(args), self.target(args))
        return Prediction(
            self.target(args), {"value": before}, f"{before or 'nothing'} -> {self.wanted(args)}"
        )

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        world, target = world_of(args), self.target(args)
        crash_at(world, f"{self.name}:before")
        if (world / f"broken-{target}").exists():
            raise Refused(f"{target} is broken")
        if (world / f"dead-{target}").exists():
            raise SourceError(f"{target} does not answer")
        if (world / f"unrecorded-{target}").exists():
            raise KernelError("the ledger is full")
        time.sleep(float(value(world, f"slow-{target}") or 0))
        land(world, self.name, target, self.wanted(args))
        if (world / f"half-{target}").exists():
            (world / target).write_text("half")
            raise SourceError(f"{target} was changed in part")
        crash_at(world, f"{self.name}:after")
        return {"value": self.wanted(args)}

    def check(self, args: JsonObject) -> Condition:
        if self.effect is EffectClass.OPAQUE:
            return Condition.unknown("nobody can tell")
        if (world_of(args) / f"dead-{self.target(args)}").exists():
            return Condition.unknown(f"{self.target(args)} does not answer")
        found = value(world_of(args), self.target(args))
        evidence = f"{self.target(args)} is {found!r}" + (f" ({LOST})" if found == "even" else "")
        return Condition.yes(evidence) if found == self.wanted(args) else Condition.no(evidence)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        if not self.undone_by:
            return None
        return Action(self.undone_by, {**args, "as-before": text(before, "value"), "weights": {}})

    def access(self, args: JsonObject) -> tuple[str, ...]:
        world, target = world_of(args), self.target(args)
        with (world / "asked").open("a") as asked:
            asked.write(f"{self.name} {target}\n")
        if not all_have_asked(world):
            raise Refused("the others were not asked meanwhile")
        if (world / f"locked-{target}").exists():
            raise Refused(f"nobody may write {target}", f"unlock {target}")
        if (world / f"dead-{target}").exists():
            raise SourceError(f"{target} does not answer")
        return (f"write {target}",)


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        CallVerb(settle_s=1.0),
        NotifyVerb(settle_s=1.0),
        Toy("edge.weight", "edge", "even", undone_by="edge.weight"),
        Toy("edge.drain", "drain", "drained", undone_by="edge.ready"),
        Toy("edge.ready", "drain", "ready"),
        Toy("pg.fence", "writes", "fenced", EffectClass.CHECKABLE, undone_by="pg.unfence"),
        Toy("pg.unfence", "writes", "free", EffectClass.CHECKABLE),
        Toy("pg.promote", "database", "primary", EffectClass.CONDITIONAL),
        Toy("redis.promote", "cache", "primary"),
        Toy("pg.rejoin", "database", "standby"),
        Toy("shell", "shell", "ran", EffectClass.OPAQUE),
    )
}


def journeys(run: Run) -> Verdict:
    """They pass, unless the world says otherwise."""
    told = value(world_of(run.args), "journeys")
    if told == "hang":
        run.wait(60)
    return failed("1 of 1 failed") if told == "fail" else passed("1 of 1 passed")


TABLE = ProcessTable({"probe": RunKind("probe", journeys), KIND.name: KIND}, VERBS, tick_s=0.2)

if __name__ == "__main__":
    raise SystemExit(main(TABLE, sys.argv[1:]))
