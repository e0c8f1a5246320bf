"""Which variables of our environment a generator gets: a locustfile, and whatever it imports, reads all of
them, and so does Locust."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from keelwatch.runs import TOOL_VARIABLES

if TYPE_CHECKING:
    from keelwatch.workspace.model import EnvironmentSpec
    from probes.load import Journey


def kept(environment: EnvironmentSpec, journeys: Iterable[Journey], listed: Iterable[str]) -> set[str]:
    """Those that every process needs, those that the secrets of accounts and of these journeys are in, and
    those that the profile lists."""
    return {*TOOL_VARIABLES, *listed, *_behind(_references(environment, journeys))}


def _references(environment: EnvironmentSpec, journeys: Iterable[Journey]) -> Iterator[str]:
    for accounts in environment.accounts.values():
        for one in accounts:
            yield from (found for found in (one.password, one.totp) if found is not None)
    for journey in journeys:
        yield from journey.spec.secrets.values()


def _behind(references: Iterable[str]) -> Iterator[str]:
    for reference in references:
        kind, _, name = reference.partition(":")
        if kind == "env":
            yield name
