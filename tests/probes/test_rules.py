"""What one key of a journey demands of another: each wrong one is named, where it stands."""

# ruff: noqa: E501 - the tables have a line for each case, and a problem is one line

from __future__ import annotations

from pathlib import Path

import pytest

from tests.probes.made import HEAD, complaints, written

AS = "as: {pool: synthetic}\n"
LOGIN = "  - login: {flow: oidc}\n"
UNDO = "{put: /plan, body: {p: $old}, verify: {get: /plan, expect: {json: {p: $old}}}}"
READ = "  - {get: /plan, capture: {old: {json: p}}}\n"


def of(folder: Path, steps: str, head: str = HEAD + AS) -> list[str]:
    """What is said of a journey with these steps; its first one stands in line 6."""
    return complaints(folder, f"{head}steps:\n{steps}")


def test_a_journey_that_is_right_has_no_problem(tmp_path: Path) -> None:
    assert of(tmp_path, LOGIN + READ + f"  - {{put: /plan, body: {{p: x}}, undo: {UNDO}}}\n") == []


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{name: x}", "6:5: found no action, expected exactly one of get, "),
        ("{get: /x, post: /y}", "6:5: found the actions get and post, expected exactly one of"),
        ("{poll: /x}", "6:5: found a poll without `until`"),
        (
            "{get: /x, until: {status: 200}}",
            "6:15: found `until` beside `get`, where it means nothing, expected `until` beside poll",
        ),
        (
            "{poll: /x, until: {}, expect: {}}",
            "6:27: found `expect` beside `poll`, where it means nothing, expected `until`",
        ),
        ("{poll: /x, until: {agree: [a]}}", "6:24: found `agree` with one answer"),
        (
            "{get: /x, record: lag}",
            "6:15: found `record` beside `get`, where it means nothing, expected `record` beside poll, mail",
        ),
        ("{mail: {}, headers: {a: b}}", "6:16: found `headers` beside `mail`"),
        ("{mail: {}, undo: {none: x}}", "6:16: found `undo` beside `mail`"),
        ("{login: {flow: oidc}, capture: {a: {json: b}}}", "6:27: found `capture` beside `login`"),
        ("{put: /x, body: 1, form: {a: b}}", "6:24: found a form beside a body"),
        ("{get: /x, capture: {a: {}}}", "6:28: found no source, expected exactly one of json, header"),
        ("{get: /x, capture: {a: {json: b, header: c}}}", "6:28: found the sources json and header"),
        ("{get: /x, capture: {a: {link: b}}}", "6:29: found `link` of an answer"),
        (
            "{mail: {}, capture: {a: {json: b}}}",
            "6:30: found `json` of a mail, expected one of regex, link, code",
        ),
        ("{get: '/x?$w', at_once: 2, alike: {vary: w}}", "6:20: found `at_once` beside `alike`"),
        ("{get: '/x?$w', alike: {vary: w}, capture: {a: {json: b}}}", "6:38: found a capture beside `alike`"),
        ("{get: /x, alike: {vary: w}}", "6:22: found a request that does not read $w"),
        ("{get: /x, alike: {vary: w, pairs: 3}}", "6:39: found 3, expected greater than or equal to 5"),
        ("{mail: {}, alike: {vary: w}}", "6:16: found `alike` beside `mail`"),
        ("{get: /x, expect: {agree: [a]}}", "6:24: found `agree` with one answer, expected `at_once: 2`"),
        (
            "{get: /x, within: 31s}",
            "6:23: found 31s, longer than the journey may take, expected at most the deadline, 30s",
        ),
        ("{get: /x, within: 0s}", "6:23: found no time at all"),
        (
            "{login: {flow: form, totp: true}}",
            "6:26: found `totp` with the flow form, expected the flow json",
        ),
        ("{login: {flow: refresh}}", "6:20: found a refresh without a refresh token"),
        ("{login: {flow: logout}}", "6:20: found a logout without a session"),
        ("{get: /x, expect: {status: 99}}", "6:32: found 99, expected a status of 100 to 599"),
        ("{get: /x, expect: {status: []}}", "6:32: found no status at all"),
        ("{get: /x, expect: {status: '200'}}", "6:32: found '200', expected a status like 200, or a list"),
        ("{get: /x, expect: {status: [200, '201']}}", "6:32: found a list, expected a status like 200"),
        ("{get: /x, expect: {json: {'a[': 1}}}", "6:31: found a JMESPath that does not parse"),
        (
            "{get: /x, expect: {json: {'lenght(a)': 1}}}",
            "6:31: found the function lenght(), expected a function of JMESPath; did you mean 'length'?",
        ),
        ("{get: /x, capture: {a: {json: '[['}}}", "6:35: found a JMESPath that does not parse"),
        ("{get: /x, expect: {regex: '('}}", "6:31: found an expression that does not compile"),
        ("{get: /x, expect: {json: {a: {regex: '['}}}}", "6:42: found an expression that does not compile"),
        ("{mail: {subject: '*'}}", "6:22: found an expression that does not compile"),
        ("{get: /x, expect: {json: {a: {one_of: 3}}}}", "6:43: found no list of values"),
        ("{get: /x, expect: {json: {a: {at_least: x}}}}", "6:45: found 'x', expected a number"),
        (
            "{get: /x, expect: {json: {a: {at_laest: 1}}}}",
            "6:35: found the key 'at_laest' in what is no matcher, expected a matcher of is, not",
        ),
        (
            "{get: /x, expect: {json: {a: {regex: x, b: 1}}}}",
            "6:35: found the key 'regex' in what is no matcher",
        ),
        (
            "{get: /x, expect: {json: {a: presnt}}}",
            "6:34: found 'presnt', expected present, absent, or `is: presnt`",
        ),
        (
            "{get: /x, expect: {schema: {type: objekt}}}",
            "6:32: found a JSON Schema that is none: $.type: 'objekt' is not valid",
        ),
        (
            "{get: /x, expect: {schema: {unevaluatedProperties: false, patternProperties: {a: {}}}}}",
            "6:32: found unevaluatedProperties beside patternProperties",
        ),
        ("{get: /x, expect: {schema: {$ref: 'http://x/y'}}}", "6:32: found the reference 'http://x/y'"),
        ("{get: /x, expect: {schema: {$ref: '#/$defs/a'}}}", "6:32: found the reference '#/$defs/a'"),
        (
            "{get: /x, expect: {phases: {wait: 150ms}}}",
            "6:39: found '150ms', expected a limit like <150ms or <2s",
        ),
        ("{get: x}", "6:11: found 'x', expected a path that begins with /, or a URL of the environment"),
    ],
)
def test_a_step_that_cannot_mean_what_it_says_is_named(tmp_path: Path, step: str, said: str) -> None:
    assert any(one.startswith(said) for one in of(tmp_path, f"  - {step}\n")), of(tmp_path, f"  - {step}\n")


