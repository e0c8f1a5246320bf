"""What steps can do, each on a portal in a thread."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from typing import Any

import pytest

from probes.aside import aside
from probes.expect import agreement
from probes.expression import TooSlow, find
from tests.probes.conftest import CHANGE, LOGIN, Bench, only
from tests.probes.made import answer
from tests.probes.shop import Asked, Reply
from tests.probes.test_hostile import MAD


def the_execution(bench: Bench, name: str) -> dict[str, Any]:
    _, found = bench.result(name)
    return only(found)


def the_step(bench: Bench, name: str, index: int) -> dict[str, Any]:
    step = the_execution(bench, name)["steps"][index]
    assert isinstance(step, dict)
    return step


def test_a_poll_waits_and_records_between_which_bounds_it_came_true(bench: Bench) -> None:
    counter = itertools.count()

    def later(asked: Asked) -> Reply | None:
        return (200, {"done": next(counter) >= 3}) if asked.path == "/change" else None

    bench.shop.before = later
    bench.journey(
        "poll", "  - poll: /change\n    until: {json: {done: true}}\n    within: 5s\n    record: lag\n"
    )
    step = the_step(bench, "poll", 0)
    assert step["state"] == "ok"
    lag = step["lag"]
    assert isinstance(lag, dict)
    assert 0 < lag["lower_s"] < lag["upper_s"] < 2
    assert len(step["hops"]) == 1


def test_a_poll_that_never_comes_true_says_what_was_missing(bench: Bench) -> None:
    bench.journey("poll", LOGIN + "  - poll: /plan\n    until: {json: {plan: gold}}\n    within: 600ms\n")
    execution = the_execution(bench, "poll")
    assert (execution["result"], execution["cause"]) == ("fail", "assertion")
    assert execution["reason"] == "still not as wanted after 0.6 s: json plan: wanted gold, got basic"


def test_at_once_means_at_once(bench: Bench) -> None:
    together = threading.Barrier(8, timeout=10)

    def meet(asked: Asked) -> Reply | None:
        if asked.path != "/race":
            return None
        together.wait()
        return 200, {"id": 7}

    bench.shop.before = meet
    bench.journey("race", "  - get: /race\n    at_once: 8\n    expect: {agree: [id]}\n")
    assert the_execution(bench, "race")["result"] == "pass"


def test_answers_that_disagree_fail_the_step(bench: Bench) -> None:
    counter = itertools.count()
    bench.shop.before = lambda asked: (200, {"id": next(counter)}) if asked.path == "/race" else None
    bench.journey("race", "  - get: /race\n    at_once: 3\n    expect: {agree: [id]}\n")
    execution = the_execution(bench, "race")
    assert execution["reason"] == "json id in all answers: wanted the same, got 0 | 1 | 2"


ALIKE = """\
  - post: /recover
    body: {account: $who}
    expect: {status: 202}
    alike: {vary: who, known: ada@shop.invalid, unknown: $random.mailbox}
    undo: {none: asking changes nothing}
