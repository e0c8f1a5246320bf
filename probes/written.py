"""What is written ahead of a step that changes something: how to take it back, and how to prove that it was.

Captures stand in it by value, secrets by name: nothing in it opens a door.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from keelwatch.ledger import JsonObject
from keelwatch.workspace.document import Plain as JsonValue
from probes.action import StepFailed
from probes.expect import recorded_expect
from probes.names import UnsetName, recorded
from probes.record import Cause
from probes.scope_name import scope_of
from probes.spec import METHODS
from probes.taking_back import expect_of, login_of, request_of

if TYPE_CHECKING:
    from probes.load import Journey
    from probes.place import Place
    from probes.spec import Step, Undo, Verify
    from probes.visit import Visit


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes down, for one execution, what undoes its steps."""

    journey: Journey
    place: Place
    execution: str
    pool: str
    account: str

    @property
    def target(self) -> str:
        """What a step changes: the account, whose lease has the same name."""
        return scope_of(self.place.environment, self.account or self.journey.name)

    def intent(self, index: int, step: Step, visit: Visit) -> tuple[str, str, JsonObject, JsonObject]:
        """The name, target, action and undo of a step. Raises `StepFailed` for an undo that could not be made
        from what is written, by whoever reads it: nothing is sent then."""
        try:
            name, action, args = self._written(index, step, visit)
            _made(args, visit)
        except UnsetName as error:
            raise StepFailed(Cause.OURS, str(error)) from None
        except ValueError as error:
            why = " ".join(str(error).split())
            raise StepFailed(Cause.OURS, f"not sent, for its undo could not be made: {why}") from None
        return name, self.target, action, args

    def _written(self, index: int, step: Step, visit: Visit) -> tuple[str, JsonObject, JsonObject]:
        assert step.undo is not None
        name = f"{self.execution}/{index}-{step.action}"
        path = _text(recorded(getattr(step, step.action), visit.names))
        action: JsonObject = {"journey": self.journey.name, "request": f"{step.action} {path}"}
        region = visit.entrance.other(visit.region) if step.region == "other" else visit.region
        undo = step.undo
        assert undo.verify is not None
        args: JsonObject = {
            "workspace": str(self.place.workspace),
            "environment": self.place.environment,
            "sandbox": self.place.sandbox,
            "region": region,
            "pool": self.pool,
            "account": self.account,
            "execution": self.execution,
            "journey": self.journey.name,
            "secrets": dict(self.journey.spec.secrets),
            "folder": str(self.journey.folder),
            "login": self._login(step, visit),
            "own": undo.login is None,
            "request": _recorded(undo, visit),
            "verify": {
                **_recorded(undo.verify, visit),
                "expect": recorded_expect(undo.verify.expect, visit.names),
            },
        }
        return name, action, args

    def _login(self, step: Step, visit: Visit) -> JsonObject | None:
        """How to get in anew: as the journey did first."""
        login = next((one.login for one in self.journey.spec.steps if one.login is not None), None)
        if login is None:
            return None
        found = cast("dict[str, JsonValue]", login.model_dump(by_alias=True, exclude_defaults=True))
        found["flow"] = login.flow
        other = step.undo.login if step.undo else None
        if other is not None:
            found |= {"account": other.account, "password": other.password}
        return cast("JsonObject", recorded(found, visit.names))


def _made(args: JsonObject, visit: Visit) -> None:
    """What whoever undoes will do with the record, as far as it goes without asking anybody.

    Raises `UnsetName` and `ValueError`.
    """
    read = cast("JsonObject", json.loads(json.dumps(args, ensure_ascii=False, allow_nan=False).encode()))
    for what in ("request", "verify"):
        request_of(visit, cast("JsonObject", read[what]))
    expect_of(cast("JsonObject", read["verify"]))
    if read["login"] is not None:
        login_of(cast("JsonObject", read["login"]))


def _recorded(request: Undo | Verify, visit: Visit) -> dict[str, JsonValue]:
    names = visit.names
    method = next(one for one in METHODS if getattr(request, one, None) is not None)
    found: dict[str, JsonValue] = {
        "method": method,
        "path": recorded(getattr(request, method), names),
        "auth": request.auth,
    }
    for part in ("headers", "query", "form"):
        given = getattr(request, part)
        found |= {part: recorded(dict(given), names)} if given else {}
    if request.body is not None:
        found["body"] = recorded(request.body, names)
    return found


def _text(value: JsonValue) -> str:
    assert isinstance(value, str)
    return value
