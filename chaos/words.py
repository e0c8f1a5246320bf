"""What a person types to do the same as an activity. Pure."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from chaos.blast import EVERYWHERE
from chaos.verbs import verb_of
from keelwatch.runs.fields import mapping, number, text, texts

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject


def equivalent(provider: JsonObject) -> str:
    """A command, or what is called where there is none."""
    match text(provider, "type"):
        case "process":
            told = provider.get("arguments")
            flags = told if isinstance(told, str) else shlex.join(_flags(told))
            return f"{text(provider, 'path')} {flags}".rstrip()
        case "http":
            method = text(provider, "method") or "GET"
            return f"curl -X {method} {shlex.quote(text(provider, 'url'))}"
    arguments = mapping(provider, "arguments")
    match text(provider, "module"), text(provider, "func"):
        case "chaos.actions", "wait":
            return f"sleep {text(arguments, 'for_')}"
        case "chaos.actions", "undo":
            return "keelwatch stop RUN: it takes back what it did"
        case "chaos.probes", "journey_passes":
            return f"keelwatch probe run {text(arguments, 'journey')} --region {text(arguments, 'region')}"
        case "chaos.probes", "burn_below":
            return "keelwatch slo show " + " ".join(texts(arguments, "objectives"))
        case "chaos.probes", "promql":
            return f"promtool query instant URL {shlex.quote(text(arguments, 'query'))}"
        case "chaos.actions", _:
            return of_verb(*verb_of(provider))
    return f"{text(provider, 'module')}.{text(provider, 'func')}({_short(arguments)})"


def of_verb(verb: str, args: JsonObject) -> str:
    region = text(args, "region")
    where = f" --region {region}" if region else ""
    match verb:
        case "fault.set":
            for_s = number(args, "for_s")
            return (
                f"keelwatch sandbox fault {text(args, 'fault')} {text(args, 'value')}{where} --for {for_s:g}s"
            )
        case "fault.clear":
            there = where if region not in EVERYWHERE else ""
            return f"keelwatch sandbox fault clear {text(args, 'fault')}{there}"
        case "flag.set":
            return f"keelwatch sandbox flag {text(args, 'flag')} {'on' if args.get('to') else 'off'}{where}"
    return f"{verb} {_short(args)}"


def _flags(told: object) -> list[str]:
    """Chaos Toolkit takes a list, or names with values."""
    if isinstance(told, dict):
        return [str(word) for key, value in told.items() for word in (key, value) if word is not None]
    return [str(one) for one in told] if isinstance(told, list) else []


def _short(value: object) -> str:
    told = json.dumps(value, default=str)
    return told if len(told) <= 120 else told[:117] + "..."
