"""A runbook can be printed whatever is known, and the copy names every step."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelwatch.workspace import UsageError
from runbooks.by_hand import Sight
from runbooks.choose import given_values, with_defaults
from runbooks.load import Runbook
from runbooks.paper import WIDTH, Imprint, paper
from runbooks.render import markdown
from tests.runbooks.made import HEAD, estate, library, written

GOLDENS = Path(__file__).parent / "goldens"
IMPRINT = Imprint("runbooks/library/X.yaml", "0" * 64, "2026-11-25T03:14:07Z")
LIBRARY = library()
RUNBOOKS = st.sampled_from(sorted(LIBRARY.values(), key=lambda one: one.name))
SIGHTS = st.builds(
    Sight,
    environment=st.sampled_from(["", "shop"]),
    values=st.dictionaries(
        st.sampled_from(["from", "to", "region", "other", "report"]),
        st.one_of(st.sampled_from(["west", "east"]), st.text(max_size=300)),
    ),
    estate=st.sampled_from([None, estate()]),
    reason=st.text(max_size=100),
)


def compare(name: str, text: str) -> None:
    golden = GOLDENS / name
    if os.environ.get("KEELWATCH_REWRITE"):
        golden.write_text(text)
    assert text == golden.read_text()


def sight(runbook: Runbook, **values: str) -> Sight:
    return Sight("shop", with_defaults(runbook.spec, values), estate(), None, "")


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_a_page_of_the_wiki_is_as_agreed(name: str) -> None:
    compare(f"{name}.md", markdown(LIBRARY[name].spec, {}))


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_a_copy_on_paper_is_as_agreed(name: str) -> None:
    compare(f"{name}.txt", paper(LIBRARY[name].spec, sight(LIBRARY[name]), IMPRINT))


def test_the_way_back_swaps_the_hosts() -> None:
    runbook = LIBRARY["failover-region"]
    back = paper(runbook.spec, sight(runbook, **{"from": "east", "to": "west"}), IMPRINT)
    fence = next(line for line in back.splitlines() if "default_transaction_read_only = on" in line)
    assert "db.east.example" in fence


def test_without_a_sandbox_the_copy_says_what_could_not_be_resolved() -> None:
    runbook = LIBRARY["failover-region"]
    values = with_defaults(runbook.spec, {})
    told = paper(runbook.spec, Sight("sandbox", values, reason="the sandbox main is not running"), IMPRINT)
    compare("failover-region-unresolved.txt", told)


def test_an_environment_without_a_part_says_so() -> None:
    runbook = LIBRARY["promote-database"]
    bare = estate()
    object.__setattr__(bare, "database", None)
    told = paper(runbook.spec, Sight("shop", {"from": "west", "to": "east"}, bare), IMPRINT)
    assert "the database of east, the database of west: shop has no database" in told


@given(RUNBOOKS, SIGHTS)
def test_no_copy_ever_fails_and_each_names_every_step(runbook: Runbook, seen: Sight) -> None:
    for text in (paper(runbook.spec, seen, IMPRINT), markdown(runbook.spec, seen.values)):
        for index, step in enumerate(runbook.spec.steps):
            assert any(
                line.strip().startswith((f"{index + 1}. [ ] {step.id} ", f"### {index + 1}. {step.id}"))
                for line in text.split("\n")
            ), step.id


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_prose_keeps_to_the_width_and_every_command_is_whole(name: str) -> None:
    for line in paper(LIBRARY[name].spec, sight(LIBRARY[name]), IMPRINT).splitlines():
        if line.lstrip().startswith("$ "):
            assert shlex.split(line.lstrip()[2:])
        else:
            assert len(line) <= WIDTH or " " not in line.strip(), line


def test_no_password_is_printed() -> None:
    told = [paper(one.spec, sight(one), IMPRINT) for one in LIBRARY.values()]
    assert not [text for text in told if "hunter2" in text]


VERBS = """\
steps:
  - id: a
    http.call: {url: /v1/flags, region: $to, headers: {X-Why: it's time}, bearer: env:T, body: {on: $word}}
    undo: {http.call: {method: delete, url: 'https://x.example/y'}}
  - {id: b, sessions.revoke: {accounts: [$word]}, undo: none}
  - {id: c, flag.set: {flag: new-look, to: true, region: $to}}
  - {id: d, notify: {text: "it's $word", command: [mail, ops]}}
  - {id: e, notify: {text: x, webhook: env:HOOK}}
  - {id: f, shell: {command: [./fix, --region, $to]}}
  - {id: g, pg.unfence: {region: $to}, ungraceful: {skip: no need}}
  - {id: h, slo.hold: {region: $to, for: 90s, window: 1h}}
  - {id: i, pg.lag: {region: $from, max_bytes: 5}}
  - {id: j, edge.weight: {to: $to, away_from: $from}}
  - {id: k, sessions.revoke: {}}
  - {id: l, human: 'Do it', evidence: file}
ready: [{serving: [$to, $from]}, {pg.lag: {region: $to}}]
"""


def test_every_verb_has_its_words_and_its_commands(tmp_path: Path) -> None:
    spec = written(tmp_path, HEAD + VERBS).runbook.spec
    values = {"from": "west", "to": "east", "word": "a b"}
    compare("every-verb.txt", paper(spec, Sight("shop", values, estate(), None, "no portal"), IMPRINT))
    compare("every-verb.md", markdown(spec, values))


@pytest.mark.parametrize(
    ("name", "told", "message", "hint"),
    [
        ("failover-region", {"form": "west"}, "failover-region has no input 'form'", "did you mean 'from'?"),
        ("failover-region", {"from": "wets"}, "'wets' is no region for from", "did you mean 'west'?"),
        ("failover-region", {"from": "x"}, "'x' is no region for from", "there are: west, east"),
        ("failover-region", {"from": "east"}, "to and from are both 'east'", "give to another value"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(
    name: str, told: dict[str, str], message: str, hint: str
) -> None:
    spec = LIBRARY[name].spec
    with pytest.raises(UsageError) as refused:
        with_defaults(spec, given_values(spec, told, ["west", "east"]))
    assert (refused.value.message, refused.value.hint) == (message, hint)


def test_a_choice_is_one_of_its_choices(tmp_path: Path) -> None:
    text = "runbook: a\ntitle: b\nowner: c\nlock: d\ninputs: {how: {type: choice, choices: [soft, hard]}}\n"
    spec = written(tmp_path, text + "steps: [{id: a, human: $how}]\n").runbook.spec
    assert with_defaults(spec, given_values(spec, {"how": "soft"}, None)) == {"how": "soft"}
    assert with_defaults(spec, {}) == {}
    with pytest.raises(UsageError, match="'sotf' is no choice for how"):
        given_values(spec, {"how": "sotf"}, None)
