"""`access: all-steps`: nobody begins what they may not finish, and all that is missing is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelwatch.runs import RunView
from keelwatch.workspace import ExitCode
from runbooks.live import live_findings
from runbooks.stages import Mode
from runbooks.verbs.notify import NotifyVerb
from tests.runbooks.conftest import Shop
from tests.runbooks.made import written
from tests.toys.procedure import VERBS

READY = "ready: [{access: all-steps}]\n"
FAILOVER = """\
  - id: freeze
    pg.fence: {region: $from}
    ungraceful: {if_unreachable: skip}
  - id: promote
    pg.promote: {region: $to}
    undo: none
  - id: cache
    redis.promote: {region: $to}
  - id: shift
    edge.weight: {to: $to, away_from: $from}
"""


def asked(shop: Shop) -> list[str]:
    return sorted((shop.world / "asked").read_text().splitlines())


def evidence(shop: Shop, run: str) -> str:
    told = [one for one in shop.events(run, "asked-world") if "access" in str(one["name"])]
    return str(told[0]["evidence"])


def refused(found: RunView) -> str:
    assert found.state.verdict is not None
    assert found.state.verdict.exit_code is ExitCode.REFUSED
    return found.state.verdict.reason


def test_all_that_is_missing_is_told_with_how_to_grant_it_and_nothing_is_done(shop: Shop) -> None:
    shop.write(FAILOVER, READY)
    for trouble in ("locked-database-east", "locked-edge", "dead-writes-west"):
        shop.put(trouble, "")
    told = refused(shop.end(shop.start()))
    assert "freeze: writes-west does not answer; " in told
    assert "promote: nobody may write database-east (unlock database-east); " in told
    assert "shift: nobody may write edge (unlock edge)" in told
    assert "cache:" not in told
    assert shop.effects == []


def test_what_is_needed_is_on_record_and_asked_once_of_all_at_the_same_time(shop: Shop) -> None:
    again = "  - id: again\n    redis.promote: {region: $to}\n"
    shop.write(FAILOVER + again, READY)
    shop.put("meeting", "4")
    run = shop.start()
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.PASS
    assert asked(shop) == [
        "edge.weight edge",
        "pg.fence writes-west",
        "pg.promote database-east",
        "redis.promote cache-east",
    ]
    assert evidence(shop, run) == "write writes-west; write database-east; write cache-east; write edge"


@pytest.mark.parametrize(
    ("clause", "words"),
    [
        ("if_unreachable: skip", "it is left out"),
        ("if_unreachable: ask", "a person is asked"),
        ("skip: $from is lost", "it is left out: west is lost"),
        ("accept: $from may write on", "the run goes on: west may write on"),
    ],
)
def test_what_is_lost_stops_no_ungraceful_run_that_says_what_then(
    shop: Shop, clause: str, words: str
) -> None:
    shop.write(FAILOVER.replace("if_unreachable: skip", clause), READY)
    shop.put("dead-writes-west", "")
    run = shop.start(Mode.UNGRACEFUL)
    if "ask" in clause:
        shop.answer(run, "skip", "west is lost")
    shop.end(run)
    assert "pg.promote database-east primary" in shop.effects
    assert evidence(shop, run).endswith(f"; freeze: not asked, writes-west does not answer; then {words}")


def test_an_ungraceful_run_is_refused_for_a_right_that_is_missing(shop: Shop) -> None:
    shop.write(FAILOVER, READY)
    shop.put("locked-writes-west", "")
    assert "freeze: nobody may write writes-west" in refused(shop.end(shop.start(Mode.UNGRACEFUL)))
    assert shop.effects == []


def test_an_ungraceful_run_is_refused_for_a_lost_target_that_nothing_is_said_about(shop: Shop) -> None:
    shop.write(FAILOVER, READY)
    shop.put("dead-database-east", "")
    assert "promote: database-east does not answer" in refused(shop.end(shop.start(Mode.UNGRACEFUL)))
    assert shop.effects == []


def test_lint_tells_what_is_not_there_from_what_we_may_not_do(tmp_path: Path) -> None:
    world = tmp_path / "world"
    world.mkdir()
    for trouble in ("locked-database-east", "dead-writes-west"):
        (world / trouble).touch()
    head = (
        "runbook: one\ntitle: Something is done\nowner: team\nlock: all\n"
        "inputs: {from: {type: region, default: west}, to: {type: region, default: east}}\nsteps:\n"
    )
    place = {"workspace": str(tmp_path / "keelwatch.yaml"), "environment": "shop"}
    found = list(live_findings(written(tmp_path, head + FAILOVER), place, VERBS))
    assert [one.rule for one in found] == ["not-there", "no-access"]
    assert "found nobody may write database-east, expected unlock database-east" in str(found[1])


def test_a_webhook_is_not_contacted_for_its_address_is_a_secret(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("http://127.0.0.1:9/where-nobody-listens")
    args = {"workspace": str(tmp_path / "keelwatch.yaml"), "environment": "shop", "text": "x"}
    assert NotifyVerb().access({**args, "webhook": "file:hook"}) == ("the secret file:hook",)
