"""What the feed asks beside the objectives: the percentile of each region, and how bad events split."""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from console.changes import changes_before, recent_changes, record_sandbox
from console.feed import world_of
from console.journeys import JourneyBook
from console.live_feed import NO_COUNT, LiveFeed, _unwatched
from console.places import place
from console.questions import p95_question, split, split_question
from console.view import head
from console.view.board import Row, tally
from keelwatch.adapters import sandbox
from keelwatch.ledger import FactKind, open_ledger
from keelwatch.runs import OnDeath, OnTerm
from keelwatch.runs.locks import try_lock
from keelwatch.workspace import SourceError, state_dir
from keelwatch.workspace.find import built_in
from keelwatch.workspace.paths import run_dir
from keelwatch.workspace.reading import Unknown
from probes.history import Past
from probes.record import Result
from slo.load import load_folder
from slo.objective import Objective, track
from slo.snapshot import State
from tests.console.worlds import NOW, bad_evening, world

ENDS = {"on_death": OnDeath.UNDO.value, "on_term": OnTerm.UNDO.value}
SPECS = Path(__file__).parents[2] / "slo" / "objectives"


@pytest.fixture(scope="module")
def objectives() -> dict[str, Objective]:
    return {one.name: one for one in load_folder(SPECS)}


def test_the_percentile_is_one_grouped_query_over_the_objectives_own_histogram(
    objectives: dict[str, Objective],
) -> None:
    question = p95_question(objectives.values())

    real = 'portal_request_seconds_bucket{traffic="real"}'
    assert question == (f"histogram_quantile(0.95, sum by (region, le) (rate({real}[5m])))", "region")


def test_without_a_latency_objective_per_region_there_is_no_percentile(
    objectives: dict[str, Objective],
) -> None:
    available = [one for one in objectives.values() if one.kind == "availability"]
    whole = replace(objectives["login-latency"], group_by=None)

    assert p95_question(available) is None
    assert p95_question([whole]) is None
    assert p95_question([]) is None


def test_bad_events_are_asked_for_by_every_label_at_once(objectives: dict[str, Objective]) -> None:
    (west,) = track(objectives["invoices-availability"], ("west",))

    question = split_question(west)

    assert question is not None
    assert question.count("increase(") == 1
    assert "sum by (region, route, version, code," in question
    assert 'region="west"' in question


def test_where_good_events_are_counted_the_bad_are_the_rest(objectives: dict[str, Objective]) -> None:
    (west,) = track(objectives["login-latency"], ("west",))

    question = split_question(west)

    assert question is not None
    assert " - (" in question
    assert 'le=~"0\\\\.5"' in question


def test_a_split_sums_over_the_other_labels_and_knows_only_labels_that_exist() -> None:
    groups = [
        ({"region": "west", "route": "invoices", "code": "502"}, 30.0),
        ({"region": "west", "route": "invoice", "code": "502"}, 12.0),
        ({"region": "west", "route": "invoice", "code": ""}, 1.0),
        ({"region": "west", "route": "login", "code": "200"}, 0.01),
    ]

    found = split(groups)

    assert list(found) == ["region", "route", "code"]
    assert [(cause.labels["route"], cause.events) for cause in found["route"]] == [
        ("invoices", 30.0),
        ("invoice", 13.0),
    ]
    assert [cause.labels["code"] for cause in found["code"]] == ["502", "(none)"]


def test_nothing_bad_splits_into_nothing() -> None:
    assert split([]) == {}


def test_a_sandbox_that_is_down_is_told_in_words_and_names_no_class_of_ours() -> None:
    with pytest.raises(SourceError) as told:
        sandbox.status("never")

    assert (told.value.message, told.value.hint) == (
        "the sandbox never is not running",
        "keelwatch sandbox up",
    )


def test_a_sandbox_that_is_down_leaves_workers_and_percentile_unknown_and_says_why() -> None:
    feed = LiveFeed.open(built_in(), None)

    for look in (feed.look(), feed.look_at(1_790_000_000.0)):
        assert look.snapshot.source_error
        assert set(look.facts) == {"west", "east"}
        for facts in look.facts.values():
            assert isinstance(facts.workers, Unknown)
            assert isinstance(facts.p95_s, Unknown)


