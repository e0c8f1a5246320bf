"""What is wrong with an experiment is said with its place, by Chaos Toolkit's own rules and ours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.lint import check
from chaos.load import named, variables_of
from keelwatch.workspace import UsageError
from keelwatch.workspace.workspace import Workspace
from tests.chaos.checking import ACT, HEAD, acting, problems


def test_the_catalogue_is_all_well(around: Workspace) -> None:
    files = sorted(around.folders["chaos"].glob("*.yaml"))
    assert len(files) >= 6
    assert check(files, around) == []


def test_every_flaw_that_chaos_toolkit_sees_is_told_with_its_line(tmp_path: Path, around: Workspace) -> None:
    text = (
        HEAD + "method:\n  - type: action\n    name: a\n  - {type: probe, name: b, provider: {type: magic}}\n"
    )
    assert problems(tmp_path, around, text) == [
        "4:5: found an activity requires a provider, expected what Chaos Toolkit takes",
        "6:5: found unknown provider type 'magic', expected what Chaos Toolkit takes",
    ]


PROCESS = "provider: {type: process, path: ls}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("configuration: 7", "4:16: found 7, expected a mapping"),
        ("configuration: []", "4:16: found a list, expected a mapping"),
        ("secrets: hunter2", "4:10: found a value, expected a mapping"),
        ("rollbacks: {a: 1}", "4:12: found a mapping, expected a list"),
        ("rollbacks: [7]", "4:13: found 7, expected a mapping"),
        ("rollbacks: null", "4:12: found nothing, expected a list"),
        ("controls: 7", "4:11: found 7, expected a list"),
        ("controls: [7]", "4:12: found 7, expected a mapping"),
        ("extensions: {a: 1}", "4:13: found a mapping, expected a list"),
        ("extensions: [7]", "4:14: found 7, expected a mapping"),
        ("runtime: 7", "4:10: found 7, expected a mapping"),
        ("steady-state-hypothesis: 7", "4:26: found 7, expected a mapping"),
        ("steady-state-hypothesis: {title: a, probes: 7}", "4:45: found 7, expected a list"),
        ("steady-state-hypothesis: {title: a, probes: [7]}", "4:46: found 7, expected a mapping"),
        ("configuration: {a: {type: probe, name: b, provider: 7}}", "4:53: found 7, expected a mapping"),
        ("rollbacks: [{type: action, name: a, provider: 7}]", "4:47: found 7, expected a mapping"),
        (f"rollbacks: [{{type: action, name: {{}}, {PROCESS}}}]", "4:34: found a mapping, expected a text"),
        (f"rollbacks: [{{type: action, name: a, controls: 7, {PROCESS}}}]", "4:47: found 7, expected a list"),
    ],
)
def test_what_has_another_shape_is_told_once_in_our_words(
    tmp_path: Path, around: Workspace, text: str, told: str
) -> None:
    assert problems(tmp_path, around, f"{HEAD}method: []\n{text}\n") == [told]


@pytest.mark.parametrize("text", ["configuration:", "secrets:", "extensions:", "secrets: {a: b}", "tags: 7"])
def test_what_chaos_toolkit_takes_in_any_shape_is_no_flaw(
    tmp_path: Path, around: Workspace, text: str
) -> None:
    assert problems(tmp_path, around, f"{HEAD}method: []\n{text}\n") == []


def test_a_flaw_of_shape_hides_no_other(tmp_path: Path, around: Workspace) -> None:
    text = HEAD + "method:\n  - {type: action, name: a}\nconfiguration: 7\n"
    assert problems(tmp_path, around, text) == [
        "4:5: found an activity requires a provider, expected what Chaos Toolkit takes",
        "5:16: found 7, expected a mapping",
    ]


def test_broken_json_names_its_line(tmp_path: Path, around: Workspace) -> None:
    (found,) = problems(tmp_path, around, '{"title": "a",\n "method": [,]}', "one.json")
    assert found.startswith("2:13: found JSONDecodeError")


def test_yaml_that_only_chaos_toolkit_takes_is_no_flaw(tmp_path: Path, around: Workspace) -> None:
    text = (
        HEAD
        + ACT.replace("FAULT", "billing.down").replace("REGION", "&there west")
        + (
            "  - type: action\n    name: again\n    provider:\n      type: python\n"
            "      module: chaos.actions\n      func: fault\n"
            "      arguments: {fault: billing.down, region: *there}\n"
        )
    )
    assert problems(tmp_path, around, text) == []


def test_a_region_and_a_component_that_are_not_there_are_refused(tmp_path: Path, around: Workspace) -> None:
    component, region = problems(tmp_path, around, acting("biling.errors", "north"))
    assert component.startswith(
        "10:26: found the component 'biling', expected a component of the workspace: "
    )
    assert component.endswith("did you mean 'billing'?")
    assert region == "10:49: found the region 'north', expected a region of the workspace: east, west"


def test_another_host_is_refused(tmp_path: Path, around: Workspace) -> None:
    reboot = "{type: action, name: reboot, provider: {type: http, url: 'http://192.0.2.1/reboot'}}"
    (found,) = problems(tmp_path, around, f"{HEAD}method:\n  - {reboot}\n")
    assert found.startswith("4:62: found 192.0.2.1:80, a host of no environment")


def test_an_act_that_names_another_place_is_refused(tmp_path: Path, around: Workspace) -> None:
    arguments = "{verb: pg.promote, arguments: {region: west, sandbox: other}}"
    text = acting().replace("func: fault", "func: act")
    text = text.replace("{fault: billing.down, region: west}", arguments)
    (found,) = problems(tmp_path, around, text)
    assert found.startswith("10:72: found where it acts (sandbox)")


def test_an_act_that_calls_another_host_is_refused(tmp_path: Path, around: Workspace) -> None:
    arguments = "{verb: http.call, arguments: {url: 'http://192.0.2.1/reboot'}}"
    text = acting().replace("func: fault", "func: act")
    text = text.replace("{fault: billing.down, region: west}", arguments)
    (found,) = problems(tmp_path, around, text)
    assert "found 192.0.2.1:80, a host of no environment" in found


def test_our_extension_is_read_strictly(tmp_path: Path, around: Workspace) -> None:
    text = acting() + (
        "extensions:\n  - name: keelwatch\n"
        "    guard: {burn_rate: {objectives: [login-avail]}}\n    budgte: 3\n"
    )
    (found,) = problems(tmp_path, around, text)
    assert found.startswith("14:5: found the unknown key 'budgte', expected one of blast_radius, ")
    assert found.endswith("did you mean 'budget'?")
    (found,) = problems(tmp_path, around, text.replace("budgte", "budget"))
    assert found.startswith("13:38: found the objective 'login-avail'")


@pytest.mark.parametrize("key", ["every", "guard: {burn_rate: {objectives: [login-availability]}, most_time"])
def test_no_time_at_all_is_refused_with_its_place(tmp_path: Path, around: Workspace, key: str) -> None:
    guard = "" if "guard" in key else "    guard: {burn_rate: {objectives: [login-availability]}}\n"
    end = "}" if "guard" in key else ""
    text = acting() + f"extensions:\n  - name: keelwatch\n    {key}: 0s{end}\n{guard}"
    column = len(f"    {key}: ") + 1
    assert problems(tmp_path, around, text) == [f"13:{column}: found 0s, expected greater than 0 seconds"]


def test_an_act_outside_of_its_own_blast_radius_is_a_flaw(tmp_path: Path, around: Workspace) -> None:
    text = acting("cache.down") + (
        "extensions:\n  - name: keelwatch\n    blast_radius: {components: [billing]}\n"
        "    guard: {burn_rate: {objectives: [login-availability]}}\n"
    )
    (found,) = problems(tmp_path, around, text)
    assert "fault.set strikes cache, and the blast radius is billing" in found


WITHIN = (
    "extensions:\n  - name: keelwatch\n    blast_radius: {RADIUS}\n"
    "    guard: {burn_rate: {objectives: [login-availability]}}\n"
)


@pytest.mark.parametrize("verb", ["pg.promote", "redis.promote"])
def test_a_promotion_strikes_the_region_that_loses_its_primary_too(
    tmp_path: Path, around: Workspace, verb: str
) -> None:
    text = acting().replace("func: fault", "func: act") + WITHIN.replace("RADIUS", "regions: [east]")
    text = text.replace(
        "{fault: billing.down, region: west}", f"{{verb: {verb}, arguments: {{region: east}}}}"
    )
    (found,) = problems(tmp_path, around, text)
    assert f"{verb} strikes west, and the blast radius is east" in found
    assert problems(tmp_path, around, text.replace("regions: [east]", "regions: [east, west]")) == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("billing.errors, value: 30%", ""),
        ("billing.errors, value: 60%", "fails 60% of requests, and the blast radius is 50%"),
        ("billing.latency, value: 1ms", "fails 100% of requests, and the blast radius is 50%"),
    ],
)
def test_all_but_a_fault_of_errors_counts_as_every_request(
    tmp_path: Path, around: Workspace, fault: str, told: str
) -> None:
    found = problems(tmp_path, around, acting(fault) + WITHIN.replace("RADIUS", "percent: 50"))
    assert len(found) == bool(told)
    assert told in "".join(found)


HYPOTHESIS = """steady-state-hypothesis:
  title: all is well
  probes:
    - type: probe
      name: ask
      tolerance: true
      provider: {type: python, module: chaos.probes, func: FUNC, arguments: ARGUMENTS}
