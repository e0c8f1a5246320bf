"""What is wrong with a runbook is named where it stands, all of it at once."""

# ruff: noqa: E501 - the tables have a line for each case, and a problem is one line

from __future__ import annotations

from pathlib import Path

import pytest

from keelwatch.workspace.workspace import load_workspace
from runbooks.load import examine, load_folder
from runbooks.rules import unknown_regions
from tests.runbooks.made import HEAD, LIBRARY, complaints, library, written

PROMOTE = "  - {id: last, pg.promote: {region: $to}, undo: none}\n"


def of(folder: Path, steps: str) -> list[str]:
    """What is said of a runbook with these steps; its first one stands in line 7."""
    return complaints(folder, f"{HEAD}steps:\n{steps}")


def said_of(found: list[str], said: str) -> None:
    assert any(one.startswith(said) for one in found), found


def test_the_library_is_right() -> None:
    assert sorted(library()) == [
        "data-exposure-first-hour",
        "drain-region",
        "failover-region",
        "promote-database",
        "rebuild-cache",
        "rejoin-region",
    ]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{id: a}", "7:5: found no action, expected exactly one of edge.weight, "),
        ("{id: a, probe: {region: $to}, human: x}", "7:5: found the actions probe and human, expected exactly one of"),
        ("{pg.fence: {region: $to}}", "7:5: found no such key, expected the key 'id'"),
        ("{id: a, pg.fance: {region: $to}}", "7:13: found the unknown key 'pg.fance', expected one of approve, "),
        ("{id: A, human: x}", "7:10: found 'A', expected a name of a-z, 0-9 and inner dashes"),
        ("{id: a, pg.fence: {}}", "7:23: found no such key, expected the key 'region'"),
        ("{id: a, pg.fence: {region: $form}}", "7:32: found the unknown input $form, expected one of the inputs: $from, $to, $word; did you mean '$from'?"),
        ("{id: a, pg.fence: {region: $word}}", "7:32: found $word, an input of the type text, expected an input of the type region"),
        ("{id: a, pg.fence: {region: $To}}", "7:32: found '$To', expected the name of a region, or an input: $name"),
        ("{id: a, human: 'to $to and $nobody'}", "7:20: found the unknown input $nobody, expected one of the inputs"),
        ("{id: a, human: 'it costs $5'}", "7:20: found a $ that reads no input, expected $name without braces for an input, $$ for a dollar"),
        ("{id: a, why: '${to}', human: x}", "7:18: found a $ that reads no input"),
        ("{id: a, human: x, evidence: photo}", "7:33: found 'photo', expected 'text', 'url', 'number' or 'file'"),
        ("{id: a, probe: {region: $to}, evidence: url}", "7:35: found `evidence` beside `probe`, expected `evidence` beside human"),
        ("{id: a, probe: {region: $to}, undo: previous}", "7:35: found `undo` beside `probe`, which changes nothing"),
        ("{id: a, human: x, stop_if: {journey_failing: {region: $to}}}", "7:23: found `stop_if` beside `human`, which changes nothing"),
        ("{id: a, pg.promote: {region: $to}, undo: previous}", "7:46: found `previous` beside pg.promote, which cannot restore what was before, expected `none`, or the verb"),
        ("{id: a, pg.fence: {region: $to}, undo: never}", "7:44: found 'never', expected 'previous' or 'none'"),
        ("{id: a, pg.fence: {region: $to}, undo: {}}", "7:44: found no verb, expected exactly one of edge.weight, "),
        ("{id: a, pg.fence: {region: $to}, undo: {pg.unfence: {region: $to}, edge.ready: {region: $to}}}", "7:44: found the verbs edge.ready and pg.unfence"),
        ("{id: a, pg.fence: {region: $to}, undo: {pg.unfense: {region: $to}}}", "7:45: found the unknown key 'pg.unfense', expected one of edge.drain, "),
        ("{id: a, pg.fence: {region: $to}, undo: {edge.drain: {region: $to, wait: 30s}}}", "7:77: found 30s, expected at most 20s"),
        ("{id: a, pg.fence: {region: $to}, within: 5}", "7:46: found 5, expected a duration like 90s, 5m or 1h30m"),
        ("{id: a, pg.fence: {region: $to}, within: 0s}", "7:46: found no time at all, expected a duration above 0s"),
        ("{id: a, pg.fence: {region: $to}, ungraceful: {}}", "7:50: found nothing, expected exactly one of skip, accept, if_unreachable"),
        ("{id: a, pg.fence: {region: $to}, ungraceful: {skip: x, accept: y}}", "7:50: found skip and accept, expected exactly one of"),
        ("{id: a, pg.fence: {region: $to}, ungraceful: {if_unreachable: go}}", "7:67: found 'go', expected 'ask' or 'skip'"),
        ("{id: a, pg.fence: {region: $to}, stop_if: {}}", "7:47: found nothing to watch, expected at least one of burn_rate, journey_failing, lag, promql_false, elapsed"),
        ("{id: a, approve: {expires: 10m}, within: 5m}", "7:38: found `within` beside `approve`, expected `expires`"),
        ("{id: a, approve: {expires: 10m}, ungraceful: {skip: x}}", "7:38: found `ungraceful` beside `approve`"),
        ("{id: a, approve: {expires: 0s}}", "7:32: found no time at all"),
        ("{id: a, approve: {people: 0, expires: 1m}}", "7:31: found 0, expected greater than or equal to 1"),
        ("{id: a, approve: {expires: 1m, not: nobody}}", "7:41: found 'nobody', expected 'starter'"),
        ("{id: a, edge.weight: {}}", "7:26: found neither `weights` nor `to`, expected exactly one of them"),
        ("{id: a, edge.weight: {to: $to, away_from: $from, weights: {$to: 1}}}", "7:26: found both `weights` and `to`"),
        ("{id: a, edge.weight: {weights: {$to: 100, $from: 0}, hold: 5s}}", "7:58: found `hold` beside `weights`"),
        ("{id: a, edge.weight: {weights: {$to: 0}}}", "7:36: found no region with a weight"),
        ("{id: a, edge.weight: {weights: {$to: 300}}}", "7:42: found 300, expected less than or equal to 256"),
        ("{id: a, edge.weight: {weights: {$of: 1}}}", "7:37: found the unknown input $of"),
        ("{id: a, edge.weight: {to: $to}}", "7:26: found `to` without `away_from`"),
        ("{id: a, edge.weight: {to: $to, away_from: $to}}", "7:47: found $to, as in `to`, expected another region"),
        ("{id: a, edge.weight: {to: $to, away_from: $from, ramp: [10, 10]}}", "7:65: found 10 after 10, expected stages that rise"),
        ("{id: a, edge.weight: {to: $to, away_from: $from, hold: 5s}}", "7:54: found `hold` without `ramp`"),
        ("{id: a, edge.weight: {to: $to, away_from: $from, ramp: [50, 100], hold: 10s}, within: 20s}", "7:91: found 20s, expected more than its stages hold, 20s"),
        ("{id: a, edge.drain: {region: $to, wait: 21s}}", "7:45: found 21s, expected at most 20s"),
        ("{id: a, pg.promote: {region: $to, wait: 11s}}", "7:45: found 11s, expected at most 10s"),
        ("{id: a, http.call: {url: shop}}", "7:30: found 'shop', expected a URL, or a path of the portal that begins with /"),
        ("{id: a, http.call: {url: 'https://x', region: $to}}", "7:43: found `region` beside a URL"),
        ("{id: a, http.call: {url: /x, headers: {Authorization: Bearer abc}}}", "7:44: found the header Authorization with a value, expected `bearer`: where the token is"),
        ("{id: a, http.call: {url: /x, bearer: abc}}", "7:42: found a value, expected a reference: env:NAME"),
        ("{id: a, http.call: {url: /x, body: {a: [$nobody]}}}", "7:45: found the unknown input $nobody"),
        ("{id: a, notify: {text: x}}", "7:21: found neither webhook nor command"),
        ("{id: a, notify: {text: x, webhook: env:A, command: [b]}}", "7:21: found both webhook and command"),
        ("{id: a, notify: {text: x, webhook: 'https://x/y'}}", "7:40: found a value, expected a reference"),
        ("{id: a, shell: {command: []}}", "7:30: found a list, expected at least 1 item after validation"),
        ("{id: a, shell: {command: [echo, $HOME]}}", "7:37: found a $ that reads no input"),
        ("{id: a, slo.hold: {below: 0}}", "7:31: found 0, expected greater than 0"),
        ("{id: a, parallel: x, human: y}", "7:23: found a group of one, 'x'"),
    ],
)  # fmt: skip
def test_a_step_that_cannot_mean_what_it_says_is_named(tmp_path: Path, step: str, said: str) -> None:
    said_of(of(tmp_path, f"  - {step}\n"), said)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            "  - {id: a, human: x}\n  - {id: a, human: y}\n",
            "8:10: found the step 'a' a second time, expected another name: step 1 has this one",
        ),
        (
            PROMOTE + "  - {id: b, approve: {expires: 1m}}\n",
            "8:13: found an approval after last, which cannot be undone, expected it before that step",
        ),
        (
            PROMOTE + "  - {id: b, edge.drain: {region: $to}, undo: previous}\n",
            "8:40: found an undo after last, the point of no return, expected no undo, or a `stop_if`",
        ),
        (
            "  - {id: a, parallel: x, human: y}\n  - {id: b, parallel: x, human: y}\n",
            "7:26: found `human` in a group of parallel steps, expected it in front of the group",
        ),
        (
            (
                "  - {id: a, parallel: x, pg.lag: {region: $to}}\n  - {id: b, human: y}\n"
                "  - {id: c, parallel: x, pg.lag: {region: $to}}\n"
            ),
            "9:23: found the group 'x' a second time, expected its steps side by side",
        ),
    ],
)
def test_steps_that_do_not_fit_each_other_are_named(tmp_path: Path, steps: str, said: str) -> None:
    said_of(of(tmp_path, steps), said)


