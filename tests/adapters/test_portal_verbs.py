"""`sessions.revoke` and `flag.set` on the sandbox: predicted, done, checked, taken back."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import httpx
import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.adapters.portal import VERBS
from keelwatch.ledger import JsonObject
from keelwatch.runs.verb import Attempt
from keelwatch.workspace import Answer, SourceError, UsageError
from keelwatch.workspace.find import built_in
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

REVOKE, FLAG = VERBS["sessions.revoke"], VERBS["flag.set"]


def args(**more: object) -> JsonObject:
    return {"workspace": str(built_in()), "environment": "sandbox", "sandbox": "tests", **more}  # type: ignore[dict-item]


def attempt(before: JsonObject) -> Attempt:
    return Attempt("run/step/key", 1, 1, before)


def change(client: httpx.Client) -> int:
    headers = {"idempotency-key": uuid.uuid4().hex}
    return client.post("/v1/plan", json={"plan": "max"}, headers=headers).status_code


def test_a_flag_is_predicted_set_checked_and_put_back(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09921", "east-edge") as client:
        wish = args(flag="maintenance", to=True, region="east")
        predicted = FLAG.plan(wish)
        assert predicted.summary == "maintenance of sandbox tests: east: off -> on"
        assert FLAG.check(wish).answer is Answer.NO

        assert FLAG.do(wish, attempt(predicted.before))["values"] == {"west": False, "east": True}
        assert FLAG.check(wish).evidence == "maintenance: west off, east on"
        assert (FLAG.check(wish).answer, change(client)) == (Answer.YES, 503)

        back = FLAG.undo(wish, predicted.before)
        assert back is not None
        assert FLAG.check(back.args).answer is Answer.NO
        FLAG.do(back.args, attempt({}))
        assert (FLAG.check(back.args).answer, change(client)) == (Answer.YES, 200)


def test_access_is_a_control_socket_that_answers(sandbox: RunningSandbox) -> None:
    assert FLAG.access(args(flag="maintenance", to=True)) == ("the control socket of sandbox tests",)
    assert REVOKE.access(args()) == ("the control socket of sandbox tests",)


def test_a_flag_of_all_regions_goes_back_to_what_each_had(sandbox: RunningSandbox) -> None:
    control.set_flag("maintenance", {"west": True}, name="tests")
    wish = args(flag="maintenance", to=True)
    before = FLAG.plan(wish).before
    FLAG.do(wish, attempt(before))
    back = FLAG.undo(wish, before)
    assert back is not None
    FLAG.do(back.args, attempt({}))
    assert control.status("tests").flags["maintenance"] == {"west": True, "east": False}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"flag": "new-look", "to": True}, "has no flag 'new-look'"),
        ({"flag": "maintenance", "to": "on"}, "must be true or false"),
        ({"flag": "maintenance", "to": True, "region": "north"}, "no region 'north'"),
        ({"flag": "maintenance"}, "either `to` or `values`"),
    ],
)
def test_a_flag_that_cannot_be_meant_is_refused_in_the_plan(
    sandbox: RunningSandbox, more: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        FLAG.plan(args(**more))


def test_sessions_are_counted_ended_and_checked(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09922", "west-edge") as west, sandbox.customer("c09922", "east-edge") as east:
        wish = args(accounts=["c09922"], begun_before=time.time())
        until(lambda: "east knows 2 tokens" in REVOKE.plan(wish).summary)  # the replica has heard of both
        predicted = REVOKE.plan(wish)
        assert predicted.summary.startswith("ends the sessions of c09922: west knows 2 tokens")
        assert REVOKE.check(wish).answer is Answer.NO

        assert REVOKE.do(wish, attempt({})) == {"tokens_ended": 2}

        found = REVOKE.check(wish)
        assert (found.answer, "west has none, east has none" in found.evidence) == (Answer.YES, True)
        assert west.get("/v2/session").status_code == east.get("/v2/session").status_code == 401
        assert REVOKE.do(wish, attempt({})) == {"tokens_ended": 0}
        assert REVOKE.undo(wish, {}) is None


def test_who_logs_in_again_is_no_flaw_of_what_was_done(sandbox: RunningSandbox) -> None:
    """A run asks to its end whether what it did still holds."""
    moment = time.time()
    until(lambda: time.time() > moment + 1.01)  # sessions know the second they began in
    with sandbox.customer("c09923") as client:
        wish = args(accounts=["c09923"], begun_before=moment)
        assert REVOKE.check(wish).answer is Answer.YES
        assert REVOKE.check(args(accounts=["c09923"])).answer is Answer.NO
        REVOKE.do(wish, attempt({}))
        assert client.get("/v2/session").status_code == 200


def test_a_region_whose_cache_is_down_remembers_nobody(sandbox: RunningSandbox) -> None:
    control.set_fault("cache.down", "on", region="east", for_s=60, name="tests")
    found = REVOKE.check(args(accounts=["c09924"]))
    assert (found.answer, "east is down, and remembers none" in found.evidence) == (Answer.YES, True)
    control.set_fault("cache.down", "on", for_s=60, name="tests")
    with pytest.raises(SourceError, match="no primary of the cache answers"):
        REVOKE.do(args(accounts=["c09924"]), attempt({}))


def test_without_a_sandbox_nobody_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    for verb, more in ((REVOKE, {}), (FLAG, {"flag": "maintenance", "to": True})):
        with pytest.raises(SourceError, match="is not running"):
            verb.plan(args(**more))
        assert verb.check(args(**more)).answer is Answer.UNKNOWN
