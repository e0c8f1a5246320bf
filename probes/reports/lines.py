"""Executions as lines of text, for a log and for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from probes.record import PHASES, Execution, Hop, Result, StepRecord, StepState, UndoRecord

WORDS = {
    Result.PASS: "pass",
    Result.FAIL: "FAIL",
    Result.INVALID: "INVALID",
    Result.INCONCLUSIVE: "INCONCLUSIVE",
}
LABEL = 13  # columns of a label in a failure
LEFT_BEHIND = "It left something behind: keelwatch heal"


def step_line(journey: str, region: str, step: StepRecord) -> str:
    """`log-in (west)  2 log in  ok  182 ms`"""
    line = f"{journey} ({region})  {step.index + 1} {step.name}  {step.state}  {step.took_ms:.0f} ms"
    if step.retries:
        line += f"  after {len(step.retries) + 1} attempts ({'; '.join(step.retries)})"
    if step.waited_s:
        line += f"  (waited {step.waited_s:.0f} s for its one-time code)"
    return f"{line}  {step.reason}" if step.reason else line


def execution_line(execution: Execution) -> str:
    """`pass  log-in (west)  0.41 s`"""
    word = "LEFT BEHIND" if execution.left_behind else WORDS[execution.result]
    line = f"{word:4}  {execution.journey} ({execution.region})  {execution.took_s:.2f} s"
    if execution.reason:
        cause = f" [{execution.cause}]" if execution.cause else ""
        line += f"  {execution.reason}{cause}"
    if not execution.first_try:
        line += "  (not at the first attempt)"
    if execution.tainted:
        line += "  (times do not count: our own loop was late)"
    return line


def failure(execution: Execution) -> list[str]:
    """Everything a person needs of an execution that did not pass: what was expected, the difference, request
    and response, and a command that asks the same."""
    lines = [execution_line(execution)]
    step = failed_step(execution)
    if step is not None:
        lines.append(_labelled("step", f"{step.index + 1} {step.name}"))
        for check in (one for one in step.checks if not one.ok):
            lines.append(_labelled("expectation", f"{check.what}: {check.expected}"))
            lines += [_labelled("difference", f"- {check.expected}"), _labelled("", f"+ {check.found}")]
        lines += [_labelled("hop", hop_line(hop)) for hop in step.hops]
        if step.exchange is not None:
            lines += _block("request", step.exchange.request)
            lines += _block("response", step.exchange.response or "none")
            lines += _block("curl", step.exchange.curl)
    lines += [_undo_line(undo) for undo in execution.undos]
    if execution.account:
        lines.append(_labelled("account", execution.account))
    lines.append(_labelled("trace", execution.trace))
    return lines


def _undo_line(undo: UndoRecord) -> str:
    number, _, action = undo.step.partition("-")
    step = f"step {int(number) + 1} {action}" if number.isdigit() else undo.step
    if undo.done:
        return _labelled("taken back", f"{step}, and verified")
    return _labelled("LEFT BEHIND", f"the undo of {step}: {undo.error or 'not verified'}")


def is_well(execution: Execution) -> bool:
    """Nobody has to do anything about it."""
    return execution.result is Result.PASS and not execution.left_behind


def failed_step(execution: Execution) -> StepRecord | None:
    return next((step for step in execution.steps if step.state is StepState.FAILED), None)


def hop_line(hop: Hop) -> str:
    """`GET https://... 200  dns 0.2  connect 1.1  tls 6.0  wait 48.3 ms`"""
    phases = "  ".join(f"{phase} {hop.phases[phase]:.1f}" for phase in PHASES if phase in hop.phases)
    reused = "  reused" if hop.reused else ""
    return f"{hop.method} {hop.url} {hop.status or 'no answer'}  {phases} ms{reused}"


def summary(executions: list[Execution]) -> str:
    """`18 passed, 2 failed`"""
    if not executions:
        return "nothing ran"
    counts = {result: sum(one.result is result for one in executions) for result in Result}
    words = {Result.PASS: "passed", Result.FAIL: "failed"}
    counts[Result.PASS] = sum(is_well(one) for one in executions)
    told = [f"{count} {words.get(result, result)}" for result, count in counts.items() if count]
    left = sum(one.left_behind for one in executions)
    return ", ".join([*told, *([f"{left} left something behind: keelwatch heal"] if left else [])])


def _block(label: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines() or [""]):
        yield _labelled(label if number == 0 else "", line)


def _labelled(label: str, text: str) -> str:
    return f"  {label:{LABEL}}{text}".rstrip()
