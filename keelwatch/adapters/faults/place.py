"""Which fault is meant, of which sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keelwatch.adapters.arguments import strict, word
from keelwatch.adapters.sandbox import SandboxFault
from keelwatch.ledger import JsonObject
from keelwatch.workspace.errors import UsageError

EVERYWHERE = "all"


@dataclass(frozen=True, slots=True)
class Target:
    """`fault` in `region` of the sandbox `name`."""

    name: str
    fault: str
    region: str

    @property
    def id(self) -> str:
        """As the sandbox calls it."""
        return f"{self.fault}@{self.region}"

    @property
    def words(self) -> str:
        return f"{self.fault} in {'all regions' if self.region == EVERYWHERE else self.region}"


def target_in(args: JsonObject, *known: str) -> Target:
    """Raises what `sandbox_of` raises."""
    strict(args, "fault", "region", *known)
    return Target(sandbox_of(args), word(args, "fault"), word(args, "region", EVERYWHERE))


def sandbox_of(args: JsonObject, lack: str = "there is nothing in it that breaks on request") -> str:
    """The name of the sandbox that the environment is, running or not: what is down has no faults left.

    Raises `UsageError` for an environment that is none, `InputError` for a bad workspace.
    """
    from keelwatch.workspace.workspace import load_workspace

    name, spec = load_workspace(Path(word(args, "workspace"))).environment(word(args, "environment"))
    if spec.source != "sandbox":
        raise UsageError(
            f"{name} is no sandbox: {lack}",
            "see what can be broken: keelwatch chaos faults",
        )
    return word(args, "sandbox", "") or spec.sandbox


def amount_of(fault: SandboxFault) -> str:
    """As it was written: `30%`, `300ms`, `on`."""
    match fault.kind:
        case "errors":
            return f"{fault.amount * 100:g}%"
        case "latency" | "slow-body":
            return f"{fault.amount * 1000:g}ms"
        case _:
            return "on"
