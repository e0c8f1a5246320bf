"""A run of named journeys needs their files; what is wrong with others is said, and stops nobody."""

from __future__ import annotations

import pytest

from tests.probes.conftest import LOGIN, Bench

ASK = LOGIN + "  - get: /plan\n"


def broken(bench: Bench, text: str, name: str = "broken") -> None:
    (bench.folder / "probes" / f"{name}.yaml").write_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "journey: [\n",
        "journey: broken\ntitle: t\ncomponent: accounts\nsteps: [{get: /x, retries: many}]\n",
        "journey: broken\ntitle: t\ncomponent: accounts\nsteps: [{get: /x, until: {status: 200}}]\n",
    ],
    ids=["yaml", "type", "rule"],
)
def test_a_broken_file_stops_no_other_journey(bench: Bench, text: str) -> None:
    bench.journey("ask", ASK)
    broken(bench, text)

    code, out, err = bench.run("probe", "run", "ask")

    assert (code, "1 passed" in out) == (0, True), err
    assert "warning: 1 problem in files of other journeys: " in err
    assert "broken.yaml\n" in err


def test_all_journeys_and_a_broken_one_end_in_3(bench: Bench) -> None:
    bench.journey("ask", ASK)
    bench.journey("bad", ASK + "    retries: many\n")

    for words in (("--all",), ("bad",), ("ask", "bad")):
        code, out, err = bench.run("probe", "run", *words)
        assert (code, out) == (3, ""), words
        assert "retries" in err or "many" in err
    assert bench.shop.log == []


def test_a_name_that_two_files_give_is_nobodys(bench: Bench) -> None:
    bench.journey("ask", ASK)
    broken(bench, (bench.folder / "probes" / "ask.yaml").read_text(), name="zzz")

    code, _, err = bench.run("probe", "run", "ask")

    assert code == 3
    assert "the journey 'ask' again" in err


def test_a_journey_beside_a_broken_one_in_the_same_file_does_not_run(bench: Bench) -> None:
    bench.journey("ask", ASK)
    file = bench.folder / "probes" / "ask.yaml"
    file.write_text(f"{file.read_text()}---\njourney: other\ntitle: t\ncomponent: accounts\nsteps: []\n")

    assert bench.run("probe", "run", "ask")[0] == 3


def test_a_misspelt_name_is_a_wrong_call(bench: Bench) -> None:
    bench.journey("ask", ASK)
    assert bench.run("probe", "run", "aks")[0] == 2
