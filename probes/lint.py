"""What a journey should not do: secrets by value, changes without undo, names nobody reads. Pure.

An error is what hurts customers or leaks; a warning is what probably is not meant; a note only tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from keelwatch.workspace.reader import closest
from probes import reads
from probes.flaw import Flaw
from probes.name_rules import unchecked_names
from probes.secrets_by_value import secret_flaws
from probes.spec import ACTIONS, METHODS, MUTATING
from probes.undo import LANDS_WITHIN_S

if TYPE_CHECKING:
    from keelwatch.workspace.errors import Problem
    from keelwatch.workspace.model import EnvironmentSpec
    from keelwatch.workspace.workspace import Workspace
    from probes.load import Written
    from probes.spec import JourneySpec, Login, Step


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule` is its stable name, as the manual lists it."""

    severity: Severity
    rule: str
    problem: Problem

    def __str__(self) -> str:
        place, _, rest = str(self.problem).partition(": found ")
        return f"{place}: {self.severity}: found {rest} [{self.rule}]"


def lint(journeys: Sequence[Written], workspace: Workspace | None) -> list[Finding]:
    """Every finding, by place. Without a workspace its components, pools and regions are not asked for."""
    found = [
        Finding(severity, rule, flaw.problem(written.document))
        for written in journeys
        for severity, rule, look in RULES
        for flaw in look(written.journey.spec, workspace)
    ]
    return sorted(found, key=lambda one: (str(one.problem.file), one.problem.line, one.problem.column))


def is_lintable(written: Written) -> bool:
    """Whether a journey that is not right has what the rules here take for granted."""
    return all(
        sum(getattr(step, one) is not None for one in ACTIONS) == 1 for step in written.journey.spec.steps
    )


def unknown_component(spec: JourneySpec, workspace: Workspace | None) -> Iterator[Flaw]:
    if workspace is None or not workspace.components or spec.component in workspace.components:
        return
    near = closest(spec.component, workspace.components)
    found = f"the component {spec.component!r}"
    yield Flaw(("component",), found, "a component of keelwatch.yaml", near)


def _unknown_region(spec: JourneySpec, workspace: Workspace | None) -> Iterator[Flaw]:
    known = {region for one in _environments(workspace).values() for region in one.regions}
    for index, region in enumerate(spec.regions or []):
        if known and region not in known:
            near = closest(region, known)
            yield Flaw(("regions", index), f"the region {region!r}", "a region of some environment", near)


def _unknown_pool(spec: JourneySpec, workspace: Workspace | None) -> Iterator[Flaw]:
    declaring = _with_pools(workspace)
    known = {pool for one in declaring.values() for pool in one.accounts}
    if spec.as_ is None or not known or spec.as_.pool in known or _brings_its_own(workspace):
        return
    near = closest(spec.as_.pool, known)
    yield Flaw(("as", "pool"), f"the pool {spec.as_.pool!r}", "a pool of some environment", near)


def _not_everywhere(spec: JourneySpec, workspace: Workspace | None) -> Iterator[Flaw]:
    """Environments that lack the pool or a region, where others have it."""
    if spec.as_ is not None:
        pool = spec.as_.pool
        lacking = [name for name, one in _with_pools(workspace).items() if pool not in one.accounts]
        if lacking and not list(_unknown_pool(spec, workspace)):
            yield Flaw(
                ("as", "pool"), f"a pool that {', '.join(lacking)} has not", "a pool of each environment"
            )
    every = _environments(workspace)
    for index, region in enumerate(spec.regions or []):
        lacking = [name for name, one in every.items() if region not in one.regions]
        if lacking and len(lacking) < len(every):
            found = f"a region that {', '.join(lacking)} has not"
            yield Flaw(("regions", index), found, "a region of each environment")


def _environments(workspace: Workspace | None) -> Mapping[str, EnvironmentSpec]:
    return workspace.environments if workspace else {}


