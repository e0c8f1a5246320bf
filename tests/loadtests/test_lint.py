"""What is wrong with a profile beside its workspace, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.commands.load_run import chosen
from console.places import place
from keelwatch.workspace import InputError
from keelwatch.workspace.find import built_in
from keelwatch.workspace.workspace import load_workspace
from loadtests import lint

ROOT = built_in().parents[2]
WRONG = """\
profile: one
title: A load
owner: team
model: open
journeys:
  - {journey: log-inn}
  - {journey: log-in}
stages: [{rate: 1, for: 10s}]
thresholds:
  - {percentile: 95}
  - {objective: login-latencies}
guard: {burn_rate: {objectives: [nope]}}
"""


def workspace_in(folder: Path, **profiles: str) -> Path:
    text = (
        built_in().read_text().replace("../../loadtests/profiles", "loadtests").replace("../../", f"{ROOT}/")
    )
    (folder / "keelwatch.yaml").write_text(text)
    (folder / "loadtests").mkdir()
    for name, profile in profiles.items():
        (folder / "loadtests" / f"{name}.yaml").write_text(profile)
    return folder / "keelwatch.yaml"


def test_rules_and_names_are_told_together_each_at_its_place(tmp_path: Path) -> None:
    workspace = load_workspace(workspace_in(tmp_path, one=WRONG))
    with pytest.raises(InputError) as refused:
        lint.sound("one", workspace)
    file = tmp_path / "loadtests" / "one.yaml"
    told = [str(one).removeprefix(f"{file}:").partition(", expected")[0] for one in refused.value.problems]
    assert told == [
        "6:15: found 'log-inn'",
        "7:15: found 'log-in', which logs in, in a profile without `pool`",
        "10:5: found a percentile alone",
        "11:17: found 'login-latencies'",
        "12:34: found 'nope'",
    ]


def test_a_sound_profile_is_found_beside_a_broken_one(tmp_path: Path) -> None:
    library = (ROOT / "loadtests" / "profiles" / "portal-baseline.yaml").read_text()
    workspace = load_workspace(workspace_in(tmp_path, one=WRONG, baseline=library, torn="profile: [\n"))
    profile, others = lint.sound("portal-baseline", workspace)
    assert profile.name == "portal-baseline"
    assert {one.file.name for one in others} == {"one.yaml", "torn.yaml"}


SHAPED = """\
from locust import FastHttpUser, LoadTestShape


class Steps(LoadTestShape):
    pass
"""


def test_a_shape_of_its_own_is_for_closed_loads(tmp_path: Path) -> None:
    head, _, rest = WRONG.partition("journeys:")
    text = f"{head}locustfile: shaped.py\nstages: {rest.partition('stages: ')[2].partition('thresholds')[0]}"
    guard = "guard: {burn_rate: {objectives: [login-latency]}}\n"
    workspace = load_workspace(workspace_in(tmp_path, one=text + guard))
    (tmp_path / "loadtests" / "shaped.py").write_text(SHAPED)
    with pytest.raises(InputError) as refused:
        lint.sound("one", workspace)
    (problem,) = refused.value.problems
    assert str(problem).startswith(f"{tmp_path}/loadtests/one.yaml:4:8: found 'shaped.py', whose shape")
    assert lint.sound("one", load_workspace(workspace_in_closed(tmp_path))) is not None


def workspace_in_closed(folder: Path) -> Path:
    file = folder / "loadtests" / "one.yaml"
    file.write_text(file.read_text().replace("open", "closed").replace("rate: 1", "users: 1"))
    return folder / "keelwatch.yaml"


def test_which_files_were_left_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library = (ROOT / "loadtests" / "profiles" / "portal-baseline.yaml").read_text()
    file = workspace_in(tmp_path, baseline=library, torn="profile: [\n")
    assert chosen(place(file.parent, None), "portal-baseline").name == "portal-baseline"
    said = capsys.readouterr().err
    assert f"in files of other profiles: {tmp_path}/loadtests/torn.yaml" in said
