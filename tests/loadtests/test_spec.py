"""Profiles: read strictly, with every problem at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelwatch.workspace import InputError
from loadtests.arrivals import Stage, length_s
from loadtests.load import examine, load_folder, named, sought

LIBRARY = Path(__file__).parents[2] / "loadtests" / "profiles"
HEAD = "profile: one\ntitle: A load\nowner: team\nguard: {burn_rate: {objectives: [a]}}\n"
OPEN = "model: open\njourneys: [{journey: log-in}]\nstages: [{rate: 1, for: 10s}]\n"
CLOSED = "model: closed\njourneys: [{journey: log-in}]\nstages: [{users: 1, for: 10s}]\n"


def complaints(folder: Path, text: str) -> list[str]:
    file = folder / "one.yaml"
    file.write_text(text)
    _, problems = examine([file])
    return [str(one).removeprefix(f"{file}:") for one in problems]


def test_a_whole_profile_is_read_and_lasts_five_minutes() -> None:
    (baseline,) = load_folder(LIBRARY)
    assert baseline.name == "portal-baseline"
    assert length_s(baseline.stages) == 300
    assert baseline.stages == [Stage(0, 6, 15), Stage(6, 6, 285)]
    watched = baseline.spec.guard.burn_rate.objectives
    assert watched == ["login-availability", "lookup-availability", "invoices-availability"]


@pytest.mark.parametrize("body", [OPEN, CLOSED])
def test_the_least_that_is_a_profile(tmp_path: Path, body: str) -> None:
    assert complaints(tmp_path, HEAD + body) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("model: open\nstages: [{rate: 1, for: 1s}]\n", "1:10: found neither `journeys` nor `locustfile`"),
        (OPEN + "locustfile: x.py\n", "1:10: found both, expected either"),
        (OPEN.replace("rate", "users"), "7:10: found `users`, expected `rate`, for the model is open"),
        (CLOSED.replace("users: 1", "users: 1, rate: 2"), "7:10: found `rate` and `users`, expected `users`"),
        (OPEN.replace("rate: 1", "rate: 0"), "7:1: found levels of 0 alone"),
        (OPEN.replace("10s", "0s"), "7:25: found no time at all"),
        (OPEN + "warm_up: 10s\n", "8:10: found no time left after it, expected less"),
        (CLOSED + "arrivals: paced\n", "8:1: found `arrivals` in a closed model"),
        (OPEN + "thresholds: [{}]\n", "8:14: found nothing to hold, expected exactly one of objective, "),
        (OPEN + "thresholds: [{percentile: 95}]\n", "8:14: found a percentile alone, expected `below`"),
        (OPEN + "thresholds: [{objective: a, below: 1s}]\n", "8:29: found `below` beside `objective`"),
        (OPEN + "thresholds: [{objective: a, request: b}]\n", "8:29: found `request` beside"),
        (OPEN + "variables: [LOCUST_USERS]\n", "8:13: found 'LOCUST_USERS', expected the name of a variable"),
        (OPEN + "treshold: []\n", "8:1: found the unknown key 'treshold'"),
        (OPEN.replace("[{journey: log-in}]", "[{journey: a}, {journey: a}]"), "6:36: found 'a' again"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(tmp_path: Path, body: str, said: str) -> None:
    found = complaints(tmp_path, HEAD + body)
    assert any(one.startswith(said) for one in found), found


def test_a_locustfile_that_is_no_python_is_told_with_its_place_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "visit.py").write_text("from locust import task\n\nclass Visitor(:\n    pass\n")
    body = "model: open\nlocustfile: visit.py\nstages: [{rate: 1, for: 10s}]\n"
    (tmp_path / "one.yaml").write_text(HEAD + body)
    with pytest.raises(InputError) as refused:
        load_folder(tmp_path)
    assert str(refused.value) == f"{tmp_path}/visit.py:3:15: found invalid syntax, expected Python"


def test_a_broken_file_does_not_block_the_other_profiles(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("profile: broken\nmodel: [\n")
    (tmp_path / "b.yaml").write_text(
        (HEAD + OPEN).replace("10s", "0s").replace("profile: one", "profile: two")
    )
    (tmp_path / "c.yaml").write_text(HEAD + OPEN)
    found = sought(tmp_path, "one")
    assert [one.profile.name for one in found.written] == ["one"]
    assert found.problems == []
    assert {one.file.name for one in found.others} == {"a.yaml", "b.yaml"}
    assert named(tmp_path, "one").file == tmp_path / "c.yaml"
    for name in ("two", "broken"):
        with pytest.raises(InputError, match=r"[ab]\.yaml"):
            named(tmp_path, name)


def test_a_profile_that_stands_in_two_files_is_neither(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(HEAD + OPEN)
    with pytest.raises(InputError, match="the profile 'one' again"):
        named(tmp_path, "one")


def test_every_problem_of_every_file_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + OPEN.replace("10s", "0s") + "warm_up: 1s\nthresholds: [{}]\n")
    (tmp_path / "b.yaml").write_text(HEAD + OPEN)
    with pytest.raises(InputError) as refused:
        load_folder(tmp_path)
    told = [str(one) for one in refused.value.problems]
    assert len(told) == 4, told
    assert any("the profile 'one' again" in one for one in told)
