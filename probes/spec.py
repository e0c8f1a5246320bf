"""A journey as the user writes it. Field descriptions are the documentation of the format.

What one key demands of another is in `probes.rules`; what a journey should not do, in `probes.lint`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

from keelwatch.workspace.model import Name
from keelwatch.workspace.reader import Duration, SecretReference, StrictModel, matching

Path = Annotated[
    str, *matching(r"(/|https?://|\$)\S*", "a path that begins with /, or a URL of the environment")
]
Word = Annotated[str, *matching(r"[a-z][a-z0-9_]{0,40}", "a name of a-z, 0-9 and _")]
Limit = Annotated[str, *matching(r"<\s*\d+(\.\d+)?(ms|s)", "a limit like <150ms or <2s")]
Beyond = Annotated[str, *matching(r">\s*\d+[dh]", "a time like >14d")]
Hook = Annotated[
    str, *matching(r"[\w./-]+\.py:[A-Za-z_]\w*", "FILE.py:FUNCTION, the file in the journey's folder")
]
Texts = dict[str, str]


def _status(value: object) -> object:
    """Said once: a union would say of a text that it is no number, and no list either."""
    statuses = value if isinstance(value, list) else [value]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in statuses):
        raise PydanticCustomError("expected", "a status like 200, or a list of such")
    return value


Status = Annotated[int | list[int], BeforeValidator(_status)]


def _exactly_one(*keys: str) -> ConfigDict:
    """What an editor is told; `probes.rules` says it to everybody else."""
    choices: list[JsonValue] = [{"required": [key]} for key in keys]
    return ConfigDict(**StrictModel.model_config, json_schema_extra={"oneOf": choices})


METHODS = ("get", "post", "put", "patch", "delete")
MUTATING = ("post", "put", "patch", "delete")
ACTIONS = (*METHODS, "poll", "login", "mail", "hook")
SOURCES = ("json", "header", "cookie", "regex", "field", "link", "code")
PROOFS = ("get", "post")


class Matcher(StrictModel):
    """What a value must be, where a literal does not say it. Every key given must hold."""

    equals: JsonValue = Field(
        None, alias="is", description="Exactly this, also where it reads like a word of the format"
    )
    differs: JsonValue = Field(None, alias="not", description="Anything but this")
    one_of: list[JsonValue] | None = Field(None, description="One of these")
    regex: str | None = Field(None, description="A text in which this is found")
    at_least: float | None = Field(None, description="A number not below this")
    at_most: float | None = Field(None, description="A number not above this")


class Expect(StrictModel):
    """What the answer must be. Without `status`, any of 200-299 passes."""

    status: Status | None = Field(None, description="One status, or several")
    headers: dict[str, JsonValue] = Field(
        default_factory=dict, description="Header to a text, `present`, `absent` or a matcher"
    )
    json_values: dict[str, JsonValue] = Field(
        default_factory=dict,
        alias="json",
        description="JMESPath to a value, `present`, `absent` or a matcher",
    )
    regex: str | None = Field(None, description="Found in the body")
    not_regex: str | None = Field(None, description="Not found in the body")
    schema_: JsonValue = Field(
        None, alias="schema", description="A JSON Schema of the body, or a file that holds one"
    )
    phases: dict[Literal["dns", "connect", "tls", "send", "wait", "receive", "total"], Limit] = Field(
        default_factory=dict,
        description="Longest time of a phase, like <150ms; of the last hop, `total` of all",
    )
    tls_expires: Beyond | None = Field(
        None, description="How long the certificate must still hold, like >14d"
    )
    agree: list[str] = Field(
        default_factory=list, description="With at_once: JMESPaths on which all answers agree"
    )


class Capture(StrictModel):
    """Where a value is taken from: exactly one key beside `secret`."""

    model_config = _exactly_one(*SOURCES)

    json_path: str | None = Field(None, alias="json", description="JMESPath into the body")
    header: str | None = Field(None, description="A header of the answer")
    cookie: str | None = Field(None, description="A cookie that the answer set")
    regex: str | None = Field(None, description="The first group found in the body")
    field: str | None = Field(None, description="The value of a form's field, by its name")
    link: str | None = Field(None, description="mail: the first link that contains this")
    code: str | None = Field(
        None, description="mail: the first text that matches this expression, like \\d{6}"
    )
    secret: bool = Field(default=False, description="Never shown anywhere; undos cannot read it")


class Request(StrictModel):
    """What every request may say beside its method and path."""

    headers: Texts = Field(default_factory=dict)
    query: Texts = Field(default_factory=dict, description="Added to the path, encoded")
    body: JsonValue = Field(None, description="Sent as JSON; {pick: [a, b], not: $old} picks another value")
    form: Texts | None = Field(None, description="Sent as an HTML form, in place of a body")
    auth: Literal["session", "none"] = Field("session", description="Whether the session's token goes along")


class Verify(Request):
    """A question whose answer proves that the undo worked; it changes nothing, whichever its method."""

    model_config = _exactly_one(*PROOFS)

    get: Path | None = None
    post: Path | None = None
    expect: Expect = Field(default_factory=Expect)


class UndoLogin(StrictModel):
    """Who undoes, where it is not the journey's own account."""

    account: str = Field(description="Usually a capture or a name of this run")
    password: str = Field("$account.password", description="Never a literal")