@pytest.mark.parametrize(
    "steps",
    [
        PROMOTE + "  - {id: b, edge.drain: {region: $to}, undo: none}\n",
        PROMOTE
        + "  - {id: b, edge.drain: {region: $to}, undo: previous, stop_if: {burn_rate: {above: 2}}}\n",
        (
            "  - {id: a, pg.promote: {region: $to}, undo: none, parallel: x}\n"
            "  - {id: b, redis.promote: {region: $to}, undo: previous, parallel: x}\n"
        ),
        "  - {id: a, http.call: {url: /x}, undo: {http.call: {url: /y, method: delete}}}\n",
        "  - {id: a, human: 'it costs $$5, $word'}\n",
        "  - {id: a, flag.set: {flag: new-look, to: false}, undo: previous}\n",
        "  - {id: a, flag.set: {flag: new-look, to: '10%'}, undo: previous}\n",
    ],
)
def test_what_may_stand_there_is_let_through(tmp_path: Path, steps: str) -> None:
    assert of(tmp_path, steps) == []


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("inputs: {a: {type: region, differs_from: $a}}", "5:42: found an input that differs from itself, expected another input"),
        ("inputs: {near: {type: region, differs_from: $nears}}", "5:45: found the unknown input $nears, expected one of the inputs: $near; did you mean '$near'?"),
        ("inputs: {a: {type: region}, b: {type: text, differs_from: $a}}", "5:59: found an input of the type region, expected one of the same type, text"),
        ("inputs: {a: {type: text, default: x}, b: {type: text, default: x, differs_from: $a}}", "5:64: found 'x', the default of $a too, expected another one"),
        ("inputs: {a: {type: text, differs_from: a}}", "5:40: found 'a', expected an input: $name"),
        ("inputs: {a: {type: number}}", "5:20: found 'number', expected 'region', 'text' or 'choice'"),
        ("inputs: {a: {type: choice}}", "5:13: found a choice without `choices`"),
        ("inputs: {a: {type: text, choices: [b]}}", "5:26: found `choices` of the type text, expected the type choice"),
        ("inputs: {a: {type: choice, choices: [north, south], default: nort}}", "5:62: found 'nort', expected one of north, south; did you mean 'north'?"),
        ("inputs: {A: {type: text}}", "5:13: found 'A', expected a name of a-z, 0-9 and _"),
        ("rules: [one-region-servin]", "5:9: found 'one-region-servin', expected 'one-region-serving', 'no-chaos-running' or 'no-load-running'; did you mean 'one-region-serving'?"),
        ("objectives: {rto: 0s}", "5:19: found no time at all"),
        ("objectives: {rpo: 1s}", "5:13: found no such key, expected the key 'rto'"),
        ("rehearse_every: 30", "5:17: found 30, expected a duration like 90s"),
        ("rehearse_every: 0d", "5:17: found no time at all"),
        ("ready: [{}]", "5:9: found no condition, expected exactly one of pg.lag, probe, slo.hold, serving, access"),
        ("ready: [{serving: [a], access: all-steps}]", "5:9: found the conditions serving and access"),
        ("ready: [{access: most-steps}]", "5:18: found 'most-steps', expected 'all-steps'"),
        ("done_when: {within: 5s}", "5:12: found no condition, expected at least one of pg.lag, probe, slo.hold, serving"),
        ("done_when: {serving: [$x]}", "5:23: found the unknown input $x, expected no input: this runbook has none"),
        ("lokc: x", "5:1: found the unknown key 'lokc', expected one of done_when, inputs, lock, "),
    ],
)  # fmt: skip
def test_a_head_that_cannot_mean_what_it_says_is_named(tmp_path: Path, head: str, said: str) -> None:
    plain = "runbook: one\ntitle: x\nowner: y\nlock: z\n"
    said_of(complaints(tmp_path, f"{plain}{head}\nsteps: [{{id: a, human: x}}]\n"), said)


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    found = of(
        tmp_path, "  - {id: a, human: $x}\n  - {id: a, human: $y}\n  - {id: b, pg.fence: {region: $z}}\n"
    )
    assert [one.split(": ")[0] for one in found] == ["7:20", "8:10", "8:20", "9:32"]


