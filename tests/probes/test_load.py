"""From files to journeys: all problems of all files at once, and the catalogue of the sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from keelwatch.workspace.document import load
from keelwatch.workspace.errors import InputError
from keelwatch.workspace.reader import json_schema
from keelwatch.workspace.secret import Secret
from probes.load import examine, load_files, load_folder
from probes.spec import JourneySpec
from tests.probes.made import HEAD

CATALOGUE = Path(__file__).parents[2] / "probes" / "journeys"
STEPS = "steps:\n  - {get: /x}\n"
NAMES = (
    "log-in recover-password view-invoices change-plan look-up-account register-and-close session-lifecycle"
    " v1-client recovery-enumeration idempotency-replay"
)


def refused(folder: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_folder(folder)
    return [f"{one.file.name}:{one.line}:{one.column}: {one.found}" for one in caught.value.problems]


def test_the_catalogue_of_the_sandbox_reads() -> None:
    found = load_folder(CATALOGUE)

    assert [one.name for one in found] == sorted(NAMES.split())
    invoices = next(one for one in found if one.name == "view-invoices")
    assert (invoices.component, invoices.folder) == ("billing", CATALOGUE)
    schema = invoices.spec.steps[1].expect.schema_
    assert isinstance(schema, dict)
    assert schema["required"] == ["items"]


def test_many_flawed_files_are_told_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + "deadlin: 3s\n" + STEPS)
    (tmp_path / "b.yml").write_text(HEAD + "steps:\n  - {get: /$x, post: /y}\n")
    (tmp_path / "c.yaml").write_text("journey: [\n")
    (tmp_path / "d.yaml").write_text("")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "e.yaml").write_text(HEAD.replace(": one", ": two") + "deadline: soon\nsteps: []\n")
    (tmp_path / "f.yaml").write_text("jorney: x\nsteps: []\n")
    (tmp_path / "fine.yaml").write_text(HEAD.replace(": one", ": fine") + STEPS)

    found = refused(tmp_path)

    assert [one for one in found if not one.startswith(("c.", "f."))] == [
        "a.yaml:4:1: the unknown key 'deadlin'",
        "b.yml:1:10: the journey 'one' again",
        "b.yml:5:5: the actions get and post",
        "b.yml:5:11: the unknown name $x",
        "e.yaml:4:11: 'soon'",
        "e.yaml:5:8: a list",
        "d.yaml:1:1: an empty file",
    ]
    assert any(one.startswith("c.yaml:2:1: broken YAML") for one in found)
    assert "f.yaml:1:1: the unknown key 'jorney'" in found


def test_the_good_journeys_are_known_beside_the_flawed_ones(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + STEPS)
    (tmp_path / "b.yaml").write_text(
        HEAD.replace(": one", ": b") + f"---\n{HEAD.replace(': one', ': two')}{STEPS}"
    )

    written, problems = examine([tmp_path / "a.yaml", tmp_path / "b.yaml"])

    assert [one.journey.name for one in written] == ["one", "two"]
    assert {str(one.file) for one in problems} == {str(tmp_path / "b.yaml")}


def test_a_name_belongs_to_one_journey(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(HEAD + STEPS)

    assert refused(tmp_path) == ["b.yaml:1:10: the journey 'one' again"]


def test_files_of_other_kinds_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "slo.yaml").write_text("apiVersion: openslo/v1\n")
    (tmp_path / "book.yaml").write_text("runbook: x\nsteps: []\n")

    assert load_folder(tmp_path) == ()
    assert load_folder(tmp_path / "missing") == ()


@pytest.mark.parametrize(
    "line",
    [
        "- {get: ${x}}",
        "- {get: {{x}}}",
        "- {get: /x, expect: {regex: [a-z]+}}",
        "- {get: ?x}",
        "- {code: \\d{6}}",
    ],
)
def test_broken_flow_style_says_the_way_out(tmp_path: Path, line: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"{HEAD}steps:\n  {line}\n")

    problems = examine([file])[1]

    assert any(one.line == 5 and "quote a text that holds one of" in one.expected for one in problems), (
        problems
    )


def test_broken_yaml_hides_no_other_problem_and_its_journey_is_not_run(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"{HEAD}title: again\nsteps:\n  - {{gte: /x}}\n")

    sound, problems = examine([file])

    assert sound == []
    assert [one.line for one in problems] == [4, 6], problems


def test_secrets_are_fetched_beside_the_journey(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("open-sesame\n")
    (tmp_path / "a.yaml").write_text(HEAD + "secrets: {api: 'file:key'}\n" + STEPS)
    (journey,) = load_files([tmp_path / "a.yaml"])

    assert journey.secret(journey.spec.secrets["api"]) == Secret("open-sesame")


def test_a_secret_in_place_of_its_reference_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + "secrets: {api: hunter22}\n" + STEPS)

    with pytest.raises(InputError) as caught:
        load_folder(tmp_path)
    assert "hunter22" not in str(caught.value)


def schema_flaws(data: object) -> list[str]:
    validator = Draft202012Validator(json_schema(JourneySpec, "a journey"))
    return [one.message for one in validator.iter_errors(data)]


def test_editors_accept_the_catalogue() -> None:
    for file in CATALOGUE.glob("*.yaml"):
        assert schema_flaws(load(file).data) == [], file


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"get": "/x", "post": "/x"},
        {"get": "/x", "capture": {"a": {"json": "a", "header": "b"}}},
        {"put": "/x", "undo": {"put": "/x", "none": "x"}},
        {"put": "/x", "undo": {"put": "/x", "verify": {}}},
    ],
)
def test_editors_refuse_what_is_not_exactly_one(step: dict[str, object]) -> None:
    data = {"journey": "a", "title": "b", "component": "c", "steps": [step]}

    assert schema_flaws(data), json.dumps(step)
