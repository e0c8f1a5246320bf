"""A dry run and the run agree about the arguments of our own actions."""

from __future__ import annotations

import pytest

from chaos.actions import fault, wait
from chaos.verbs import verb_of
from keelwatch.ledger import JsonObject
from keelwatch.workspace import UsageError
from tests.chaos.conftest import Lab


@pytest.mark.parametrize("for_", [5, 5.0, True, None, "xx", "5"])
def test_a_dry_run_and_the_action_refuse_the_same_time_in_the_same_words(lab: Lab, for_: object) -> None:
    arguments = {"fault": "billing.down", "for_": for_}
    breaks = lab.call("chaos.actions", "fault", "break it", arguments)
    waits = lab.call("chaos.actions", "wait", "wait", {"for_": for_})
    with pytest.raises(UsageError) as broken:
        fault("billing.down", for_=for_)  # type: ignore[arg-type]
    with pytest.raises(UsageError) as waited:
        wait(for_)  # type: ignore[arg-type]
    assert broken.value.message.startswith(
        "the argument 'for_' must be a duration like 90s, 5m or 1h30m, got "
    )
    plan = lab.plan(lab.experiment([breaks, waits]))
    assert [one.trouble for one in plan] == [broken.value.message, waited.value.message]


def test_a_time_that_a_variable_fills_in_is_judged_as_it_is(lab: Lab) -> None:
    breaks = lab.call("chaos.actions", "wait", "wait", {"for_": "${time}"})
    experiment = lab.experiment([breaks])
    (bare,) = lab.plan({**experiment, "configuration": {"time": 5}})
    (sound,) = lab.plan({**experiment, "configuration": {"time": "5s"}})
    assert (bare.trouble, sound.trouble) == (
        "the argument 'for_' must be a duration like 90s, 5m or 1h30m, got 5",
        "",
    )


@pytest.mark.parametrize(("written", "asked"), [(True, "on"), ("on", "on"), (False, False), ("30%", "30%")])
def test_a_dry_run_and_the_action_ask_for_the_same_value(
    monkeypatch: pytest.MonkeyPatch, written: object, asked: object
) -> None:
    sent: list[JsonObject] = []

    def asked_for(request: JsonObject) -> JsonObject:
        sent.append(request)
        return {}

    monkeypatch.setattr("chaos.actions.asked", asked_for)
    fault("billing.down", written, "west", "90s")
    arguments: JsonObject = {"fault": "billing.down", "value": written, "region": "west", "for_": "90s"}  # type: ignore[dict-item]
    verb, args = verb_of({"module": "chaos.actions", "func": "fault", "arguments": arguments})
    assert (sent[0]["verb"], sent[0]["args"]) == (verb, args)
    assert args["value"] == asked
    assert args["for_s"] == 90.0