def test_a_world_without_a_sandbox_says_that_nobody_counts_its_workers(tmp_path: Path) -> None:
    (tmp_path / "keelwatch.yaml").write_text(
        "keelwatch: 1\nenvironments:\n  prod:\n    regions: [west]\n"
        "    prometheus:\n      url: http://127.0.0.1:9\n"
    )

    look = LiveFeed.open(tmp_path, None).look()

    workers = look.facts["west"].workers
    assert isinstance(workers, Unknown)
    assert workers.reason == NO_COUNT


@pytest.mark.parametrize(
    ("token", "told"),
    [
        (None, "secret env:PROM_TOKEN: the variable is not set"),
        (
            "long enough, but not one word",
            "secret env:PROM_TOKEN has characters that no HTTP header can carry",
        ),
        ("one-word-\u20ac-of-money", "secret env:PROM_TOKEN has characters that no HTTP header can carry"),
        ("two-lines\r\nX-Other:yes", "secret env:PROM_TOKEN has characters that no HTTP header can carry"),
    ],
)
def test_a_source_whose_secret_is_no_good_is_not_called_down_and_the_secret_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, told: str
) -> None:
    (tmp_path / "keelwatch.yaml").write_text(
        "keelwatch: 1\nenvironments:\n  prod:\n    regions: [west]\n"
        "    prometheus:\n      url: http://127.0.0.1:9\n      bearer: env:PROM_TOKEN\n"
    )
    (tmp_path / "slo").symlink_to(SPECS)
    monkeypatch.delenv("PROM_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("PROM_TOKEN", token)
    feed = LiveFeed.open(tmp_path, None)

    for look in (feed.look(), feed.look_at(1_790_000_000.0)):
        shown = world_of(look, look.snapshot.at)
        line = head.world_line(shown, 80)
        assert "prometheus NOT ASKED" in line
        assert "DOWN" not in line
        assert told in head.verdict_line(shown, 120)[1]
        assert "mend the secret" in head.next_line(shown, 80, None)
        assert token is None or token not in str(look)


WITHOUT_OBJECTIVES = "keelwatch: 1\nenvironments:\n  prod:\n    prometheus: {url: 'http://127.0.0.1:9'}\n"


def test_a_source_that_nobody_asked_is_neither_ok_nor_down(tmp_path: Path) -> None:
    (tmp_path / "keelwatch.yaml").write_text(WITHOUT_OBJECTIVES + "    regions: [west]\n")
    feed = LiveFeed.open(tmp_path, None)

    for look in (feed.look(), feed.look_at(1_790_000_000.0)):
        shown = world_of(look, look.snapshot.at)
        assert "prometheus NOT ASKED" in head.world_line(shown, 120)
        assert "no objectives" in head.verdict_line(shown, 120)[1]
        assert "secret" not in head.next_line(shown, 120, None)


def test_a_frozen_source_is_waited_for_once_and_not_by_every_question(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:  # connects, as the kernel does it, and never reads
        (tmp_path / "keelwatch.yaml").write_text(
            "keelwatch: 1\nenvironments:\n  prod:\n    regions: [west, east]\n"
            f"    prometheus: {{url: 'http://127.0.0.1:{frozen.getsockname()[1]}'}}\n"
        )
        (tmp_path / "slo").symlink_to(SPECS)
        feed = LiveFeed.open(tmp_path, None)

        began = time.monotonic()
        look = feed.look()
        took_s = time.monotonic() - began

    assert "did not answer within 3s" in (look.snapshot.source_error or "")
    assert took_s < 5.5


def test_unknown_objectives_of_a_sandbox_without_a_watch_name_the_remedy_first() -> None:
    stale = "stale: last sample 3m 21s ago"
    first, *others = bad_evening().objectives
    probe = replace(first, stratum="probe", state=State.UNKNOWN, unknown_reason=stale)
    real = replace(first, state=State.UNKNOWN, unknown_reason="no traffic")
    snapshot = replace(bad_evening(), objectives=(probe, real, *others))

    told = _unwatched(snapshot, "keelwatch sandbox up").objectives

    assert told[0].unknown_reason == f"the journeys are not watched: keelwatch sandbox up ({stale})"
    assert told[1:] == snapshot.objectives[1:]


def test_a_watch_that_is_gone_is_told_before_anything_turns_unknown() -> None:
    for width in (80, 120):
        line = head.acting_line(replace(world(), unwatched="keelwatch sandbox up"), width)
        assert line.strip().startswith("NOT WATCHED: keelwatch sandbox up | ")
    assert "NOT WATCHED" not in head.acting_line(world(), 120)


def test_results_of_journeys_that_nobody_watches_any_more_hold_for_a_minute() -> None:
    passed = Past(NOW - 61, 1.0, Result.PASS, "x", Path("x"))
    row = Row("log-in", "Log in", "identity", "west", 60.0, (passed,))

    assert tally([row], NOW)["west"].stale == 0
    assert tally([row], NOW, unwatched=True)["west"].stale == 1
    assert tally([row], NOW - 2, unwatched=True)["west"].stale == 0


@pytest.mark.parametrize(("name", "ours"), [("watch main", True), ("watch", True), ("watch other", False)])
def test_the_watch_of_another_sandbox_watches_no_journey_of_ours(name: str, *, ours: bool) -> None:
    with closing(open_ledger()) as store:
        created = {"event": "created", "kind": "probe", "name": name, "env": "sandbox"}
        store.append("run-1", FactKind.NOTE, {**created, **ENDS}, actor="0:sre (claimed)")
    folder = run_dir("run-1")
    folder.mkdir(parents=True)
    book = JourneyBook(place(built_in(), None))
    assert book.watched() is False

    alive = try_lock(folder / "alive.lock", 1.0)
    assert alive is not None
    watched = book.watched()
    alive.release()

    assert watched is ours


def test_the_newest_change_is_told_after_hundreds_of_facts_of_journeys() -> None:
    """Watched journeys write by the hundred: creations, leases, intents, verdicts."""
    record_sandbox("fault billing.errors 100% in west", "main")
    with closing(open_ledger()) as store:
        for number in range(150):
            run, actor = f"run-{number:04}", "0:sre (claimed)"
            created = {"event": "created", "kind": "probe", "name": "log-in", "env": "sandbox"}
            store.append(run, FactKind.NOTE, {**created, **ENDS}, actor=actor)
            store.append(run, FactKind.INTENT, {"event": "intent", "step": 1}, actor=actor)
            store.append(run, FactKind.VERDICT, {"verdict": "pass", "reason": ""}, actor=actor)

    changes, _, _ = recent_changes(4e9, "sandbox", "main")
    shown = replace(world(), changes=changes, now=changes[-1].at + 60)

    assert [change.text for change in changes] == ["fault billing.errors 100% in west"]
    for width in (80, 120):
        line = head.acting_line(shown, width)
        assert "WHAT CHANGED" in line
        assert "fault billing.errors 100% in west" in line


def test_a_moment_in_the_past_knows_only_what_had_changed_by_then() -> None:
    record_sandbox("sandbox up", "main")
    record_sandbox("fault billing.errors 100%", "main")

    assert changes_before(1.0, "sandbox", "main") == ()
    assert len(changes_before(4e9, "sandbox", "main")) == 2


def test_the_buckets_of_a_sandbox_that_is_long_gone_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "slo").mkdir()
    (tmp_path / "keelwatch.yaml").write_text(
        "keelwatch: 1\nenvironments: {prod: {prometheus: {url: 'http://127.0.0.1:9'}, regions: [west]}}\n"
    )
    cache = state_dir() / "cache"
    cache.mkdir(parents=True)
    old, new = cache / "buckets-old.sqlite", cache / "buckets-new.sqlite"
    for file in (old, new):
        file.touch()
    os.utime(old, (0, 0))

    LiveFeed.open(tmp_path, None).look()

    assert not old.exists()
    assert new.exists()
