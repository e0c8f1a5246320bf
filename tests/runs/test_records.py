"""What a run writes down: masked, whole, and readable by whoever comes later."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from keelwatch.ledger import FactKind
from keelwatch.runs import Action, EffectClass, Verdict, stop
from keelwatch.runs.effect import Effect, effect_of, intent_payload
from keelwatch.runs.mark import own_mark, read_mark, write_mark
from keelwatch.runs.spec import new_run_id, read_spec
from keelwatch.runs.state import RunState, fold
from keelwatch.runs.stopflag import StopFlag
from keelwatch.runs.stream import StreamWriter, read_stream, stream_summary
from keelwatch.runs.verdict import failed, inconclusive, invalid, passed, stopped
from keelwatch.workspace import ExitCode, Secret, UsageError
from tests.runs.conftest import Stage
from tests.sentinel import SENTINEL, VARIABLE, leaks_under


def test_a_secret_reaches_neither_stream_nor_facts_nor_spec_nor_log(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = Secret(SENTINEL)
    monkeypatch.setenv(VARIABLE, secret.reveal())  # so that the run's own process knows it too
    run = stage.spawn("leaky", words=f"token={secret.reveal()}")
    stage.until_over(run)
    assert len(stage.facts(run, FactKind.NOTE)) == 2
    stage.ledger.close()  # reading its file beside an open connection would drop SQLite's locks
    assert list(leaks_under(stage.state)) == []
    assert b"token=***" in (stage.state / "runs" / run / "stream.jsonl").read_bytes()


def test_a_torn_last_line_is_ended_and_skipped(tmp_path: Path) -> None:
    path = tmp_path / "stream.jsonl"
    path.write_bytes(b'{"at":1.0,"say":"whole"}\n{"at":2.0,"sa')
    writer = StreamWriter(path)
    writer.write({"say": "after"})
    summary = writer.close()
    assert summary == stream_summary(path)
    lines, offset = read_stream(path, 0)
    assert [line.record["say"] for line in lines] == ["whole", "after"]
    assert read_stream(path, offset) == ([], offset)


def test_a_half_written_line_is_left_for_the_next_look(tmp_path: Path) -> None:
    path = tmp_path / "stream.jsonl"
    path.write_bytes(b'{"at":1.0}\n{"at":')
    lines, offset = read_stream(path, 0)
    assert len(lines) == 1
    with path.open("ab") as file:
        file.write(b"2.0}\n")
    assert [line.at for line in read_stream(path, offset)[0]] == [2.0]


def test_a_long_stream_comes_in_pieces_and_hashes_whole(tmp_path: Path) -> None:
    path = tmp_path / "stream.jsonl"
    line = b'{"at":1.0,"say":"' + b"x" * 990 + b'"}\n'
    path.write_bytes(line * 3000)
    pieces, offset = list[int](), 0
    while True:
        lines, offset = read_stream(path, offset)
        if not lines:
            break
        pieces.append(len(lines))
    assert sum(pieces) == 3000
    assert len(pieces) > 1
    assert stream_summary(path) == {"sha256": hashlib.sha256(line * 3000).hexdigest(), "lines": 3000}


def test_an_intent_reads_back_as_it_was_written(stage: Stage) -> None:
    effect = Effect(
        run="r",
        seq=1,
        step="drain",
        key="r/drain/1",
        action=Action("edge.weight", {"weight": 0}),
        effect_class=EffectClass.DESIRED_STATE,
        target="west",
        before={"weight": 100},
        undo=Action("edge.weight", {"weight": 100}),
        settle_s=2.5,
        number=1,
        epoch=3,
        boot="b",
        boot_s=12.5,
    )
    fact = stage.ledger.append("r", FactKind.INTENT, intent_payload(effect), actor="x")
    assert effect_of(fact) == effect
    assert effect.unsettled_s() == 2.5, "an intent of another boot gets all of its time"


def test_folding_piece_by_piece_is_folding_at_once(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=0.0)
    stage.until_over(run)
    facts = stage.facts(run)
    state = RunState(run)
    for fact in facts:
        state = fold(state, [fact])
    assert state == fold(RunState(run), facts)
    assert state.open == ()


def test_run_ids_sort_by_time_and_can_be_read(stage: Stage) -> None:
    earlier, later = new_run_id("probe", 1795317247.0), new_run_id("chaos", 1795317248.0)
    assert earlier.startswith("20261122-031407-probe-")
    assert earlier < later


def test_the_spec_reads_back_as_it_was_pinned(stage: Stage) -> None:
    run = stage.spawn("probe", hold_s=0.0)
    assert read_spec(run).sha() == stage.load(run).spec_sha
    stage.until_over(run)
    with pytest.raises(UsageError, match="no run"):
        read_spec("20261122-031407-probe-0000")


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (passed(), ExitCode.PASS),
        (failed("threshold-missed"), ExitCode.FAIL),
        (invalid("workers-lost"), ExitCode.UNKNOWN),
        (inconclusive("no-traffic"), ExitCode.UNKNOWN),
        (stopped("guard"), ExitCode.STOPPED),
        (failed("x").but(ExitCode.LEFT_BEHIND), ExitCode.LEFT_BEHIND),
        (passed().but(ExitCode.PASS), ExitCode.PASS),
    ],
)
def test_a_verdict_decides_the_exit_code(verdict: Verdict, code: ExitCode) -> None:
    assert verdict.exit_code is code


def test_a_mark_never_names_another_process(tmp_path: Path) -> None:
    path = tmp_path / "process.json"
    mark = write_mark(path)
    assert read_mark(path) == mark == own_mark()
    reused = type(mark)(mark.pid, mark.start_ticks - 1, mark.boot)
    other_boot = type(mark)(mark.pid, mark.start_ticks, "another boot")
    assert reused.open() is None
    assert other_boot.open() is None
    path.write_text("{}")
    assert read_mark(path) is None


def test_a_stop_flag_keeps_its_first_reason_and_wakes_all_who_wait() -> None:
    flag = StopFlag()
    assert not flag.wait(0.0)
    flag.raise_flag("first")
    flag.raise_flag("second")
    assert flag.reason == "first"
    assert flag.wait(5.0)
    assert flag.wait(5.0)


def test_stopping_a_run_that_is_over_signals_nobody(stage: Stage) -> None:
    run = stage.spawn("probe", hold_s=0.0)
    stage.until_over(run)
    assert not stop(run).signalled
