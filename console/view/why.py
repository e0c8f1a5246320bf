"""The evidence behind one objective as text: every count, query, age and doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.view import numbers
from console.view.overview import title
from keelwatch.workspace.reading import Unknown, Value

if TYPE_CHECKING:
    from slo.why import Drift, Why, WindowWhy


def why_lines(found: Why) -> list[str]:
    reading = found.reading
    age = "unknown" if found.sample_age_s is None else numbers.length(found.sample_age_s)
    lines = [
        f"{title(reading)}: {reading.state.upper()}, target {reading.target * 100:.6g}",
        f"asked at {numbers.clock(found.at)}; newest sample {age} old; part = {found.part_is} events",
    ]
    if found.approximate:
        lines.append("APPROXIMATE: a query with a fixed range is integrated over each window")
    if reading.unknown_reason:
        lines.append(f"UNKNOWN: {reading.unknown_reason}")
    lines += [f"warning: {warning}" for warning in found.warnings]
    lines += ["", "burn = bad / total / (1 - target)", ""]
    for window in found.windows:
        lines += _window(window, reading.target)
    lines += _drifts(found)
    return lines


def why_json(found: Why) -> dict[str, object]:
    reading = found.reading
    return {
        "name": reading.name,
        "region": reading.region,
        "state": reading.state.value,
        "asked_at": found.at,
        "approximate": found.approximate,
        "sample_age_s": found.sample_age_s,
        "unknown_reason": reading.unknown_reason,
        "part_is": found.part_is,
        "windows": [
            {
                "window": window.window,
                "bad": window.bad,
                "total": window.total,
                "burn": window.burn.value if isinstance(window.burn, Value) else None,
                "unknown_reason": window.burn.reason if isinstance(window.burn, Unknown) else None,
                "how": window.how,
                "part_query": window.part.alone,
                "total_query": window.total_asked.alone,
            }
            for window in found.windows
        ],
        "warnings": list(found.warnings),
        "drift_ratio": found.drift_total.ratio if found.drift_total else None,
    }


def _window(window: WindowWhy, target: float) -> list[str]:
    match window.burn:
        case Unknown(reason=reason):
            lines = [f"{window.window:<7} UNKNOWN: {reason}"]
        case Value(partial=partial):
            bad, total = numbers.count(window.bad or 0.0), numbers.count(window.total or 0.0)
            line = f"{window.window:<7} {bad} / {total} / {1 - target:.6g} = {numbers.burn(window.burn)}"
            if partial and window.covered is not None:
                line += f"  (PARTIAL: {numbers.percent(window.covered, 0)} of the window covered)"
            lines = [line]
    lines.append(f"        {window.how}")
    lines.append(f"        part:  {window.part.alone}")
    lines.append(f"        total: {window.total_asked.alone}")
    if window.part.sent and window.part.sent != window.part.alone:
        lines.append(f"        sent together with others as: {window.part.sent}")
    return [*lines, ""]


def _drifts(found: Why) -> list[str]:
    if found.drift_error:
        return [f"cross-check of the period failed: {found.drift_error}"]
    told = [("bad", found.drift_bad), ("total", found.drift_total)]
    return [_drift(name, drift) for name, drift in told if drift is not None] or [
        "cross-check of the period: not made yet"
    ]


def _drift(name: str, drift: Drift) -> str:
    return (
        f"cross-check of the period at {numbers.clock(drift.at)}, {name}: ours {numbers.count(drift.ours)}, "
        f"the server's {numbers.count(drift.theirs)}, drift {numbers.percent(drift.ratio, 2)}"
    )