class Undo(Request):
    """The request that takes this step back, and the question that proves it. Written down before the step
    acts, so it can read only what was known then."""

    model_config = _exactly_one(*MUTATING, "none")

    post: Path | None = None
    put: Path | None = None
    patch: Path | None = None
    delete: Path | None = None
    login: UndoLogin | None = None
    verify: Verify | None = Field(None, description="Required, except with `none`")
    none: str | None = Field(None, description="Why this step needs no undo, in a sentence")


class Login(StrictModel):
    """Become somebody, or stop being it. Secrets come from the leased account unless given."""

    flow: Literal["oidc", "form", "json", "refresh", "logout"] = Field(
        description="oidc: code with PKCE through the login page; form: a page and its cookie; json: one "
        "request; refresh and logout: of the session there is"
    )
    path: Path | None = Field(
        None, description="Discovery document (oidc), page (form) or endpoint (json, logout)"
    )
    client: str = Field("keelwatch-probe", description="oidc: the client's id")
    redirect: str = Field("/app/callback", description="oidc: the registered redirect; never followed")
    scope: str = Field("openid offline_access")
    account: str = "$account.name"
    password: str = "$account.password"  # noqa: S105 a reference
    totp: bool = Field(
        default=False, description="json: send a one-time code along; pages are answered when they ask"
    )


class Mail(StrictModel):
    """Wait for a mail that arrives after this journey began."""

    to: str = "$account.mailbox"
    subject: str | None = Field(None, description="An expression found in the subject")


class HookCall(StrictModel):
    """A Python function of the journey's folder."""

    uses: Hook
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with", description="Arguments, by name")
    gives: list[Word] | None = Field(
        None,
        description="The names of what it returns; without it those cannot be checked, nor read by undos",
    )


class Alike(StrictModel):
    """Ask in pairs, for a known and an unknown subject; every pair must be answered alike."""

    vary: Word = Field(description="The name that stands for the subject in the request")
    known: str = "$account.mailbox"
    unknown: str = "$random.mailbox"
    pairs: int = Field(5, ge=5, le=50)


class Step(Request):
    """Exactly one action; the rest says how."""

    model_config = _exactly_one(*ACTIONS)

    name: str | None = Field(None, description="Shown to people (default: the action)")
    get: Path | None = None
    post: Path | None = None
    put: Path | None = None
    patch: Path | None = None
    delete: Path | None = None
    poll: Path | None = Field(None, description="GET again and again, 20 ms to 1 s apart")
    until: Expect | None = Field(None, description="poll: what ends it")
    login: Login | None = None
    mail: Mail | None = None
    hook: HookCall | None = None
    within: Duration = Field(timedelta(seconds=10), description="Total deadline of the step")
    region: Literal["own", "other"] = Field("own", description="`other`: the next region of the environment")
    follow: bool = Field(default=True, description="Follow redirects; each hop is timed for itself")
    fresh: bool = Field(default=False, description="On a connection of its own")
    retries: int = Field(
        0, ge=0, le=3, description="After network causes only; the first attempt is what counts"
    )
    at_once: int = Field(1, ge=1, le=50, description="Send it so many times at the same moment")
    alike: Alike | None = None
    capture: dict[Word, Capture] = Field(default_factory=dict)
    expect: Expect = Field(default_factory=Expect)
    undo: Undo | None = None
    record: Name | None = Field(None, description="Keep how long it took under this name: a lag")

    @property
    def action(self) -> str:
        return next(action for action in ACTIONS if getattr(self, action) is not None)

    @property
    def title(self) -> str:
        """What people call it: its name, else its action with its object."""
        if self.name is not None:
            return self.name
        match self.action:
            case "login":
                assert self.login is not None
                return {"refresh": "refresh the session", "logout": "log out"}.get(self.login.flow, "log in")
            case "mail":
                return "wait for mail"
            case "hook":
                assert self.hook is not None
                return f"hook {self.hook.uses}"
            case action:
                return f"{action} {getattr(self, action)}"


class Schedule(StrictModel):
    every: Duration = Field(description="How often `probe watch` starts it, in each region")
    jitter: Duration = Field(timedelta(0), description="At most so much later, anew each time")


class Pool(StrictModel):
    pool: Name = Field(description="A pool of accounts of the environment")
    lease: Literal["exclusive", "shared"] = Field(
        "exclusive", description="`shared` only where no one-time code is used: one is accepted once"
    )


class JourneySpec(StrictModel):
    """Ordered steps a customer takes."""

    model_config = ConfigDict(**StrictModel.model_config, title="A journey")

    journey: Name
    title: str = Field(description="What the customer does, in a sentence")
    component: Name = Field(description="The component of keelwatch.yaml it speaks for")
    regions: list[Name] | None = Field(None, description="Where it runs (default: every region)")
    schedule: Schedule | None = Field(None, description="Without it `probe watch` leaves the journey out")
    overlap: Literal["skip", "queue"] = Field("skip", description="When the one before still runs")
    deadline: Duration = Field(timedelta(seconds=30), description="Total, its undos not counted")
    cleanup_reserve: Duration = Field(timedelta(seconds=10), description="Time kept for the undos alone")
    as_: Pool | None = Field(None, alias="as")
    secrets: dict[Word, SecretReference] = Field(default_factory=dict, description="Read as $secret.NAME")
    steps: list[Step] = Field(min_length=1, max_length=50)
