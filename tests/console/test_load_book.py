"""What screens show of loads, read from ledgers and streams as a run writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.acting import TAIL, acting_words
from console.load_book import Follower, LoadBook
from console.loads import outcome_of, story_of
from console.places import place
from console.view.load import result_lines
from console.view.load_course import Course
from console.view.load_limits import generator_line, so_far
from console.view.load_screen import threshold_lines, verdict_words
from keelwatch.ledger import JsonObject, LedgerStore
from keelwatch.runs import Phase, load
from keelwatch.workspace import UsageError
from keelwatch.workspace.find import built_in
from keelwatch.workspace.paths import run_dir
from loadtests.meter import Meter
from tests.console.written_runs import WrittenRun

ROOT = Path(__file__).parents[2]
PROFILE = "profiles/portal-baseline.yaml"
RUN = "20260921-141319-load-3f2a"


class Made(WrittenRun):
    """A run of a load."""

    def __init__(self, store: LedgerStore, run: str = RUN, kind: str = "load") -> None:
        super().__init__(store, run, kind, "portal-baseline")

    def planned(self, model: str = "open", for_s: float = 300.0) -> None:
        stages = [[4.0, 4.0, for_s]]
        self.note("planned", {"model": model, "stages": stages, "processes": 2, "warm_up_s": 2.0})

    def searches(self) -> None:
        stages = [[4.0, 64.0, 22.0]]
        self.note("planned", {"model": "open", "stages": stages, "processes": 2, "search": True})

    def tried(self, rate: float) -> None:
        self.note("tried", {"rate": rate, "held": True, "reason": "", "is_proof": False})

    def second(
        self,
        at: int,
        times_ms: list[float],
        *,
        due: int = 4,
        words: str = "",
        idle: int = 0,
        late_ms: float = 0,
    ) -> None:
        meter = Meter()
        for time_ms in times_ms:
            meter.request("log-in: log in", time_ms, error=words)
        meter.due, meter.idle, meter.late_ms = due, idle, late_ms
        told = {**meter.take(), "second": at, "level": 4.0, "users": 3, "cpu": 0.2, "in_flight": 1}
        self.sample({"told": told})


def test_what_is_told_later_is_added_and_what_was_drawn_is_not_computed_anew(store: LedgerStore) -> None:
    made, follower = Made(store), Follower(RUN)
    made.planned()
    made.second(0, [10.0])
    made.second(1, [10.0])
    before = follower.read(store)
    made.second(2, [50.0] * 3)
    made.second(1, [10.0])  # the other generator tells of the same second

    after = follower.read(store)

    assert [one.count for one in before.ticks] == [1, 1]
    assert [one.count for one in after.ticks] == [1, 2, 3]
    assert after.ticks[0] is before.ticks[0]
    assert after.all is not None
    assert after.all.count == 3  # the warm-up lasts two seconds
    assert after.all.response.p95 == pytest.approx(50.0, rel=0.011)


def test_a_course_has_the_plan_the_level_and_the_errors(store: LedgerStore) -> None:
    made = Made(store)
    made.planned()
    for at in range(12):
        made.second(at, [20.0, 30.0], due=3, words="status 503, wanted 200" if at == 7 else "")

    found = Follower(made.run).read(store)

    assert (found.profile, found.environment, found.starter) == ("portal-baseline", "sandbox", "sre")
    assert (found.length_s, found.top, found.told_s, found.due) == (300.0, 4.0, 12.0, 36)
    assert (found.applied, found.wanted) == (3.0, 4.0)
    assert found.errors == (("log-in: log in: status 503, wanted 200", 2),)


def test_what_makes_it_worthless_is_told_while_it_goes_on(store: LedgerStore) -> None:
    """Two generators are wanted, and one of them falls silent."""
    made, follower = Made(store), Follower(RUN)
    made.planned()
    for at in range(10):
        made.second(at, [20.0])
        made.second(at, [20.0])
    before = follower.read(store)
    for at in range(10, 16):
        made.second(at, [20.0], idle=1, late_ms=1200.0)

    found = follower.read(store)

    assert so_far(before) == ""
    assert so_far(found) == (
        "generator-frozen: one told nothing for 5 s; "
        "arrivals-idle: 6 of 104 raised before they asked anything; "
        "generator-late: for 6 s arrivals began more than a second after they were due"
    )
    assert generator_line(found).startswith("!")


def test_those_in_flight_at_the_end_are_no_part_of_what_was_applied(store: LedgerStore) -> None:
    made = Made(store)
    made.planned(for_s=5)
    for at in range(8):
        made.second(at, [20.0], due=4 if at < 5 else 0)

    found = Follower(made.run).read(store)

    assert found.applied == 4.0
    assert found.told_s == 5.0


def test_a_search_counts_the_seconds_of_each_step_from_its_start(store: LedgerStore) -> None:
    made, follower = Made(store), Follower(RUN)
    made.searches()
    made.second(0, [10.0], due=4)
    made.second(1, [10.0], due=4)
    follower.read(store)
    made.tried(4.0)
    made.second(0, [70.0], due=8)

    found = follower.read(store)

    assert [(one.at, one.applied) for one in found.ticks] == [(0, 8.0)]
    assert [one.rate for one in found.steps] == [4.0]
    assert acting_words(store, made.view()) == "load portal-baseline step 2 8.0/s p95 70ms"


def test_a_search_between_two_steps_or_at_its_end_shows_the_generators_of_the_last_one(
    store: LedgerStore,
) -> None:
    made, follower = Made(store), Follower(RUN)
    made.searches()
    made.second(0, [10.0], due=4)
    made.tried(4.0)

    found = follower.read(store)

    assert "1 of 2" in generator_line(found)
    assert "dropped 0 of 4" in generator_line(found)


def test_a_threshold_that_only_the_generator_missed_is_late_wherever_it_is_told(store: LedgerStore) -> None:
    name = "p95 response time < 800 ms"
    late: JsonObject = {"name": name, "value": "1200 ms", "met": False, "late": "40 ms"}
    missed: JsonObject = {**late, "name": "failures < 1%", "value": "4.20%", "late": ""}
    made = Made(store)
    made.planned()
    made.note("judged", {"findings": [late, missed]})

    course = Follower(made.run).read(store)
    lines = list(result_lines(story_of(store, made.run).told, is_over=True))

    assert threshold_lines(course) == [f"! LATE     {name}: 1200 ms", "! MISSED   failures < 1%: 4.20%"]
    assert f"LATE     {name}: 1200 ms" in lines


def test_a_run_of_another_kind_is_no_load(store: LedgerStore) -> None:
    made = Made(store, run="20260921-141319-probe-1111", kind="probe")

    with pytest.raises(UsageError, match="is a probe run, and no load"):
        Follower(made.run).read(store)


def test_a_run_that_died_is_never_drawn_as_well(store: LedgerStore) -> None:
    made = Made(store)
    made.planned()
    made.second(0, [10.0])

    found: Course = Follower(made.run).read(store)  # no process holds its lock

    assert verdict_words(found, found.started)[0] == "UNKNOWN"


def test_a_load_that_died_with_its_guardian_is_invalid_and_one_that_goes_on_is_nothing_yet(
    store: LedgerStore,
) -> None:
    made = Made(store)
    made.planned()
    assert outcome_of(made.view(Phase.RUNNING)) == (None, None)
    assert outcome_of(made.view(Phase.ORPHANED)) == ("invalid", "the run died and so did its guardian")
    made.ends("fail", "because")
    assert outcome_of(made.view(Phase.ENDED)) == ("fail", "because")


def test_the_head_says_how_far_a_load_is_and_what_it_is_like(store: LedgerStore) -> None:
    made = Made(store)
    assert acting_words(store, made.view()) == "load portal-baseline starts"
    made.planned()
    for at in range(72):
        made.second(at, [48.0], due=4)

    assert acting_words(store, made.view()) == "load portal-baseline 1:12/5:00 4.0/s p95 48ms"
    assert acting_words(store, made.view(Phase.STOPPING)).startswith("load portal-baseline STOPPING 1:12")
    assert acting_words(store, made.view(Phase.ENDED)) == ""


def test_the_head_reads_only_the_end_of_a_long_stream(store: LedgerStore) -> None:
    made = Made(store)
    made.planned(for_s=3600)
    slow = [float(one) for one in range(1, 4000, 9)]  # a line of many buckets
    for at in range(180):
        made.second(at, slow)
    for at in range(180, 192):
        made.second(at, [48.0])
    assert (run_dir(made.run) / "stream.jsonl").stat().st_size > 2 * TAIL

    assert acting_words(store, made.view()) == "load portal-baseline 3:12/60:00 4.0/s p95 48ms"


def test_a_profile_says_how_its_last_run_ended_and_when(store: LedgerStore) -> None:
    for run, verdict in (("20260921-140000-load-1111", "pass"), ("20260921-141319-load-3f2a", "fail")):
        made = Made(store, run)
        made.planned()
        made.ends(verdict, "because")
    book = LoadBook(place(built_in(), None))

    found = book.shelf(load(store, made.run).started + 60)

    (row,) = [one for one in found.rows if one.name == "portal-baseline"]
    assert row.last is not None
    assert (row.last.run, row.last.words) == ("20260921-141319-load-3f2a", "fail: because")
    assert [one.run for one in found.ended] == ["20260921-141319-load-3f2a", "20260921-140000-load-1111"]
    assert found.living == ()


def test_a_broken_profile_hides_none_of_the_others(store: LedgerStore, tmp_path: Path) -> None:
    text = built_in().read_text().replace("../../", f"{ROOT}/")
    (tmp_path / "keelwatch.yaml").write_text(text.replace(f"{ROOT}/loadtests/profiles", "loads"))
    (tmp_path / "loads").mkdir()
    (tmp_path / "loads" / "good.yaml").write_text((ROOT / "loadtests" / PROFILE).read_text())
    (tmp_path / "loads" / "bad.yaml").write_text("profile: bad\nmodel: none\n")

    shelf = LoadBook(place(tmp_path, None)).shelf(0.0)

    assert [row.name for row in shelf.rows] == ["portal-baseline"]
    assert "bad.yaml:" in shelf.trouble
    assert shelf.trouble.endswith("keelwatch check loadtests")
