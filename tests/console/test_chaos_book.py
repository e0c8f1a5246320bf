"""What screens show of experiments, read from ledgers and streams as a run writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.words import of_verb
from console.acting import acting_words
from console.chaos_book import Catalogue, ChaosBook, Follower
from console.commands.sandbox import in_region
from console.owed import owed_in
from console.places import place
from console.view.chaos_screen import verdict_words
from console.view.chaos_shelf import ChaosShelf, heading
from console.view.listed import CourseRow
from keelwatch.ledger import FactKind, JsonObject, LedgerStore
from keelwatch.runs import Phase, list_open, load
from keelwatch.workspace import UsageError
from keelwatch.workspace.find import built_in
from tests.console.written_runs import ACTOR, WrittenRun

RUN = "20260921-141319-chaos-7b1e"
TARGET = "sandbox/fault/billing.down@all"
EXTENSION: JsonObject = {
    "component": "billing",
    "guard": {"burn_rate": {"objectives": ["login-availability"]}, "most_time": "3m"},
    "expect": "pass",
}


class Made(WrittenRun):
    """A run of an experiment."""

    def __init__(self, store: LedgerStore, run: str = RUN, kind: str = "chaos") -> None:
        super().__init__(store, run, kind, "billing-down")
        lease: JsonObject = {"event": "taken", "scope": f"run/{run}", "epoch": 1}
        store.append(run, FactKind.LEASE, lease, actor=ACTOR)

    def begins(self) -> None:
        self.note("experiment", {"name": "billing-down", "title": "All the same", "extension": EXTENSION})
        method = [{"name": name, "type": "action", "equivalent": f"do {name}"} for name in ("stop", "wait")]
        self.sample({"event": "began", "steady_state": "All is well", "probes": ["one"], "method": method})
        self.note("phase", {"phase": "before"})
        self.sample({"event": "step", "phase": "before", "state": "succeeded", "name": "one", "output": True})
        self.sample({"event": "hypothesis", "when": "before", "met": True, "probe": ""})
        self.note("hypothesis", {"when": "before", "word": "met"})

    def strikes(self) -> int:
        """The first step of the method: its fault is on."""
        self.note("phase", {"phase": "method"})
        self.note(
            "step", {"number": 1, "phase": "method", "state": "begun", "name": "stop", "type": "action"}
        )
        intent: JsonObject = {
            "verb": "fault.set",
            "target": TARGET,
            "args": {"fault": "billing.down"},
            "undo": {"verb": "fault.clear", "args": {"fault": "billing.down", "workspace": "/somewhere"}},
        }
        seq = self.store.append(self.run, FactKind.INTENT, intent, actor=ACTOR).seq
        done: JsonObject = {"intent": seq, "outcome": "done", "evidence": {"until": 2_000_000_000.0}}
        self.store.append(self.run, FactKind.RESULT, done, actor=ACTOR)
        return seq

    def heals(self, seq: int) -> None:
        result: JsonObject = {"undoes": seq, "outcome": "undone"}
        self.store.append(self.run, FactKind.RESULT, result, actor=ACTOR)


def test_a_course_is_read_on_from_where_it_was_left(store: LedgerStore) -> None:
    made, follower = Made(store), Follower(RUN)
    made.begins()
    before = follower.read(store)
    made.strikes()
    made.sample({"guard": {"limit": "time", "answer": "yes", "because": "9s of 3m"}})

    after = follower.read(store)

    assert (before.told.phase, before.told.faults) == ("before", ())
    assert (after.experiment, after.starter, after.bounds.component) == ("billing-down", "sre", "billing")
    assert after.asked["one", "before"].met == 1
    assert [one.name for one in after.waiting("method")] == ["wait"]
    assert after.counts("method") == (0, 2)
    assert [one.ends_itself for one in after.open_faults] == [2_000_000_000.0]
    assert after.guard["time"].because == "9s of 3m"


def test_a_run_of_another_kind_is_no_experiment(store: LedgerStore) -> None:
    made = Made(store, run="20260921-141319-probe-1111", kind="probe")

    with pytest.raises(UsageError, match="is a probe run, and no experiment"):
        Follower(made.run).read(store)


def test_a_run_that_died_is_never_drawn_as_well(store: LedgerStore) -> None:
    made = Made(store)
    made.begins()

    found = Follower(RUN).read(store)  # no process holds its lock

    assert verdict_words(found)[0] == "UNKNOWN"


def test_the_head_says_what_an_experiment_is_at_and_how_much_it_has_broken(store: LedgerStore) -> None:
    made = Made(store)
    assert acting_words(store, made.view()) == "chaos billing-down asks what it may hurt first"
    made.begins()
    assert acting_words(store, made.view()) == "chaos billing-down hypothesis before"
    seq = made.strikes()

    assert acting_words(store, made.view()) == "chaos billing-down method: stop, 1 fault on"
    assert acting_words(store, made.view(Phase.STOPPING)) == (
        "chaos billing-down STOPPING method: stop, 1 fault on"
    )
    made.heals(seq)
    assert acting_words(store, made.view()) == "chaos billing-down method: stop"
    assert acting_words(store, made.view(Phase.ENDED)) == ""


def test_what_is_owed_says_who_holds_it_its_undo_and_when_it_ends_by_itself(store: LedgerStore) -> None:
    made = Made(store)
    made.begins()
    seq = made.strikes()

    (found,) = owed_in(store, "sandbox")  # nobody is alive

    assert (found.run, found.seq, found.care) == (RUN, seq, "orphaned")
    assert found.words == f"fault.set on {TARGET}"
    assert found.undo == "keelwatch sandbox fault clear billing.down"
    assert found.until == 2_000_000_000.0
    assert owed_in(store, "elsewhere") == ()
    made.heals(seq)
    assert owed_in(store, "sandbox") == ()


def test_what_a_probe_holds_for_a_moment_is_no_open_fault(store: LedgerStore) -> None:
    made = Made(store, run="20260921-141319-probe-1111", kind="probe")
    intent: JsonObject = {
        "verb": "account.open",
        "target": "a",
        "args": {},
        "undo": {"verb": "account.close"},
    }
    seq = store.append(made.run, FactKind.INTENT, intent, actor=ACTOR).seq
    store.append(made.run, FactKind.RESULT, {"intent": seq, "outcome": "done"}, actor=ACTOR)
    assert [one.verb for one in list_open(store)] == ["account.open"]
    assert owed_in(store, "sandbox") == ()
    made.strikes()
    assert [one.words for one in owed_in(store, "sandbox")] == [f"fault.set on {TARGET}"]


def test_one_that_is_orphaned_does_not_run() -> None:
    runs = [CourseRow(phase, "one", phase, 0.0, "ada", "", 0.0) for phase in ("running", "orphaned")]
    assert "| 1 RUNNING" in heading(ChaosShelf("sandbox", 0.0, runs=tuple(runs)), 100)
    assert "| none runs" in heading(ChaosShelf("sandbox", 0.0, runs=tuple(runs[1:])), 100)


@pytest.mark.parametrize(
    ("region", "told"),
    [
        ("west", "keelwatch sandbox fault clear identity.latency --region west"),
        ("all", "keelwatch sandbox fault clear identity.latency"),
    ],
)
def test_the_undo_of_a_fault_in_one_region_names_it(region: str, told: str) -> None:
    assert of_verb("fault.clear", {"fault": "identity.latency", "region": region}) == told


def test_a_fault_is_cleared_in_one_region_alone() -> None:
    assert in_region("identity.latency", "west") == "identity.latency@west"
    assert in_region("identity", "all") == "identity"
    with pytest.raises(UsageError, match="which fault in west"):
        in_region("identity", "west")


def test_an_experiment_says_how_its_last_run_ended_and_when(store: LedgerStore) -> None:
    made = Made(store)
    made.begins()
    made.ends("fail", "hypothesis-deviated: one (after the method)")
    book = ChaosBook(place(built_in(), None))

    found = book.shelf(load(store, RUN).started + 60)

    (row,) = [one for one in found.rows if one.name == "billing-down"]
    assert row.last is not None
    assert (row.last.run, row.surprise) == (RUN, ", PASS EXPECTED")
    assert [one.run for one in found.ended] == [RUN]
    assert (found.living, found.owed, found.trouble) == ((), (), "")
    assert [one.name for one in found.rows] == sorted(one.name for one in found.rows)


def test_experiments_are_read_anew_only_when_a_file_is_another_one(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text('{"title": "t", "description": "d", "method": []}')
    catalogue = Catalogue(tmp_path)
    before, _ = catalogue.read()
    again, _ = catalogue.read()
    assert again is before
    (tmp_path / "two.json").write_text('{"title": "broken"}')

    after, trouble = catalogue.read()

    assert after is not before
    assert "two.json" in trouble
    assert trouble.endswith("keelwatch chaos check")