@pytest.mark.parametrize(
    ("undo", "said"),
    [
        ("{put: /x}", "6:24: found an undo without proof, expected `verify`"),
        (
            "{verify: {get: /x}}",
            "6:24: found no request, expected exactly one of post, put, patch, delete, none",
        ),
        ("{put: /x, delete: /x, verify: {get: /x}}", "6:24: found the requests put and delete"),
        ("{put: /x, verify: {}}", "6:42: found no question, expected exactly one of get, post"),
        ("{put: /x, verify: {get: /x, post: /x}}", "6:42: found both get and post"),
        ("{put: /x, verify: {get: /x, expect: {agree: [a]}}}", "6:61: found `agree` with one answer"),
        ("{put: /x, body: 1, form: {a: b}, verify: {get: /x}}", "6:43: found a form beside a body"),
        ("{none: ' '}", "6:31: found no reason"),
        ("{none: x, put: /x}", "6:34: found `put` beside `none`"),
        (
            "{put: /x, login: {account: a}, verify: {get: /x}}",
            "6:34: found a login, expected a login step in the journey",
        ),
    ],
)
def test_an_undo_is_one_request_with_its_proof_or_a_reason(tmp_path: Path, undo: str, said: str) -> None:
    found = of(tmp_path, f"  - {{delete: /x, undo: {undo}}}\n")

    assert any(one.startswith(said) for one in found), found


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("deadline: 0s\n", "4:11: found no time at all, expected a deadline above 0s"),
        ("schedule: {every: 0s}\n", "4:19: found no time at all"),
        ("schedule: {every: 5s, jitter: 5s}\n", "4:31: found a jitter as long as `every`, or longer"),
        ("regions: []\n", "4:10: found no region at all"),
        ("regions: [west, west]\n", "4:17: found the region 'west' a second time"),
    ],
)
def test_times_and_regions_of_a_journey_make_sense(tmp_path: Path, head: str, said: str) -> None:
    assert [one[: len(said)] for one in of(tmp_path, "  - {get: /x}\n", HEAD + head)] == [said]


