"""Each defect switch, on and off: with it the portal does wrong in exactly that way."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from keelwatch.adapters import sandbox as control
from tests.sandbox.running import RunningSandbox
from tests.sandbox.signing_in import entering, refreshed, signed_in, status_with
from tests.sandbox.waiting import until


def switch_on(sandbox: RunningSandbox, defect: str, region: str = "all") -> None:
    fault = control.set_fault(defect, "on", region=region, for_s=60, name=sandbox.name)
    assert fault in control.faults(sandbox.name)


def switch_off(sandbox: RunningSandbox, defect: str) -> None:
    assert control.clear_faults(defect, name=sandbox.name)


def refusals(client: httpx.Client) -> list[tuple[int, bytes]]:
    """What an existing and a missing account get, at the login and at recovery."""
    asked = [
        client.post("/v1/login", json={"account": account, "password": "wrong"})
        for account in ("c09950", "c99950")
    ]
    asked += [client.post("/v2/recovery", json={"account": account}) for account in ("c09950", "c99950")]
    return [(answer.status_code, answer.content) for answer in asked]


def test_enumeration_tells_who_exists(sandbox: RunningSandbox) -> None:
    with entering(sandbox, "west-edge") as client:
        switch_on(sandbox, "identity.enumeration")
        known, unknown, recovered, nobody = refusals(client)
        assert (known[0], unknown[0]) == (401, 401)
        assert known[1] != unknown[1]
        assert (recovered[0], nobody[0]) == (202, 404)
        switch_off(sandbox, "identity.enumeration")
        known, unknown, recovered, nobody = refusals(client)
        assert (known, recovered) == (unknown, nobody)


def test_a_defect_of_one_region_stays_there(sandbox: RunningSandbox) -> None:
    with entering(sandbox, "west-edge") as west, entering(sandbox, "east-edge") as east:
        switch_on(sandbox, "identity.enumeration", "east")
        assert refusals(east)[3][0] == 404
        assert refusals(west)[3][0] == 202


@pytest.mark.parametrize("how", ["logout", "revoke", "v1"])
def test_without_revocation_tokens_outlive_the_logout(sandbox: RunningSandbox, how: str) -> None:
    with signed_in(sandbox, "west-edge") as (client, tokens):
        switch_on(sandbox, "identity.no-revocation")
        for expected in (200, 401):
            match how:
                case "logout":
                    assert client.post("/oauth/logout").status_code == 200
                case "revoke":
                    form = {"token": tokens["refresh_token"]}
                    assert client.post("/oauth/revoke", data=form).status_code == 200
                case _:
                    assert client.post("/v1/logout").status_code == 200
            assert status_with(client, tokens["access_token"]) == expected
            if expected == 200:
                switch_off(sandbox, "identity.no-revocation")
        assert refreshed(client, tokens["refresh_token"]).status_code == 400


def changes(client: httpx.Client, key: str) -> int:
    query = {"action": "plan.changed", "key": key}
    return len(client.get("/v2/audit", params=query).json()["entries"])


def change(client: httpx.Client, key: str, plan: str = "max") -> httpx.Response:
    return client.put("/v2/plan", json={"plan": plan}, headers={"idempotency-key": key})


def test_double_effect_shows_in_the_trail_only(sandbox: RunningSandbox) -> None:
    """The answers are those of a sound portal: whoever trusts them sees nothing."""
    with sandbox.customer("c09951", "west-edge") as client:
        switch_on(sandbox, "billing.double-effect")
        key = uuid.uuid4().hex
        first, second = change(client, key), change(client, key)
        assert second.json() == first.json()
        assert second.headers["idempotency-replayed"] == "true"
        assert changes(client, key) == 2
        assert change(client, key, "basic").status_code == 422
        switch_off(sandbox, "billing.double-effect")
        change(client, key)
        assert changes(client, key) == 2


def test_double_effect_strikes_those_at_once_too(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09952", "west-edge") as client:
        for defective in (True, False):
            if defective:
                switch_on(sandbox, "billing.double-effect")
            key = uuid.uuid4().hex
            with ThreadPoolExecutor(6) as pool:
                found = list(pool.map(lambda _, key=key: change(client, key).status_code, range(6)))
            assert found == [200] * 6
            assert (changes(client, key) > 1) == defective
            if defective:
                switch_off(sandbox, "billing.double-effect")


def test_a_missing_audit_entry_stays_missing(sandbox: RunningSandbox) -> None:
    with sandbox.customer("c09953", "west-edge") as client:
        switch_on(sandbox, "accounts.audit-missing")
        key, later = uuid.uuid4().hex, uuid.uuid4().hex
        assert change(client, key).status_code == 200
        assert client.get("/v2/plan").json()["plan"] == "max"
        switch_off(sandbox, "accounts.audit-missing")
        change(client, later, "basic").raise_for_status()
        until(lambda: changes(client, later) == 1, 3)
        assert changes(client, key) == 0


def test_a_defect_ends_by_itself(sandbox: RunningSandbox) -> None:
    with entering(sandbox, "west-edge") as client:
        control.set_fault("identity.enumeration", "on", for_s=1, name=sandbox.name)
        began = time.monotonic()
        until(lambda: refusals(client)[3][0] == 202, 5)
        assert time.monotonic() - began < 3
