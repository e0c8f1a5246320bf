"""The portal's switches, and everybody out: what customers meet."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import httpx
import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.sandbox import flags
from keelwatch.sandbox.service.switches import Switches
from keelwatch.workspace import UsageError
from tests.sandbox.running import RunningSandbox
from tests.sandbox.signing_in import address, entering, refreshed, signed_in, status_with

NAME = "tests"
BOTH_ON = {"west": True, "east": True}


def change(client: httpx.Client) -> httpx.Response:
    return client.post("/v1/plan", json={"plan": "plus"}, headers={"idempotency-key": uuid.uuid4().hex})


def register(client: httpx.Client) -> httpx.Response:
    document = {"email": address(), "password": "long-enough", "name": "Somebody New"}
    return client.post("/v2/registrations", json=document)


@pytest.mark.parametrize(
    ("flag", "values", "words"),
    [
        ("new-look", {"west": True}, "there is no flag 'new-look'"),
        ("maintenance", {"north": True}, "in 'north'"),
        ("maintenance", {"west": 1}, "cannot be 1"),
        ("maintenance", {}, "maps regions to true or false"),
        ("maintenance", None, "maps regions to true or false"),
    ],
)
def test_what_is_no_switch_is_refused(flag: str, values: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        flags.changed(flags.usual(), flag, values)


def test_a_switch_changes_its_region_alone_and_survives_the_file(tmp_path: Path) -> None:
    found = flags.changed(flags.usual(), "maintenance", {"east": True})
    assert flags.from_json(flags.to_json(found)) == found
    file = tmp_path / "flags.json"
    switches = Switches(file)
    assert not switches.is_on("maintenance", "east")
    file.write_text(flags.to_json(found))
    assert switches.is_on("maintenance", "east")
    assert not switches.is_on("maintenance", "west")
    assert switches.is_on("self-registration", "west")


def test_under_maintenance_pages_and_changes_say_when_to_come_back_and_reads_go_on(
    sandbox: RunningSandbox,
) -> None:
    with sandbox.customer(edge="west-edge") as west, sandbox.customer(edge="east-edge") as east:
        control.set_flag("maintenance", {"west": True}, name=NAME)
        for _ in range(4):  # the edge takes the workers in turn
            refused = change(west)
            assert (refused.status_code, refused.json()) == (503, {"error": "maintenance"})
            assert refused.headers["retry-after"] == "60"
        page = west.get("/overview")
        assert (page.status_code, "We are working on it" in page.text) == (503, True)
        assert west.get("/v1/invoices").status_code == 200
        assert west.post("/v1/login", json={"account": "c09905", "password": "pw-c09905"}).status_code == 200
        assert change(east).status_code == 200
        control.set_flag("maintenance", {"west": False}, name=NAME)
        assert change(west).status_code == 200


def test_nobody_registers_where_it_is_off(sandbox: RunningSandbox) -> None:
    control.set_flag("self-registration", {"west": False, "east": False}, name=NAME)
    with entering(sandbox) as client:
        answer = register(client)
        assert (answer.status_code, answer.json()) == (403, {"error": "registration-closed"})
        control.set_flag("self-registration", BOTH_ON, name=NAME)
        assert register(client).status_code == 202


def test_the_status_tells_the_switches(sandbox: RunningSandbox) -> None:
    told = control.set_flag("maintenance", {"east": True}, name=NAME)
    assert told == {"west": False, "east": True}
    assert control.status(NAME).flags == {"maintenance": told, "self-registration": BOTH_ON}
    with pytest.raises(UsageError, match="there is no flag"):
        control.set_flag("new-look", {"west": True}, name=NAME)


def test_accounts_named_are_logged_out_in_both_regions_and_others_stay(sandbox: RunningSandbox) -> None:
    control.revoke_sessions(["c09906"], name=NAME)  # what others left
    with (
        sandbox.customer("c09906", "west-edge") as west,
        sandbox.customer("c09906", "east-edge") as east,
        sandbox.customer("c09907", "west-edge") as other,
    ):
        assert control.sessions_left(["c09906"], name=NAME).tokens["west"] == 2
        assert control.revoke_sessions(["c09906", "nobody-at-all"], name=NAME) == 2
        assert west.get("/v2/session").status_code == east.get("/v2/session").status_code == 401
        assert other.get("/v2/session").status_code == 200
        assert control.sessions_left(["c09906"], name=NAME).tokens == {"west": 0, "east": 0}


def test_no_token_of_a_login_by_openid_connect_outlives_it(sandbox: RunningSandbox) -> None:
    """Not the access token, not the one it was renewed to, and nothing can be renewed."""
    with signed_in(sandbox, "east-edge") as (client, first):
        account = client.get("/v2/session").json()["account"]
        second = refreshed(client, first["refresh_token"]).json()
        control.revoke_sessions([account], name=NAME)
        for token in (first["access_token"], second["access_token"]):
            assert status_with(client, token) == 401
        assert refreshed(client, second["refresh_token"]).status_code == 400


def test_who_came_after_the_moment_stays(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09908", "west-edge") as client:
        ends_in_s = client.get("/v1/session").json()["expires_in_s"]
        assert ends_in_s > 0
        began = _began(sandbox, "c09908")
        assert control.sessions_left(["c09908"], min(began) - 1, name=NAME).tokens["west"] == 0
        assert control.revoke_sessions(["c09908"], min(began) - 1, name=NAME) == 0
        assert client.get("/v1/session").status_code == 200
        assert control.revoke_sessions(["c09908"], max(began), name=NAME) == len(began)
        assert client.get("/v1/session").status_code == 401


def test_everybody_out_and_whoever_comes_again_is_in(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09909", "west-edge") as client, sandbox.customer("c09910", "east-edge") as other:
        assert control.revoke_sessions(None, name=NAME) > 2  # the background's as well
        assert client.get("/v2/session").status_code == other.get("/v2/session").status_code == 401
    with sandbox.customer("c09909", "west-edge") as client:
        assert client.get("/v2/session").status_code == 200


def test_without_a_cache_nobody_is_logged_out_and_it_is_said_who_is_down(sandbox: RunningSandbox) -> None:
    control.set_fault("cache.down", "on", region="east", for_s=60, name=NAME)
    left = control.sessions_left(["c09911"], name=NAME)
    assert (left.tokens["east"], left.down) == (None, ("east",))
    assert left.tokens["west"] == 0


def _began(sandbox: RunningSandbox, account: str) -> list[float]:
    """When the sessions of `account` began, as the portal's Redis has it: a customer of the background may
    have been it too."""
    import redis

    from keelwatch.sandbox.layout import load
    from keelwatch.sandbox.portal.sessions import SESSION_SECONDS

    layout = load(sandbox.folder)
    with redis.Redis(port=layout.port("redis", "west"), password=layout.passwords.redis) as server:
        found = [server.get(key) for key in server.zrange(f"sessions:{account}", 0, -1)]
    assert found
    return [float(json.loads(one)["ends_at"] - SESSION_SECONDS) for one in found]