def test_undos_need_time_of_their_own(tmp_path: Path) -> None:
    step = "  - {put: /x, undo: {put: /x, verify: {get: /x}}}\n"

    assert of(tmp_path, step, HEAD + "cleanup_reserve: 0s\n") == [
        "4:18: found no time for the undos, expected a time above 0s"
    ]
    assert of(tmp_path, "  - {put: /x, undo: {none: it is meant}}\n", HEAD + "cleanup_reserve: 0s\n") == []


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            READ + "  - {get: /x/$odl}\n",
            "7:11: found the unknown name $odl, expected a capture of an earlier step, or a built-in name; did you mean '$old'?",
        ),
        (
            "  - {get: /x/$old}\n" + READ,
            "6:11: found the unknown name $old, expected a name known before this step; step 2 captures it",
        ),
        (
            "  - {get: /x/$a, capture: {a: {json: a}}}\n",
            "6:11: found the unknown name $a, expected a name known before this step, which captures it itself",
        ),
        ("  - {put: /x, body: {k: [1, $a]}}\n", "6:29: found the unknown name $a"),
        ("  - {put: /x, body: {$a: 1}}\n", "6:22: found the unknown name $a"),
        ("  - {get: /x, expect: {json: {\"items[?id=='$a']\": 1}}}\n", "6:31: found the unknown name $a"),
        ("  - {get: /x, expect: {regex: 'a$b'}}\n", "6:31: found the unknown name $b"),
        (
            "  - {get: /x, headers: {A: cost 5$}}\n",
            "6:28: found a `$` that begins no name, expected `$$` for a dollar sign",
        ),
        (
            "  - {get: /x/$secret.api}\n",
            "6:11: found the unknown name $secret.api, expected `api` under `secrets`",
        ),
        (
            "  - {get: /x/$session.access}\n",
            "6:11: found the unknown name $session.access, expected a session that has it",
        ),
        (
            LOGIN + "  - {get: /x/$session.old_access}\n",
            "7:11: found the unknown name $session.old_access, expected a login, and after it",
        ),
        (
            "  - login: {flow: json}\n  - {get: /x/$session.refresh}\n",
            "7:11: found the unknown name $session.refresh",
        ),
        ("  - {get: /x/$w, alike: {vary: w}}\n  - {get: /x/$w}\n", "7:11: found the unknown name $w"),
        ("  - {get: /x, capture: {region: {json: a}}}\n", "6:25: found the name region, which is built in"),
        ("  - {get: /x/$old, alike: {vary: old}}\n", ""),
        (
            READ + "  - {get: /x/$old, alike: {vary: old}}\n",
            "7:34: found the name old, which is known already",
        ),
        (
            "  - {get: /x, capture: {a: {header: x-$region}}}\n",
            "6:37: found a name, expected a text: captures read no names",
        ),
    ],
)
def test_a_name_is_known_where_it_is_read(tmp_path: Path, steps: str, said: str) -> None:
    found = of(tmp_path, steps)

    assert any(one.startswith(said) for one in found) if said else not found, found


def test_a_dollar_in_an_expression_is_an_anchor(tmp_path: Path) -> None:
    assert of(tmp_path, "  - {get: /x, expect: {regex: '^ok$', json: {a: {regex: 'b$'}}}}\n") == []


def test_there_is_no_account_without_a_pool(tmp_path: Path) -> None:
    found = of(tmp_path, LOGIN + "  - mail: {}\n", HEAD)

    assert [one.partition(", expected ")[0] for one in found] == [
        "5:12: found the unknown name $account.name",
        "5:12: found the unknown name $account.password",
        "6:11: found the unknown name $account.mailbox",
    ]


