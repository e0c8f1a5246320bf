"""The guard as users write it into a load profile or an experiment."""

from __future__ import annotations

from pydantic import Field

from keelwatch.safety.questions import USUAL_BURN
from keelwatch.workspace.model import Name
from keelwatch.workspace.reader import Duration, StrictModel


class BurnLimit(StrictModel):
    above: float = Field(USUAL_BURN, gt=0, description="The burn rate that stops the run")
    window: Duration | None = Field(None, description="Over this window (default: 5m)")
    objectives: list[Name] = Field(min_length=1)


class GuardSpec(StrictModel):
    """Watched while the run acts: any of them ends it. Before it starts, no objective of it may burn."""

    burn_rate: BurnLimit
    journeys: list[Name] = Field(
        default_factory=list, description="Must pass, asked again and again beside it"
    )
    promql_false: str | None = Field(
        None, min_length=1, description="This PromQL has no answer, or a number in it is 0"
    )
