"""Profiles: read strictly, with every problem at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelwatch.workspace import InputError
from loadtests.arrivals import Stage, length_s
from loadtests.load import examine, load_folder

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
        (OPEN + "treshold: []\n", "8:1: found the unknown key 'treshold'"),
        (OPEN.replace("[{journey: log-in}]", "[{journey: a}, {journey: a}]"), "6:36: found 'a' again"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(tmp_path: Path, body: str, said: str) -> None:
    found = complaints(tmp_path, HEAD + body)
    assert any(one.startswith(said) for one in found), found


def test_every_problem_of_every_file_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + OPEN.replace("10s", "0s") + "warm_up: 1s\nthresholds: [{}]\n")
    (tmp_path / "b.yaml").write_text(HEAD + OPEN)
    with pytest.raises(InputError) as refused:
        load_folder(tmp_path)
    told = [str(one) for one in refused.value.problems]
    assert len(told) == 4, told
    assert any("the profile 'one' again" in one for one in told)