"""


@pytest.mark.parametrize(
    ("func", "arguments", "told", "near"),
    [
        ("journey_passes", "{journey: log-inn, region: west}", "the journey 'log-inn'", "log-in"),
        ("journey_passes", "{journey: log-in, region: wets}", "the region 'wets'", "west"),
        (
            "burn_below",
            "{objectives: [login-availability, lookup-availabilty]}",
            "the objective 'lookup-availabilty'",
            "lookup-availability",
        ),
        ("promql", "{query: 'sum(up'}", "broken PromQL", ""),
    ],
)
def test_what_a_probe_names_must_be_there(
    tmp_path: Path, around: Workspace, func: str, arguments: str, told: str, near: str
) -> None:
    probe = HYPOTHESIS.replace("FUNC", func).replace("ARGUMENTS", arguments)
    (found,) = problems(tmp_path, around, acting() + probe)
    assert found.startswith("17:")
    assert told in found
    assert not near or found.endswith(f"did you mean '{near}'?")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("breaks: {journey: log-inn, region: west}", "the journey 'log-inn'"),
        ("reaches: 'sum(up'", "broken PromQL"),
    ],
)
def test_what_the_proof_names_must_be_there(tmp_path: Path, around: Workspace, key: str, told: str) -> None:
    extension = (
        f"extensions:\n  - name: keelwatch\n    {key}\n"
        "    guard: {burn_rate: {objectives: [login-availability]}}\n"
    )
    (found,) = problems(tmp_path, around, acting() + extension)
    assert found.startswith("13:")
    assert told in found


def test_an_objective_is_missing_also_where_there_is_none(tmp_path: Path, around: Workspace) -> None:
    bare = replace(around, folders={**around.folders, "slo": tmp_path / "none"})
    extension = "extensions:\n  - {name: keelwatch, guard: {burn_rate: {objectives: [login]}}}\n"
    (found,) = problems(tmp_path, bare, acting() + extension)
    assert "the objective 'login'" in found


def test_a_verb_that_nobody_has_is_told(tmp_path: Path, around: Workspace) -> None:
    text = acting().replace("func: fault", "func: act")
    text = text.replace(
        "{fault: billing.down, region: west}", "{verb: pg.promot, arguments: {region: north}}"
    )
    verb, region = problems(tmp_path, around, text)
    assert verb.startswith("10:25: found the verb 'pg.promot'")
    assert verb.endswith("did you mean 'pg.promote'?")
    assert region.startswith("10:56: found the region 'north'")


def test_a_control_whose_module_cannot_be_found_is_told(tmp_path: Path, around: Workspace) -> None:
    (tmp_path / "approval.py").write_text("")
    gate = "controls:\n  - {name: gate, provider: {type: python, module: aproval}}\n"
    (found,) = problems(tmp_path, around, acting() + gate)
    assert found.startswith("12:51: found a control whose module 'aproval' cannot be found")
    assert found.endswith("did you mean 'approval'?")
    assert problems(tmp_path, around, acting() + gate.replace("aproval", "approval")) == []


def test_extensions_of_others_are_left_alone(tmp_path: Path, around: Workspace) -> None:
    assert problems(tmp_path, around, acting() + "extensions:\n  - {name: chatbot, anything: 1}\n") == []


def test_the_variables_that_it_names_are_known(tmp_path: Path) -> None:
    data = {
        "configuration": {"a": {"type": "env", "key": "FIRST"}, "b": "plain"},
        "secrets": {"s": {"t": {"type": "env", "key": "SECOND"}}},
    }
    assert variables_of(json.loads(json.dumps(data))) == ("FIRST", "SECOND")


def test_a_misspelt_name_is_told(around: Workspace) -> None:
    with pytest.raises(UsageError) as error:
        named(around.folders["chaos"], "biling-down")
    assert error.value.hint == "did you mean 'billing-down'?"
