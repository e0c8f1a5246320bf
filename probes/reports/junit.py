"""JUnit XML: one test case per journey and region."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from probes.record import Execution, Result
from probes.reports.lines import LEFT_BEHIND, failure, is_well, step_line

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold


def junit(environment: str, executions: Sequence[Execution]) -> str:
    """A failed journey is a failure; one that could not be judged, or left something behind, is an error."""
    failures = sum(one.result is Result.FAIL for one in executions)
    errors = sum(one.result is not Result.FAIL and not is_well(one) for one in executions)
    suite = Element(
        "testsuite",
        name=f"keelwatch {environment}",
        tests=str(len(executions)),
        failures=str(failures),
        errors=str(errors),
        skipped="0",
        time=f"{sum(one.took_s for one in executions):.3f}",
    )
    if starts := [one.started for one in executions if one.started]:  # one that never began has none
        began = datetime.fromtimestamp(min(starts), tz=UTC)
        suite.set("timestamp", began.strftime("%Y-%m-%dT%H:%M:%S"))
    for execution in executions:
        _case(suite, execution)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, execution: Execution) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=".".join(part for part in (execution.component, execution.journey) if part),
        name=f"{execution.journey} ({execution.region})",
        time=f"{execution.took_s:.3f}",
    )
    properties = SubElement(case, "properties")
    for name in ("region", "component", "account", "trace", "run"):
        SubElement(properties, "property", name=name, value=_clean(str(getattr(execution, name))))
    match execution.result:
        case Result.PASS:
            if execution.left_behind:
                _told(SubElement(case, "error"), execution)
        case Result.FAIL:
            _told(SubElement(case, "failure"), execution)
        case Result.INVALID | Result.INCONCLUSIVE:
            _told(SubElement(case, "error"), execution)
    steps = [step_line(execution.journey, execution.region, step) for step in execution.steps]
    SubElement(case, "system-out").text = _clean("\n".join(steps))


def _told(element: Element, execution: Execution) -> None:
    left = execution.left_behind and execution.result is Result.PASS
    element.set("type", "left-behind" if left else str(execution.cause or execution.result))
    element.set("message", _clean(LEFT_BEHIND if left else execution.reason))
    element.text = _clean("\n".join(failure(execution)))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
