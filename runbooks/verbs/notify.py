"""`notify`: people are told. What comes of it is never asked, and nothing takes it back."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from keelwatch.adapters.arguments import root_in, strict, word, words
from keelwatch.adapters.command import found, run_command
from keelwatch.adapters.http import Request, send
from keelwatch.adapters.http_call import needed_secret
from keelwatch.adapters.patience import Deadline
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import SourceError, UsageError
from keelwatch.workspace.reading import Condition
from keelwatch.workspace.secret import Secret, resolve

NAME = "notify"
SETTLE_S = 22.0
COMMAND_S = 20.0
WHOLE_S = 15.0  # the webhook's address may have to be fetched by a command
ANSWER_S = 10.0
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class NotifyVerb:
    """Say `text` by `webhook` (a reference to its URL, which gets {"text": ...}), or by `command`, on whose
    stdin it stands."""

    name: str = NAME
    effect: EffectClass = EffectClass.OPAQUE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        text, webhook, command = _read(args)
        by = f"the webhook at {webhook}" if webhook else found(command, root_in(args))
        return Prediction(f"notify/{webhook or command[0]}", {}, f"says by {by}: {text}")

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        text, webhook, command = _read(args)
        if webhook:
            return _post(args, text, webhook)
        ended = run_command(command, root_in(args), attempt.run, COMMAND_S, text)
        if ended.status != 0:
            raise SourceError(f"{command[0]} failed, {ended.words}", "tell them by hand, then skip")
        return {"by": shlex.join(command), "output": ended.output or None}

    def check(self, args: JsonObject) -> Condition:
        return Condition.unknown("nobody can tell whether they were told")

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        _, webhook, command = _read(args)
        if webhook:
            return needed_secret(webhook, root_in(args))
        return (f"run {found(command, root_in(args))}",)


def _post(args: JsonObject, text: str, webhook: str) -> JsonObject:
    """The URL is a secret: who has it may speak."""
    name, deadline = f"the webhook at {webhook}", Deadline.within(WHOLE_S)
    url = resolve(webhook, root_in(args)).reveal().strip()
    if not url.startswith(("http://", "https://")):
        raise SourceError(f"{name}: what is there is no URL", "https://...")
    Secret(url.partition("://")[2].partition("/")[2])  # an answer may repeat what was asked for
    body = json.dumps({"text": text}, ensure_ascii=False).encode()
    reply = send(Request(name, "POST", url, JSON, body), deadline.sooner(ANSWER_S).left_s)
    if not 200 <= reply.status < 300:
        raise SourceError(f"{name} answered {reply.words}", "tell them by hand, then skip")
    return {"by": name, "status": reply.status}


def _read(args: JsonObject) -> tuple[str, str, list[str]]:
    strict(args, "text", "webhook", "command")
    text, webhook, command = word(args, "text"), word(args, "webhook", ""), words(args, "command")
    if bool(webhook) == bool(command):
        raise UsageError("give either `webhook` or `command`")
    sandbox = word(args, "sandbox", "")  # given where it is not the environment's own: in a rehearsal
    return f"[sandbox {sandbox}] {text}" if sandbox else text, webhook, command


VERBS = {NAME: NotifyVerb()}