def test_the_session_has_names_after_a_login_and_old_ones_after_the_next(tmp_path: Path) -> None:
    steps = (
        LOGIN + "  - {get: /$session.access/$session.refresh/$session.id_token}\n"
        "  - login: {flow: refresh}\n  - {get: /$session.old_access/$session.access}\n"
        "  - login: {flow: logout}\n  - {get: /$session.old_refresh}\n"
    )

    assert of(tmp_path, steps) == []
    (found,) = of(tmp_path, steps + "  - {get: /$session.access}\n")
    assert found.startswith("12:11: found the unknown name $session.access")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (f"  - {{put: /plan, capture: {{old: {{json: p}}}}, undo: {UNDO}}}\n", "which captures it itself"),
        (
            f"  - {{get: /plan, capture: {{old: {{json: p, secret: true}}}}}}\n  - {{put: /plan, undo: {UNDO}}}\n",
            "$old, a secret capture, which is never written down",
        ),
        (
            "  - {put: /x, undo: {delete: /x, headers: {a: $session.access}, auth: none, verify: {get: /x}}}\n",
            "$session.access, which an undo by another process does not have",
        ),
        (
            "  - {put: /x, undo: {delete: /x, verify: {get: /x, expect: {json: {a: $account.password}}}}}\n",
            "the secret $account.password in what a proof expects",
        ),
        ("  - {get: /x, capture: {w: {json: a}}}\n  - login: {flow: json, account: $w}\n", ""),
    ],
)
def test_an_undo_reads_only_what_another_process_may_know(tmp_path: Path, steps: str, said: str) -> None:
    found = of(tmp_path, LOGIN + steps)

    assert any(said in one for one in found) if said else found == [], found


def test_an_undo_gets_in_as_the_journey_did_first_so_that_login_must_be_known(tmp_path: Path) -> None:
    change = "  - {put: /x, undo: {delete: /x, verify: {get: /x}}}\n"
    later = "  - {get: /x, capture: {who: {json: a}}}\n  - login: {flow: json, account: $who}\n"

    (found,) = of(tmp_path, change + later)
    assert found.startswith("6:15: found an undo whose login (step 3) reads $who, which it cannot")
    assert of(tmp_path, later + change) == []
    named = change.replace("verify", "login: {account: $random.account}, verify")
    assert of(tmp_path, named + later) == []


def test_a_schema_in_a_file_is_read_into_the_journey(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "x.json").write_text('{"type": "object"}')
    (tmp_path / "out").symlink_to("/etc/hostname")
    text = HEAD + "steps:\n  - {get: /x, expect: {schema: FILE}}\n"

    found = written(tmp_path, text.replace("FILE", "s/x.json")).journey.spec.steps[0].expect.schema_
    assert found == {"type": "object"}
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "wrong.json").write_text('{"type": 3}')
    for file, said in {
        "gone.json": "no readable file gone.json (No such file or directory)",
        "../x.json": "../x.json, which is outside the journey's folder",
        "out": "out, which is outside the journey's folder",
        "s": "s, which is no file",
        "list.json": "list.json, which holds no mapping",
        "bad.json": "bad.json, which is not JSON: Expecting property name",
        "wrong.json": "a JSON Schema that is none: $.type: 3 is not valid",
    }.items():
        (one,) = complaints(tmp_path, text.replace("FILE", file))
        assert one.startswith(f"5:32: found {said}"), one


def test_what_a_hook_may_give_no_undo_reads_unless_it_is_declared(tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text("def f(context): ...\n")
    hook = "  - hook: {uses: 'h.py:f'}\n"
    change = f"  - {{put: /x/$seen, undo: {UNDO.replace('$old', '$seen')}}}\n"

    assert of(tmp_path, hook + "  - {get: /x/$seen}\n") == []
    assert [one.partition(" $")[0] for one in of(tmp_path, hook + change)] == [
        "7:50: found the unknown name",
        "7:98: found the unknown name",
    ]
    declared = hook.replace("f'}", "f', gives: [seen]}")
    assert of(tmp_path, declared + change) == []
    assert len(of(tmp_path, declared + "  - {get: /x/$sen}\n")) == 1


def test_a_hook_is_a_function_of_a_file_in_the_folder_which_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text(
        "from math import floor\nraise SystemExit\nasync def check(context): ...\ndef _(): ...\n"
    )
    (tmp_path / "bad.py").write_text("def (:\n")
    (tmp_path / "link.py").symlink_to("/etc/hostname")
    text = HEAD + "steps:\n  - {hook: {uses: 'USES', gives: [a]}}\n  - {get: /x/$a}\n"

    for fine in ("hooks.py:check", "hooks.py:floor", "./hooks.py:_"):
        assert complaints(tmp_path, text.replace("USES", fine)) == []
    for uses, said in {
        "hooks.py:chek": "hooks.py, which has no function 'chek'",
        "gone.py:check": "no readable file gone.py",
        "bad.py:check": "bad.py, which is not Python",
        "../x.py:check": "../x.py, which is outside the journey's folder",
        "link.py:check": "link.py, which is outside the journey's folder",
    }.items():
        (one,) = complaints(tmp_path, text.replace("USES", uses))
        assert one.startswith(f"5:19: found {said}"), one
