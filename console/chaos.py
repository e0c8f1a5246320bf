"""Experiments for every face: by name, planned, made into runs, and how a run of one stands. No click, no
screen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console.places import Place
from keelwatch.workspace.errors import InputError, KeelwatchError, UsageError

if TYPE_CHECKING:
    from chaos.load import Experiment
    from chaos.order import Order
    from chaos.plan import Planned
    from chaos.story import Story
    from keelwatch.ledger import LedgerStore
    from keelwatch.runs import RunView


@dataclass(frozen=True, slots=True)
class ChaosStory:
    """A run of an experiment: how it stands, and what its facts tell."""

    view: RunView
    told: Story


@dataclass(frozen=True, slots=True)
class DryRun:
    """What an experiment would do now, and the order that pins exactly that text."""

    experiment: Experiment
    order: Order
    plan: tuple[Planned, ...]

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why acts of it would be refused."""
        return tuple(one.trouble for one in self.plan if one.trouble)


def experiments(where: Place) -> tuple[Experiment, ...]:
    """Raises `InputError`, and `SourceError` when Chaos Toolkit cannot be asked."""
    from chaos.load import load_folder

    return load_folder(where.workspace.folders["chaos"])


def sound(where: Place, name: str) -> Experiment:
    """The experiment of this name, or in this file, looked at beside its workspace. Raises `UsageError` when
    there is none, `InputError` with all that is wrong with it."""
    from chaos.lint import check
    from chaos.load import named
    from console.processes import TABLE

    found = named(where.workspace.folders["chaos"], name)
    problems = check([found.file], where.workspace, TABLE.verbs)
    if problems:
        raise InputError(problems)
    return found


def order_for(where: Place, experiment: Experiment, load: str = "", seed: int = 0) -> Order:
    """The experiment as it is now, pinned."""
    from chaos.load import variables_of
    from chaos.order import Order

    return Order(
        workspace=where.workspace.file,
        environment=where.name,
        sandbox="",
        name=experiment.name,
        title=experiment.title,
        text=experiment.file.read_text(encoding="utf-8"),
        suffix=experiment.file.suffix,
        folder=experiment.file.absolute().parent,
        extension=experiment.own,
        variables=variables_of(experiment.data),
        load=load,
        seed=seed,
    )


def planned(where: Place, experiment: Experiment, load: str = "") -> DryRun:
    """What it would do now, asked of the real systems."""
    from chaos.plan import plan_of
    from console.processes import TABLE

    order = order_for(where, experiment, load)
    return DryRun(experiment, order, plan_of(experiment, order, TABLE.verbs, where.environment.regions))


def start(store: LedgerStore, order: Order) -> str:
    """A run of kind chaos; returns its id. Raises `NotStarted` with its own reason."""
    from console.processes import ENTRY, TABLE
    from keelwatch.runs import spawn

    return spawn(store, TABLE.kind("chaos"), order.name, order.as_args(), order.environment, ENTRY)


def story(store: LedgerStore, run: str) -> ChaosStory:
    """Raises `UsageError` for a run that is none of an experiment."""
    from chaos.story import story_of
    from keelwatch.runs import view

    found = view(store, run)
    if found.state.kind != "chaos":
        raise UsageError(f"{run} is a {found.state.kind} run, and no experiment", "see: keelwatch runs")
    told = story_of(store.after(0, run=run))
    return ChaosStory(found, told if told.name else _as_ordered(told, found))


def _as_ordered(told: Story, found: RunView) -> Story:
    """What a run that has not noted yet which experiment it carries out was ordered to; its name alone where
    the order is gone."""
    from chaos.order import order_of
    from keelwatch.runs.fields import text
    from keelwatch.runs.spec import read_spec

    named = replace(told, name=found.state.name)
    try:
        order = order_of(read_spec(found.state.id).args)
    except KeelwatchError:
        return named
    return replace(named, title=order.title, expect=text(order.extension, "expect"))
