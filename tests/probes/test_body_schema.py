"""JSON Schemas on bodies: as the library judges, but no pattern runs without a clock."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from keelwatch.workspace.document import Plain as JsonValue
from probes.body_schema import UnusableSchema, misfit
from probes.expression import TooSlow
from tests.probes.test_hostile import MAD

SCHEMAS: tuple[dict[str, JsonValue], ...] = (
    {"pattern": "^a+$"},
    {"items": {"pattern": "b"}},
    {"patternProperties": {"^n": {"type": "integer"}}},
    {"patternProperties": {"^n": True}, "additionalProperties": False},
    {
        "properties": {"a": True},
        "patternProperties": {"^n": True},
        "additionalProperties": {"type": "string"},
    },
    {"properties": {"a": True}, "additionalProperties": False},
    {"properties": {"a": {"additionalProperties": {"pattern": "x"}}}},
    {"additionalProperties": True},
)
BODIES: tuple[JsonValue, ...] = (
    "aaa",
    "b",
    3,
    None,
    ["abc", "x", 4],
    {},
    {"n1": 1},
    {"n1": "one"},
    {"a": 1, "n1": 2},
    {"a": {"z": "xy", "n": "y"}},
    {"a": 1, "z": "text"},
    {"a": 1, "z": 2},
)


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("body", BODIES)
def test_our_keywords_judge_as_the_library_does(schema: dict[str, JsonValue], body: JsonValue) -> None:
    assert (misfit(schema, body) is None) is Draft202012Validator(schema).is_valid(body)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"pattern": "^a$"}, "$: 'b' does not match '^a$'"),
        ({"type": "string", "minLength": 2}, "$: 'b' is too short"),
    ],
)
def test_a_misfit_names_its_place(schema: dict[str, JsonValue], reason: str) -> None:
    assert misfit(schema, "b") == reason


DRIVES_MAD = "ab" * 3000 + "cxx"


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ({"pattern": MAD}, DRIVES_MAD),
        ({"patternProperties": {MAD: True}}, {DRIVES_MAD: 1}),
        ({"patternProperties": {MAD: True}, "additionalProperties": False}, {DRIVES_MAD: 1}),
        ({"additionalProperties": False, "patternProperties": {MAD: True}}, {DRIVES_MAD: 1}),
    ],
)
def test_a_pattern_gone_mad_is_stopped(schema: dict[str, JsonValue], body: JsonValue) -> None:
    with pytest.raises(TooSlow, match="took longer than"):
        misfit(schema, body)


def test_a_schema_that_leads_back_to_itself_is_unusable() -> None:
    with pytest.raises(UnusableSchema):
        misfit({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, 1)
