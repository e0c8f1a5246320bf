"""A runbook's parts in plain sentences, for paper, wikis and lists. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from runbooks.inputs import fill
from runbooks.stages import Mode, action_of, stages_of
from runbooks.verbs.catalogue import APPROVE

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from keelwatch.runs import Action
    from runbooks.spec import Condition, Input, Ready, Step, StopIf, Ungraceful

CONDITIONS = ("pg.lag", "probe", "slo.hold")
RULES = {
    "one-region-serving": "one region serves customers at any time",
    "no-chaos-running": "no experiment runs",
    "no-load-running": "no load test runs",
}
EVIDENCE = {"text": "in words", "url": "a link", "number": "a number", "file": "a file"}


def action_words(action: Action) -> str:
    """One sentence, without its full stop."""
    return WORDS[action.verb](action.args)


def step_words(step: Step, values: Mapping[str, str]) -> list[str]:
    """What a step does, a line for each stage."""
    if step.approve is not None:
        people = step.approve.people
        who = "another person says" if people == 1 else f"{people} other people say"
        shown = ", ".join(dict.fromkeys(["plan", *step.approve.show]))
        return [f"Wait until {who} yes, within {span(step.approve.expires)}; they see: {shown}"]
    found = []
    for stage in stages_of(step, values, Mode.GRACEFUL):
        held = f", then wait {stage.hold_s:g} s" if stage.hold_s else ""
        found.append(action_words(stage.action) + held)
    return found


def condition_words(one: Condition, values: Mapping[str, str]) -> list[str]:
    from runbooks.spec import arguments

    found = [
        action_words(action_of(key, written, values, Mode.GRACEFUL))
        for key in CONDITIONS
        if (written := arguments(one, key)) is not None
    ]
    if one.serving is not None:
        regions = " and ".join(fill(region, values) for region in one.serving)
        found.append(f"The edge sends new customers to {regions}")
    return found


def ready_words(one: Ready, values: Mapping[str, str]) -> str:
    words = condition_words(one, values)
    if one.access is not None:
        words.append("Whoever starts it may do what every step needs")
    match one.ungraceful:
        case "warn":
            words.append("ungraceful: only a warning")
        case "skip":
            words.append("ungraceful: not asked")
    return "; ".join(words)


def undo_words(step: Step, values: Mapping[str, str]) -> str:
    """Empty where nothing is to be undone."""
    match step.undo:
        case None:
            return ""
        case "none":
            return "none: the point of no return"
        case "previous":
            return "what was before"
        case verb:
            return "; ".join(action_words(one.action) for one in stages_of(verb, values, Mode.GRACEFUL))


def ungraceful_words(one: Ungraceful, values: Mapping[str, str]) -> str:
    if one.skip is not None:
        return f"left out: {fill(one.skip, values)}"
    if one.accept is not None:
        return f"it may fail: {fill(one.accept, values)}"
    return "when it does not answer, " + ("a person decides" if one.if_unreachable == "ask" else "go on")


def stop_words(one: StopIf, values: Mapping[str, str]) -> list[str]:
    found = []
    if one.journey_failing is not None:
        journeys = _listed(one.journey_failing.journeys, values) or "any journey"
        found.append(f"{journeys} fails in {fill(one.journey_failing.region, values)}")
    if one.burn_rate is not None:
        burn = one.burn_rate
        of = _listed(burn.objectives, values) or "any objective"
        where = f" of {fill(burn.region, values)}" if burn.region else ""
        over = span(burn.window) if burn.window else "5 min"
        unless = "; not in an ungraceful run" if burn.ungraceful == "ignore" else ""
        found.append(f"the burn rate of {of}{where} over {over} is above {burn.above:g}{unless}")
    if one.lag is not None:
        found.append("not so: " + action_words(action_of("pg.lag", one.lag, values, Mode.GRACEFUL)))
    if one.promql_false is not None:
        found.append(f"no longer true: {fill(one.promql_false, values)}")
    if one.elapsed is not None:
        found.append(f"it has taken {span(one.elapsed)}")
    return found


def input_words(one: Input) -> str:
    parts = [one.about or one.type]
    if one.choices:
        parts.append("one of " + ", ".join(one.choices))
    if one.differs_from:
        parts.append(f"other than {one.differs_from}")
    return "; ".join(parts)


def span(time: timedelta) -> str:
    """`20 s`, `3 min`, `30 d`"""
    seconds = time.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def kind_of(step: Step) -> str:
    return "approval" if step.action == APPROVE else step.action


def _listed(names: list[str] | None, values: Mapping[str, str]) -> str:
    return ", ".join(fill(name, values) for name in names) if names else ""


def _seconds(args: JsonObject, key: str) -> str:
    return span(timedelta(seconds=cast("float", args[key])))


def _weights(args: JsonObject) -> str:
    weights = cast("Mapping[str, int]", args["weights"])
    return "Weights at the edge: " + ", ".join(f"{region} {weight}" for region, weight in weights.items())


def _drain(args: JsonObject) -> str:
    wait = _seconds(args, "wait_s") if "wait_s" in args else "10 s"
    return f"No new customers for {args['region']}; up to {wait} for those there to finish"


def _lag(args: JsonObject) -> str:
    limits = [_seconds(args, "max_s")] if "max_s" in args else []
    limits += [f"{args['max_bytes']} bytes"] if "max_bytes" in args else []
    limit = " and ".join(limits)
    behind = f" and is at most {limit} behind" if limit else ""
    return f"The database of {args['region']} follows its primary{behind}"


def _promote(args: JsonObject) -> str:
    wait = f", once it has replayed the rest (at most {_seconds(args, 'wait_s')})" if "wait_s" in args else ""
    return f"The database of {args['region']} becomes the primary{wait}"


def _call(args: JsonObject) -> str:
    where = f" in {args['region']}" if "region" in args else ""
    status = args.get("status")
    wanted = " or ".join(str(one) for one in status) if isinstance(status, list) else "2xx"
    return f"Call {str(args['method']).upper()} {args['url']}{where}; it must answer {wanted}"


def _revoke(args: JsonObject) -> str:
    accounts = args.get("accounts")
    whose = ", ".join(str(one) for one in accounts) if isinstance(accounts, list) else "everybody"
    return f"End all sessions of {whose}"


def _flag(args: JsonObject) -> str:
    where = f" in {args['region']}" if "region" in args else ""
    return f"Set the flag {args['flag']} to {json.dumps(args['to'])}{where}"


def _probe(args: JsonObject) -> str:
    journeys = args.get("journeys")
    which = ", ".join(str(one) for one in journeys) if isinstance(journeys, list) else "every journey"
    many = isinstance(journeys, list) and len(journeys) > 1
    long = f" for {_seconds(args, 'ok_for_s')}" if "ok_for_s" in args else ""
    return f"{which} {'pass' if many else 'passes'} in {args['region']}{long}"


def _hold(args: JsonObject) -> str:
    objectives = args.get("objectives")
    of = ", ".join(str(one) for one in objectives) if isinstance(objectives, list) else "every objective"
    where = f" in {args['region']}" if "region" in args else ""
    over = _seconds(args, "window_s") if "window_s" in args else "5 min"
    long = f" for {_seconds(args, 'for_s')}" if "for_s" in args else ""
    return f"The burn rate of {of}{where} over {over} stays below {cast('float', args['below']):g}{long}"


def _notify(args: JsonObject) -> str:
    by = f"the webhook at {args['webhook']}" if "webhook" in args else "a command"
    return f"Say by {by}: {args['text']}"


def _shell(args: JsonObject) -> str:
    command = cast("list[str]", args["command"])
    return f"Run: {' '.join(command)}"


WORDS: Mapping[str, Callable[[JsonObject], str]] = {
    "edge.weight": _weights,
    "edge.drain": _drain,
    "edge.ready": lambda args: f"The servers of {args['region']} take new customers again",
    "pg.lag": _lag,
    "pg.fence": lambda args: f"The database of {args['region']} takes no more writes",
    "pg.unfence": lambda args: f"The database of {args['region']} takes writes again",
    "pg.promote": _promote,
    "pg.rejoin": lambda args: f"The database of {args['region']} follows the new primary",
    "redis.promote": lambda args: f"The cache of {args['region']} becomes the primary",
    "redis.rejoin": lambda args: f"The cache of {args['region']} follows the new primary",
    "http.call": _call,
    "sessions.revoke": _revoke,
    "flag.set": _flag,
    "probe": _probe,
    "slo.hold": _hold,
    "human": lambda _: "A person does this and says when it is done",
    "notify": _notify,
    "shell": _shell,
}
