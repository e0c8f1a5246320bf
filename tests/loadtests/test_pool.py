"""An account logs in once per one-time code."""

from __future__ import annotations

from pathlib import Path

from keelwatch.workspace.entrance import Account
from loadtests.pool import Pool
from probes.one_time_code import STEP_S


def accounts(*names: str, totp: str | None = "env:CODE") -> list[Account]:
    return [Account(name, "west", "", "env:WORD", totp, Path()) for name in names]


def test_an_account_is_lent_to_one_customer_at_a_time() -> None:
    pool = Pool(accounts("ada", "bob"), clock=lambda: 1000.0)
    first, second = pool.lend(), pool.lend()
    assert first is not None
    assert second is not None
    assert {first.name, second.name} == {"ada", "bob"}
    assert pool.lend() is None


def test_one_that_is_back_waits_for_its_next_code() -> None:
    now = [STEP_S * 10.0]
    pool = Pool(accounts("ada"), clock=lambda: now[0])
    ada = pool.lend()
    assert ada is not None
    pool.give_back(ada)
    now[0] += STEP_S - 1
    assert pool.lend() is None
    now[0] += 1
    assert pool.lend() is ada


def test_one_without_codes_is_free_at_once() -> None:
    pool = Pool(accounts("ada", totp=None), clock=lambda: 1000.0)
    ada = pool.lend()
    assert ada is not None
    pool.give_back(ada)
    assert pool.lend() is ada


def test_a_code_that_was_used_before_this_load_is_not_used_again() -> None:
    pool = Pool(accounts("ada", "bob"), {"ada": 10, "bob": 9}.__getitem__, lambda: STEP_S * 10.0)
    bob = pool.lend()
    assert bob is not None
    assert bob.name == "bob"
    assert pool.lend() is None
