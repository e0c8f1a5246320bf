"""A load by hand: started, watched and stopped from a small terminal, on the real portal."""

from __future__ import annotations

import re
import sys
from contextlib import closing
from pathlib import Path

import pytest

from keelwatch.ledger import Access, open_ledger
from keelwatch.runs import Outcome, Phase, view
from keelwatch.workspace import ExitCode
from tests.console.tmux import terminal
from tests.loadtests.pushing import Pusher, pusher_of
from tests.sandbox.running import RunningSandbox

pytestmark = pytest.mark.deep

KEELWATCH = Path(sys.executable).with_name("keelwatch")
GENTLE = """\
journeys: [{journey: look-up-account}]
pool: load
model: open
stages: [{rate: 2, for: 120s}]
"""


@pytest.fixture
def pusher(sandbox: RunningSandbox, tmp_path: Path) -> Pusher:
    return pusher_of(sandbox, tmp_path)


def test_a_load_is_started_by_its_environments_name_watched_and_stopped(pusher: Pusher) -> None:
    pusher.profile("gentle", GENTLE)
    with terminal(80, 24, f"{KEELWATCH} --workspace {pusher.folder}") as screen:
        screen.until("prometheus ok")
        screen.press("4")
        screen.until("> gentle")
        screen.press("s")
        screen.until("wants load tests armed")
        screen.press("A")
        screen.until("ARMED")
        screen.press("s")
        screen.until("Type sandbox: _")
        screen.press(*"sandbox")
        screen.until("enter: start it")
        screen.press("Enter")
        watched = screen.until("of 2.0 arrivals/s", 60)
        screen.until("RUNNING load gentle 0:", 30)
        (run,) = set(re.findall(r"\d+-\d+-load-\w+", watched))
        screen.until("p95 ", 60)
        screen.press("x")
        screen.until("let it go on")
        screen.press("s")
        screen.until("INCONCLUSIVE  exit 7: stopped", 60)
    with closing(open_ledger(access=Access.READ)) as store:
        found = view(store, run)
    assert found.phase is Phase.ENDED
    assert found.state.verdict is not None
    assert found.state.verdict.outcome is Outcome.INCONCLUSIVE
    assert found.state.verdict.exit_code is ExitCode.STOPPED
