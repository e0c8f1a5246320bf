"""What a follower of an experiment learns of it from its facts and its stream."""

from __future__ import annotations

from chaos.bounds import bounds_of
from chaos.follow import Followed
from keelwatch.ledger import JsonObject
from keelwatch.runs import Position, look
from keelwatch.runs.stream import StreamLine
from tests.chaos.conftest import Lab

EXTENSION: JsonObject = {
    "name": "keelwatch",
    "component": "billing",
    "guard": {"burn_rate": {"objectives": ["login-availability"]}, "most_time": "1m"},
    "blast_radius": {"components": ["billing"], "at_once": 1},
    "expect": "fail",
}


def test_a_follower_learns_what_is_ahead_what_was_asked_and_what_the_guard_says(lab: Lab) -> None:
    method = [lab.set("cache", "down"), lab.wait("1s")]
    experiment = lab.experiment(method, [lab.is_("billing", "up"), lab.is_("cache", "up")])
    extension = {key: value for key, value in EXTENSION.items() if key != "blast_radius"}
    run = lab.start(experiment, extension)
    assert "hypothesis-deviated" in lab.end(run).reason

    told = Followed()
    told.take(look(lab.ledger, run, Position()).items)

    assert told.steady_state == "all is well"
    assert [(one.phase, one.name) for one in told.ahead] == [("method", "cache down"), ("method", "wait 1s")]
    assert told.ahead[1].equivalent == "sleep 1s"
    assert told.asked["cache is up", "before"].met == 1
    assert told.asked["cache is up", "after"].missed == 1
    assert told.asked["cache is up", "after"].output == "down"
    assert told.asked["billing is up", "after"].met == 1
    assert told.guard["time"].because.endswith(" of 1m")
    assert told.method_at is not None
    assert told.ended is not None
    assert [one.state for one in told.story.steps] == ["succeeded", "succeeded"]


def test_a_probe_that_nobody_could_answer_is_unknown_and_those_before_it_held() -> None:
    told = Followed()
    told.take(
        [
            _sample(event="step", phase="before", state="begun", name="one"),
            _sample(event="step", phase="before", state="succeeded", name="one", output=True),
            _sample(event="step", phase="before", state="failed", name="two"),
            _sample(event="hypothesis", when="before", met=False, probe="two", status="failed", ours=True),
        ]
    )

    assert (told.asked["one", "before"].met, told.asked["two", "before"].unknown) == (1, 1)


def _sample(**event: object) -> StreamLine:
    sample: JsonObject = {key: value for key, value in event.items() if isinstance(value, str | bool)}
    return StreamLine(0.0, {"sample": sample})


def test_bounds_are_those_that_the_extension_says_and_the_usual_ones_else() -> None:
    found = bounds_of(EXTENSION)

    assert (found.above, found.window_s, found.most_s, found.budget) == (14.4, 300.0, 60.0, 0.01)
    assert (found.components, found.at_once, found.percent) == (("billing",), 1, None)
    assert (found.proof, found.expect) == ("", "fail")
    assert not bounds_of({}).is_guarded
