"""What the marks mean, and why a value that could be there is not."""

from __future__ import annotations

from textwrap import wrap

from console.view.numbers import spark_levels
from console.view.overview import SPARK_TOP
from console.view.world import World
from keelwatch.workspace.reading import Unknown

WIDTH = 66  # columns of a dialog on the smallest screen


def legend_lines(world: World) -> list[str]:
    """The legend, the reason behind each `--` in the strip of regions, then the marks of runbooks."""
    levels = [f"{mark} {'0' if least == 0 else f'{least:.0f}'}x" for mark, least in spark_levels(SPARK_TOP)]
    return [
        "STATE      ^ getting worse   v recovering   blank: steady",
        "           ? unknown, never drawn as OK   was: known last, not now",
        "*          approximate: a query has a fixed range (w says which)",
        "BURN       1x spends the budget just over its period; ? no number",
        "LAST HOUR  a mark for 5 minutes, the newest at the right; it says",
        "           that the burn rate was at least, ? for no number:",
        f"           {'  '.join(levels)}",
        "PLOT       the budget left; the dots go on at the 1h rate",
        "           ^ below it: where a pair that is over became so",
        "READY      workers up / all, as the sandbox's supervisor counts",
        "P95 5m     95th percentile of real requests, from the histogram",
        "           of the latency objectives; its highest bound at most",
        "PROBES     the last result of each journey (key 3); was: one of",
        "           them is too old to say how things are",
        "LAST 20    . pass   F fail   ! invalid: our own fault   ? unclear",
        "           the newest at the right, for each journey and region",
        "vs median  of that step, over the kept executions that passed",
        *_missing(world),
        "LOAD       wanted: by its stages   applied: who came, or was there",
        "           response: from when a request was due; service: from",
        "           when it was sent (s95 in the plot); !: something wrong",
        "CHAOS      > what is on now   ! something wrong   met, DEVIATED,",
        "           UNKNOWN: how the hypothesis was answered   -- not asked",
        "RUNBOOKS   [x] done   [>] running   [ ] waiting   [-] skipped",
        "           [~] failed and borne   [!] failed   [<] taken back",
        "           [?] in doubt: it may or may not have happened",
    ]


def _missing(world: World) -> list[str]:
    """Each reason once, however many regions it holds for."""
    reasons: dict[str, None] = {}
    for facts in world.facts.values():
        for name, found in (("READY", facts.workers), ("P95", facts.p95_s), ("PROBES", facts.probes)):
            if isinstance(found, Unknown):
                reasons[f"{name} is -- here: {found.reason}"] = None
    if not world.facts:
        reasons["READY, P95 and PROBES are --: not asked yet"] = None
    return [line for reason in reasons for line in wrap(reason, WIDTH, subsequent_indent=" " * 11)]
