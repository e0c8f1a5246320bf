"""Which regions new customers reach, for whoever must keep one of them serving."""

from __future__ import annotations

from keelwatch.adapters.haproxy.runtime import look, of_regions
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.estate import Edge
from keelwatch.workspace.reading import Condition


def serving(edge: Edge) -> dict[str, Condition]:
    """Region to whether customers reach it now; unknown when the edge cannot be asked."""
    try:
        found = of_regions(edge, look(edge))
    except KeelwatchError as error:
        return {region: Condition.unknown(error.message) for region in edge.servers}
    answers = {}
    for region, servers in found.items():
        words = ", ".join(f"{one.name} {one.weight} {one.state}" for one in servers)
        serves = any(one.serves for one in servers)
        answers[region] = Condition.yes(words) if serves else Condition.no(words)
    return answers