"""


def test_answers_alike_pass_though_ids_and_echoes_differ(bench: Bench) -> None:
    def answer(asked: Asked) -> Reply | None:
        if asked.path != "/recover":
            return None
        assert isinstance(asked.body, dict)
        return 202, {"sent_to": asked.body["account"], "id": f"{time.time_ns():032x}"}

    bench.shop.before = answer
    bench.journey("alike", ALIKE)
    assert the_execution(bench, "alike")["result"] == "pass"
    assert len(bench.shop.asked("POST", "/recover")) == 10


def test_an_answer_that_tells_who_exists_fails(bench: Bench) -> None:
    def answer(asked: Asked) -> Reply | None:
        if asked.path != "/recover":
            return None
        assert isinstance(asked.body, dict)
        return 202, {"status": "sent" if asked.body["account"] == "ada@shop.invalid" else "no such account"}

    bench.shop.before = answer
    bench.journey("alike", ALIKE)
    execution = the_execution(bench, "alike")
    assert execution["cause"] == "assertion"
    assert "body of known and unknown: wanted alike" in str(execution["reason"])


def test_a_hook_asks_captures_and_asserts(bench: Bench) -> None:
    bench.journey(
        "hooked",
        LOGIN
        + "  - hook: {uses: 'checks.py:plan_is', with: {plan: basic}}\n"
        + "  - get: /plan\n    expect: {json: {plan: $seen}}\n"
        + "  - hook: {uses: 'checks.py:plan_is', with: {plan: gold}}\n",
    )
    (bench.folder / "probes" / "checks.py").write_text(
        "async def plan_is(context, *, plan):\n"
        "    found = (await context.ask('get', '/plan')).json['plan']\n"
        "    assert found == plan, f'the plan is {found}'\n"
        "    return {'seen': found}\n"
    )
    execution = the_execution(bench, "hooked")
    assert [step["state"] for step in execution["steps"]] == ["ok", "ok", "ok", "failed"]
    assert (execution["cause"], execution["reason"]) == ("assertion", "the plan is basic")


def test_a_request_of_a_hook_ends_with_its_step(bench: Bench) -> None:
    bench.journey("hooked", LOGIN + "  - hook: {uses: 'hooks.py:patient'}\n    within: 500ms\n")
    (bench.folder / "probes" / "hooks.py").write_text(
        "async def patient(context):\n"
        "    try:\n"
        "        await context.ask('get', '/slow')\n"
        "    finally:\n"
        "        await context.ask('get', '/plan')\n"
    )
    execution = the_execution(bench, "hooked")
    assert (execution["result"], execution["cause"]) == ("fail", "http")
    assert bench.shop.asked("GET", "/plan") == []


def test_a_hook_with_a_bug_is_our_own_fault(bench: Bench) -> None:
    bench.journey("hooked", "  - hook: {uses: 'checks.py:broken'}\n")
    (bench.folder / "probes" / "checks.py").write_text("def broken(context):\n    return 1 / 0\n")
    execution = the_execution(bench, "hooked")
    assert (execution["result"], execution["cause"]) == ("invalid", "ours")


def test_a_step_deadline_is_total_and_blames_the_phase(bench: Bench) -> None:
    bench.journey("slow", LOGIN + "  - get: /slow\n    within: 500ms\n")
    execution = the_execution(bench, "slow")
    assert (execution["cause"], execution["reason"]) == ("http", "no answer: cut off by 0.5 s during wait")
    assert float(str(execution["took_s"])) < 2


def test_a_refused_connection_is_retried_and_never_hidden(bench: Bench) -> None:
    file = bench.folder / "keelwatch.yaml"
    file.write_text(file.read_text().replace(bench.shop.url, "http://127.0.0.1:9"))
    bench.journey("down", "  - get: /plan\n    retries: 2\n")
    step = the_step(bench, "down", 0)
    assert len(step["retries"]) == 2
    assert step["cause"] == "tcp"


def test_a_bad_status_is_never_retried(bench: Bench) -> None:
    bench.shop.before = lambda asked: (503, {}) if asked.path == "/plan" else None
    bench.journey("down", LOGIN + "  - get: /plan\n    retries: 3\n")
    execution = the_execution(bench, "down")
    assert execution["reason"] == "status: wanted 200-299, got 503"
    assert len(bench.shop.asked("GET", "/plan")) == 1


RACE = "  - get: /race\n    at_once: 3\n    expect: {status: 200, agree: [id]}\n"


@pytest.mark.parametrize(
    ("status", "cause", "reason"),
    [
        (503, "http", "status: wanted 200, got 503"),
        (200, "assertion", "json id in all answers: wanted the same, got a body that is not JSON: "),
    ],
)
def test_a_page_that_says_sorry_to_many_at_once_is_the_portals_failure(
    bench: Bench, status: int, cause: str, reason: str
) -> None:
    bench.shop.before = lambda asked: (status, "<html>sorry</html>") if asked.path == "/race" else None
    bench.journey("race", RACE)
    execution = the_execution(bench, "race")
    assert (execution["result"], execution["cause"]) == ("fail", cause)
    assert str(execution["reason"]).startswith(reason)


def test_many_at_once_to_a_strange_host_are_refused_in_the_words_of_one(bench: Bench) -> None:
    bench.journey("away", "  - get: http://elsewhere.invalid/x\n    at_once: 2\n")
    execution = the_execution(bench, "away")
    assert (execution["result"], execution["cause"]) == ("invalid", "ours")
    assert execution["reason"] == "http://elsewhere.invalid:80 is not a host of this environment"


def test_long_answers_agree_only_when_their_ends_do() -> None:
    one, other = ({"id": "x" * 500 + end} for end in "ab")
    assert agreement("id", [answer(one), answer(one)]).ok
    assert not agreement("id", [answer(one), answer(other)]).ok


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(("within", "deadline"), [("    within: 500ms\n", "20s"), ("", "1s")])
def test_a_hook_that_never_returns_is_ours_and_lets_the_run_end(
    bench: Bench, within: str, deadline: str, kind: str
) -> None:
    bench.journey("hooked", f"{LOGIN}  - hook: {{uses: 'hooks.py:stuck'}}\n{within}", deadline=deadline)
    (bench.folder / "probes" / "hooks.py").write_text(
        f"import threading\n{kind} stuck(context):\n    threading.Event().wait()\n"
    )
    execution = the_execution(bench, "hooked")  # the process has ended: its output is whole
    assert (execution["result"], execution["cause"]) == ("invalid", "ours")
    assert "the hook hooks.py:stuck did not return" in execution["steps"][1]["reason"]


def test_a_lag_is_counted_from_the_answer_to_the_change(bench: Bench) -> None:
    """Not from the step that looks: between the two we write down what was done, and may do other things."""
    acknowledged: list[float] = []
    shows_after_s = 1.2

    def look(asked: Asked) -> Reply | None:
        if asked.method == "PUT" and not acknowledged:
            acknowledged.append(time.monotonic())
        if asked.path == "/pause":
            time.sleep(0.6)  # what comes in between, and takes its time
            return 200, {}
        if asked.path == "/other":
            shows = time.monotonic() - acknowledged[0] > shows_after_s
            return 200, {"plan": "plus" if shows else "basic"}
        return None

    bench.shop.before = look
    bench.journey(
        "lag",
        LOGIN
        + CHANGE
        + "  - get: /pause\n"
        + "  - poll: /other\n    until: {json: {plan: plus}}\n    within: 5s\n    record: seen\n",
    )
    lag = the_step(bench, "lag", 4)["lag"]
    assert lag["lower_s"] <= shows_after_s <= lag["upper_s"] + 0.1  # the answer's own way to us


def test_an_expression_gone_mad_stalls_nobody_else() -> None:
    async def beats_beside_it() -> int:
        beats, mad = 0, asyncio.ensure_future(aside("mad", lambda: find(MAD, "ab" * 3000 + "cxx")))
        while not mad.done():
            beats += 1
            await asyncio.sleep(0.01)
        with pytest.raises(TooSlow):
            mad.result()
        return beats

    assert asyncio.run(beats_beside_it()) > 15  # held up, the loop would beat once or twice