def test_what_follows_broken_yaml_is_still_checked(tmp_path: Path) -> None:
    found = of(tmp_path, "  - {id: a, human: x, human: y}\n  - {id: b, edge.drain: {region: $to, wait: 5}}\n")
    assert [one.split(": ")[0] for one in found] == ["7:23", "8:45"]


def test_a_runbook_whose_first_key_is_misspelt_is_not_left_out(tmp_path: Path) -> None:
    said_of(
        complaints(tmp_path, HEAD.replace("runbook:", "runbok:") + "steps: [{id: a, human: x}]\n"),
        "1:1: found the unknown key 'runbok'",
    )


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(HEAD + "steps: [{id: a, human: x}]\n")
    problems = examine(sorted(tmp_path.glob("*.yaml")))[1]
    assert [one.found for one in problems] == ["the runbook 'one' again"]
    assert problems[0].file.name == "b.yaml"


def test_files_of_other_specs_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "journey.yaml").write_text("journey: x\nsteps: []\n")
    assert load_folder(tmp_path) == ()


def test_a_region_that_no_environment_has_is_named_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "keelwatch.yaml").write_text(
        "keelwatch: 1\nenvironments: {shop: {prometheus: {url: 'http://p'}, regions: [north, south]}}\n"
    )
    workspace = load_workspace(tmp_path / "keelwatch.yaml")
    text = HEAD.replace("from: {type: region}", "from: {type: region, default: west}") + (
        "ready: [{serving: [nort]}]\nsteps:\n"
        "  - {id: a, edge.weight: {weights: {suoth: 1, north: 0, $to: 3}}}\n"
    )
    one = written(tmp_path, text)
    found = [flaw.problem(one.document) for flaw in unknown_regions(one.runbook.spec, workspace)]
    assert sorted((p.line, p.column, p.found, p.did_you_mean) for p in found) == [
        (5, 40, "the region 'west'", ""),
        (6, 20, "the region 'nort'", "north"),
        (8, 37, "the region 'suoth'", "south"),
    ]
    assert list(unknown_regions(one.runbook.spec, None)) == []


def test_the_regions_of_the_library_are_those_of_its_workspace() -> None:
    workspace = load_workspace(LIBRARY.parents[1] / "keelwatch" / "sandbox" / "keelwatch.yaml")
    assert workspace.folders["runbooks"] == LIBRARY
    assert [flaw for one in library().values() for flaw in unknown_regions(one.spec, workspace)] == []


def test_no_document_is_no_runbook() -> None:
    assert examine([]) == ([], [])
