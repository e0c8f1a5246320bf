"""GitHub Actions: annotations in the log, and a summary page.

The runner takes commands from any line of either stream, so also from what a server answered: everything but
our annotations is written through `told`, and a document on stdout through `told_json` or `told_xml`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from probes.record import Execution, Result
from probes.reports.lines import LEFT_BEHIND, WORDS, failed_step, failure, is_well, summary

OLD_COMMAND = "##["
MOST_ANNOTATIONS = 9  # GitHub shows ten of a step; the last says how many there are


def commands(executions: Sequence[Execution]) -> list[str]:
    """Workflow commands, to be printed as they are."""
    bad = [one for one in executions if not is_well(one)]
    lines = [_command(one) for one in bad[:MOST_ANNOTATIONS]]
    if len(bad) > MOST_ANNOTATIONS:
        more = len(bad) - MOST_ANNOTATIONS
        lines.append(f"::error title=Keelwatch::{more} more journeys did not pass, or left something behind")
    return lines


def told(text: str) -> str:
    """`text` without any line that the runner would take for a command: one that begins with `::` after
    blanks, or has the older `##[` anywhere."""
    return "\n".join(_no_command(line) for line in text.split("\n"))


def told_json(document: str) -> str:
    """The same document: no line of it begins with `::`, and what is in its strings can be escaped."""
    return document.replace(OLD_COMMAND, "#\\u0023[")


def told_xml(document: str) -> str:
    """The same document, with references for what would be a command."""
    lines = document.replace(OLD_COMMAND, "#&#35;[").split("\n")
    return "\n".join(_led(line, "&#58;:") for line in lines)


def _no_command(line: str) -> str:
    return _led(line.replace(OLD_COMMAND, "# #["), ": :")


def _led(line: str, by: str) -> str:
    bare = line.lstrip()
    return f"{line[: len(line) - len(bare)]}{by}{bare[2:]}" if bare.startswith("::") else line


def _command(execution: Execution) -> str:
    level = "error" if execution.result is Result.FAIL or execution.left_behind else "warning"
    step = failed_step(execution)
    where = f"step {step.index + 1} {step.name}: " if step else ""
    title = _property(f"{execution.journey} ({execution.region}) {WORDS[execution.result]}")
    left = f" {LEFT_BEHIND}" if execution.left_behind else ""
    return f"::{level} title={title}::{_data(where + execution.reason + left).strip()}"


def step_summary(environment: str, executions: Sequence[Execution]) -> str:
    """Markdown for `$GITHUB_STEP_SUMMARY`."""
    lines = [
        f"### Journeys on {environment}: {summary(list(executions))}",
        "",
        "| journey | region | result | time | why |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.journey} | {one.region} | {WORDS[one.result]} | {one.took_s:.2f} s | {_cell(one.reason)} |"
        for one in executions
    ]
    for one in executions:
        if not is_well(one):
            told = failure(one)
            fence = "`" * max(4, 1 + max(map(len, re.findall("`+", "\n".join(told))), default=0))
            lines += ["", f"<details><summary>{one.journey} ({one.region})</summary>", ""]
            lines += [fence, *told, fence, "", "</details>"]
    return "\n".join(lines) + "\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
