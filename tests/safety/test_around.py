"""A guard watches what it names, all of it, and says so where it cannot."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from keelwatch.safety import questions
from keelwatch.safety.around import Around
from keelwatch.workspace.reading import Answer, Condition
from slo.objective import Tracked

ROOT = Path(__file__).parents[2]
REAL, PROBED = "login-availability", "probe-log-in"
WORKSPACE = """
keelwatch: 1
environments:
  lab: {prometheus: {url: "http://127.0.0.1:9"}, regions: [west, east]}
components:
  identity: {owner: team-identity, tier: 1}
"""


@pytest.fixture
def around(tmp_path: Path) -> Around:
    (tmp_path / "keelwatch.yaml").write_text(WORKSPACE)
    (tmp_path / "slo").mkdir()
    for name in (REAL, PROBED):
        shutil.copy(ROOT / "slo" / "objectives" / f"{name}.yaml", tmp_path / "slo")
    return Around(tmp_path / "keelwatch.yaml", "lab")


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that the source is asked of."""
    names: list[str] = []

    def asked(source: object, wanted: Sequence[Tracked], *_: object) -> Condition:
        names.extend(dict.fromkeys(one.objective.name for one in wanted))
        return Condition.yes("well")

    monkeypatch.setattr(questions, "burn_below", asked)
    return names


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        pytest.param([PROBED, REAL], [REAL, PROBED], id="of probes, too, where it is named"),
        pytest.param([PROBED], [PROBED], id="of probes alone"),
        pytest.param([], [REAL], id="real traffic alone where nothing is named"),
    ],
)
def test_what_is_named_is_watched(
    around: Around, watched: list[str], named: list[str], asked: list[str]
) -> None:
    assert around.burn_below(14.4, 300.0, None, named).answer is Answer.YES
    assert watched == asked


def test_a_name_that_is_not_there_is_never_well(around: Around, watched: list[str]) -> None:
    found = around.burn_below(14.4, 300.0, None, [REAL, "login-avail"])
    assert found == Condition.unknown("there is no objective 'login-avail'")
    assert watched == []