def _with_pools(workspace: Workspace | None) -> dict[str, EnvironmentSpec]:
    """The environments whose pools the workspace says; a sandbox's are known when it runs."""
    return {
        name: one
        for name, one in _environments(workspace).items()
        if one.accounts and one.source != "sandbox"
    }


def _brings_its_own(workspace: Workspace | None) -> bool:
    return any(one.source == "sandbox" for one in _environments(workspace).values())


def _without_undo(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    for index, step in enumerate(spec.steps):
        if step.action in MUTATING and step.undo is None:
            expected = "`undo` with `verify`, or `undo: {none: why it needs none}`"
            yield Flaw(("steps", index, step.action), f"a {step.action} without undo", expected, on_key=True)


def _secret_by_value(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    for index, step in enumerate(spec.steps):
        yield from secret_flaws(step, ("steps", index))


def _unused_capture(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    """A capture that nothing reads before its name is captured anew. A hook may read every name."""
    for index, step in enumerate(spec.steps):
        for name in step.capture:
            if not _is_read(name, spec.steps[index + 1 :]):
                expected = f"a later step that reads ${name}, or no such capture"
                yield Flaw(
                    ("steps", index, "capture", name), f"the unused capture {name}", expected, on_key=True
                )


def _is_read(name: str, steps: Sequence[Step]) -> bool:
    for step in steps:
        if step.hook is not None or name in _names_read(step):
            return True
        if name in step.capture:
            return False
    return False


def _names_read(step: Step) -> set[str]:
    found = [*reads.of_step(step, ()), *reads.of_alike(step, ())]
    found += [*reads.of_expect(step.expect, ()), *reads.of_expect(step.until, ())]
    if step.undo is not None:
        found += reads.of_undo(step.undo, ())
        if step.undo.verify is not None:
            found += reads.of_verify(step.undo.verify, ())
            found += reads.of_expect(step.undo.verify.expect, ())
    return {name for read in found for name in read.names}


def _unused_secret(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    for name in spec.secrets:
        if not any(f"secret.{name}" in _names_read(step) for step in spec.steps):
            expected = f"a step that reads $secret.{name}, or no such secret"
            yield Flaw(("secrets", name), f"the unused secret {name}", expected, on_key=True)


def _unchecked_name(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    yield from unchecked_names(spec)


def _unbounded_poll(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    for index, step in enumerate(spec.steps):
        if step.action == "poll" and "within" not in step.model_fields_set:
            expected = "`within`: how long the effect may take"
            yield Flaw(("steps", index, "poll"), "a poll without a bound of its own", expected, on_key=True)


def _repeated_change(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    """A request that was sent and never answered may have acted: sent again, it may act again."""
    for index, step in enumerate(spec.steps):
        keyed = any(header.lower() == "idempotency-key" for header in step.headers)
        if step.retries and step.action in {"post", "patch"} and not keyed:
            found = f"a {step.action} that is sent again"
            yield Flaw(("steps", index, "retries"), found, "a header Idempotency-Key, or no retries")


def _one_time_code_shared(spec: JourneySpec, workspace: Workspace | None) -> Iterator[Flaw]:
    """A code is accepted once: two journeys that share an account refuse each other."""
    if spec.as_ is None or spec.as_.lease == "exclusive":
        return
    if any(_sends_code(step.login, spec.as_.pool, workspace) for step in spec.steps if step.login):
        found = "a shared lease of an account that logs in with a one-time code"
        yield Flaw(("as", "lease"), found, "`lease: exclusive`")


def _sends_code(login: Login, pool: str, workspace: Workspace | None) -> bool:
    """Whether a login of the leased account surely sends one: the journey or the workspace says so."""
    if login.totp:
        return True
    if login.flow not in {"oidc", "form"} or not login.account.startswith("$account."):
        return False
    pools = [one.accounts.get(pool, []) for one in _with_pools(workspace).values()]
    return any(account.totp is not None for accounts in pools for account in accounts)


def _one_time_code_maybe_shared(spec: JourneySpec, workspace: Workspace | None) -> Iterator[Flaw]:
    if spec.as_ is None or spec.as_.lease == "exclusive" or list(_one_time_code_shared(spec, workspace)):
        return
    for step in spec.steps:
        login = step.login
        if login and login.flow in {"oidc", "form"} and login.account.startswith("$account."):
            found = "a shared lease of an account that logs in on a page"
            expected = "`lease: exclusive`, should the page ask for a one-time code"
            yield Flaw(("as", "lease"), found, expected)
            return


def _no_schedule(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    if spec.schedule is None:
        expected = "`schedule`, for `probe watch` to start it"
        yield Flaw(("journey",), "a journey without a schedule", expected, on_key=True)


def _hurried(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    """A deadline that cuts off steps which are all within their own time."""
    own = [step.within for step in spec.steps if "within" in step.model_fields_set]
    total_s = sum(within.total_seconds() for within in own)
    if total_s > spec.deadline.total_seconds():
        found = f"{spec.deadline.total_seconds():g}s for steps that may take {total_s:g}s by their `within`"
        yield Flaw(("deadline",), found, "a longer deadline, or shorter steps")


def _short_reserve(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    """A portal so slow that a request lands late answers its undo no sooner."""
    undone = any(step.undo is not None and step.undo.none is None for step in spec.steps)
    if undone and spec.cleanup_reserve.total_seconds() <= LANDS_WITHIN_S:
        found = f"{spec.cleanup_reserve.total_seconds():g}s for the undos"
        expected = f"more than {LANDS_WITHIN_S:g}s, for so late may a request still land"
        yield Flaw(("cleanup_reserve",), found, expected)


def _overlapping(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    if spec.schedule is not None and spec.schedule.every < spec.deadline:
        found = f"every {spec.schedule.every.total_seconds():g}s, sooner than the deadline"
        yield Flaw(("schedule", "every"), found, f"what `overlap: {spec.overlap}` does then to be meant")


def _nothing_expected(spec: JourneySpec, _: Workspace | None) -> Iterator[Flaw]:
    """A page that says "sorry" with 200 passes it."""
    judged = any(
        step.until is not None or step.capture or step.alike or "expect" in step.model_fields_set or step.hook
        for step in spec.steps
    )
    if not judged and any(step.action in METHODS for step in spec.steps):
        yield Flaw(("steps",), "steps that expect nothing but 200-299", "an `expect` on what customers see")


Look = Callable[["JourneySpec", "Workspace | None"], Iterator[Flaw]]

RULES: tuple[tuple[Severity, str, Look], ...] = (
    (Severity.ERROR, "no-undo", _without_undo),
    (Severity.ERROR, "secret-by-value", _secret_by_value),
    (Severity.ERROR, "unknown-component", unknown_component),
    (Severity.ERROR, "unknown-pool", _unknown_pool),
    (Severity.ERROR, "unknown-region", _unknown_region),
    (Severity.ERROR, "shared-code", _one_time_code_shared),
    (Severity.WARNING, "unused-capture", _unused_capture),
    (Severity.WARNING, "unused-secret", _unused_secret),
    (Severity.WARNING, "unchecked-name", _unchecked_name),
    (Severity.WARNING, "unbounded-poll", _unbounded_poll),
    (Severity.WARNING, "repeated-change", _repeated_change),
    (Severity.WARNING, "maybe-shared-code", _one_time_code_maybe_shared),
    (Severity.WARNING, "short-reserve", _short_reserve),
    (Severity.WARNING, "nothing-expected", _nothing_expected),
    (Severity.NOTE, "not-everywhere", _not_everywhere),
    (Severity.NOTE, "no-schedule", _no_schedule),
    (Severity.NOTE, "hurried", _hurried),
    (Severity.NOTE, "overlapping", _overlapping),
)
