"""What is not as it was: an execution beside the last one that passed, step by step."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from console.view import numbers
from console.view.waterfall import SHORT, phases, status
from probes.record import Check, Exchange, Execution, Hop, StepRecord, StepState

NOISE = ("date:", "traceparent:", "x-request-id:", "etag:", "content-length:")  # no two answers share them
LEAST_MS = 5.0  # phases that differ by less are the same
MOST_LINES = 40  # of one difference between two texts
SAME = "nothing differs but times under 5 ms"


def difference(now: Execution, then: Execution | None, at: float) -> list[str]:
    """Lines for a person: statuses, checks, phases, address and certificate, request and response. `at` is
    the time now."""
    if then is None:
        return ["no execution before it passed: there is nothing to compare with"]
    old = numbers.length(at - then.started)
    lines = [
        f"beside the last one that passed before it, {old} ago ({numbers.clock(then.started)}, {then.id})"
    ]
    before = {step.index: step for step in map(_anybody(then), then.steps)}
    for step in map(_anybody(now), now.steps):
        found = list(_step(step, before[step.index])) if step.index in before else ["not a step then"]
        if found:
            lines += ["", f"{step.index + 1} {step.name}", *(f"  {line}" for line in found)]
    return lines if len(lines) > 1 else [*lines, "", SAME]


def _anybody(execution: Execution) -> Callable[[StepRecord], StepRecord]:
    """A step without the name of its account, however it is written: executions take turns with the
    accounts."""
    name = _however_written(execution.account)

    def without(step: StepRecord) -> StepRecord:
        said = step.exchange
        if said is None or name is None:
            return step
        texts = (name.sub("$account", text) for text in (said.request, said.response, said.curl))
        return replace(step, exchange=Exchange(*texts))

    return without


def _however_written(account: str) -> re.Pattern[str] | None:
    """Its words in any case, with anything or nothing between them, numbers with or without zeros in front:
    `synthetic-east-06` is the customer who is called "Synthetic East 6"."""
    words = re.findall(r"[^\W\d_]+|\d+", account)
    if not words:
        return None
    spelt = [f"0*{int(word)}" if word.isdecimal() else re.escape(word) for word in words]
    alone = r"(?<![^\W_])", r"(?![^\W_])"  # as part of a longer word it is another's
    return re.compile(r"[\W_]{0,3}".join(spelt).join(alone), re.IGNORECASE)


def _step(now: StepRecord, then: StepRecord) -> Iterator[str]:
    if now.state is StepState.SKIPPED:
        if then.state is not StepState.SKIPPED:
            yield "skipped; it was made then"
        return
    if status(now) != status(then):
        yield _changed("status", status(then), status(now))
    yield from _checks(now.checks, then.checks)
    yield from _times(now, then)
    yield from _hops(now.hops, then.hops)
    if now.exchange is not None and then.exchange is not None:
        yield from _text("request", then.exchange.request, now.exchange.request)
        yield from _text("response", then.exchange.response, now.exchange.response)


def _changed(what: str, then: str, now: str) -> str:
    return f"{what:<12} {then or 'none'} -> {now or 'none'}"


def _checks(now: Sequence[Check], then: Sequence[Check]) -> Iterator[str]:
    before = {check.what: check for check in then}
    for check in now:
        was = before.get(check.what)
        if was is None or was.ok != check.ok:
            yield f"{'check':<12} {check.what}: want {check.expected}, got {check.found}" + (
                f", was {was.found}" if was else ", not checked then"
            )


def _times(now: StepRecord, then: StepRecord) -> Iterator[str]:
    if abs(now.took_ms - then.took_ms) >= LEAST_MS:
        yield f"{'took':<12} {_ms(then.took_ms)} -> {_ms(now.took_ms)} ms ({now.took_ms - then.took_ms:+.0f})"
    old, new = phases(then.hops), phases(now.hops)
    for phase in [name for name in {**old, **new} if abs(new.get(name, 0) - old.get(name, 0)) >= LEAST_MS]:
        told = [_ms(found[phase]) if phase in found else "none" for found in (old, new)]
        yield f"  {SHORT.get(phase, phase):<10} {told[0]} -> {told[1]} ms"


def _hops(now: Sequence[Hop], then: Sequence[Hop]) -> Iterator[str]:
    if len(now) != len(then):
        yield _changed("hops", str(len(then)), str(len(now)))
    if not now or not then:
        return
    new, old = now[-1], then[-1]
    for what, was, value in (
        ("address", old.address, new.address),
        ("http", old.http, new.http),
        ("tls", old.tls, new.tls),
        ("certificate", old.tls_serial, new.tls_serial),
    ):
        if was != value:
            yield _changed(what, was, value)


def _text(what: str, then: str, now: str) -> Iterator[str]:
    """Lines that went (`-`) and came (`+`); a body of JSON is compared by its values, one a line."""
    old, new = list(_lines(then)), list(_lines(now))
    found: list[str] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            found += [f"- {line}" for line in old[i1:i2]] + [f"+ {line}" for line in new[j1:j2]]
    for number, line in enumerate(found[:MOST_LINES]):
        yield f"{what if number == 0 else '':<12} {line}"
    if len(found) > MOST_LINES:
        yield f"{'':<12} ... and {len(found) - MOST_LINES} lines more"


def _lines(text: str) -> Iterator[str]:
    head, gap, body = text.partition("\n\n")
    yield from (line for line in head.splitlines() if not line.lower().startswith(NOISE))
    if gap:
        yield ""
        yield from body_lines(body)


def body_lines(body: str) -> list[str]:
    """A JSON document a value a line, anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=1, ensure_ascii=False).splitlines()
    except ValueError:
        return body.splitlines()


def _ms(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")
