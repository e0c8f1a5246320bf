"""Made-up histories of journeys, where the real ones are kept: the evening on which invoices break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from probes.history import History
from probes.record import Cause, Check, Exchange, Execution, Hop, Result, StepRecord, StepState
from tests.console.worlds import NOW

EVERY_S = 60.0
PORTAL = "https://portal.example"


def hop(path: str, status: int, wait_ms: float, *, reused: bool = True, method: str = "GET") -> Hop:
    new = {} if reused else {"dns": 0.4, "connect": 1.1, "tls": 6.2}
    return Hop(
        method=method,
        url=f"{PORTAL}{path}",
        status=status,
        phases={**new, "send": 0.2, "wait": wait_ms, "receive": 0.3},
        reused=reused,
        address="192.0.2.10:443",
        http="HTTP/1.1",
        tls="TLSv1.3",
        tls_serial="0257",
    )


def log_in(took_ms: float) -> StepRecord:
    return StepRecord(
        0,
        "log in",
        "login",
        StepState.OK,
        0.4,
        took_ms,
        hops=(hop("/login", 200, took_ms - 9, reused=False),),
        captured={"session": "***"},
    )


def invoices(status: int, started_ms: float, took_ms: float) -> StepRecord:
    good = status == 200
    body = '{"items": [{"id": "inv-1", "amount": {"cents": 1990}}]}' if good else '{"error": "unavailable"}'
    return StepRecord(
        1,
        "list invoices",
        "get",
        StepState.OK if good else StepState.FAILED,
        started_ms,
        took_ms,
        hops=(hop("/v2/invoices?limit=5", status, took_ms - 1),),
        checks=(
            Check("status", good, "200", str(status)),
            Check("json length(items)", good, "at least 1", "1" if good else "nothing"),
        ),
        cause=None if good else Cause.HTTP,
        reason="" if good else "status: wanted 200, got 503",
        exchange=Exchange(
            f"GET {PORTAL}/v2/invoices?limit=5\nAuthorization: ***\nAccept: */*",
            f"HTTP/1.1 {status}\ndate: today\ncontent-type: application/json\n\n{body}",
            f"curl -sS -i '{PORTAL}/v2/invoices?limit=5' -H 'Accept: */*'",
        ),
    )


def log_out(started_ms: float) -> StepRecord:
    return StepRecord(
        2, "log out", "login", StepState.OK, started_ms, 4.0, hops=(hop("/logout", 204, 3.0, method="POST"),)
    )


def green(region: str, started: float, number: int, journey: str = "view-invoices") -> Execution:
    steps = (log_in(32.0 + number % 3), invoices(200, 34.0, 8.0), log_out(43.0))
    return _execution(journey, region, started, number, Result.PASS, steps)


def broken(region: str, started: float, number: int) -> Execution:
    skipped = StepRecord(2, "log out", "login", StepState.SKIPPED)
    steps = (log_in(33.0), invoices(503, 35.0, 1573.0), skipped)
    failed = _execution("view-invoices", region, started, number, Result.FAIL, steps)
    return replace(failed, reason="status: wanted 200, got 503", cause=Cause.HTTP, failed_step=1)


def _execution(
    journey: str, region: str, started: float, number: int, result: Result, steps: tuple[StepRecord, ...]
) -> Execution:
    return Execution(
        environment="sandbox",
        journey=journey,
        component="billing",
        region=region,
        run="20260921-141300-probe-a1b2",
        id=f"{number:012x}",
        account=f"synthetic-{region}-03",
        trace=f"{number:032x}",
        started=started,
        took_s=sum(step.took_ms for step in steps) / 1000,
        result=result,
        reason="",
        cause=None,
        failed_step=None,
        steps=steps,
    )


def keep(executions: Sequence[Execution]) -> None:
    history = History("sandbox")
    for one in executions:
        history.keep(one)


def bad_evening() -> None:
    """`view-invoices` has failed in the west for four minutes; `log-in` has not run for an hour there."""
    begun = NOW - 12 * EVERY_S
    west = [
        broken("west", begun + number * EVERY_S, 16 + number)
        if number >= 8
        else green("west", begun + number * EVERY_S, 16 + number)
        for number in range(12)
    ]
    east = [green("east", begun + number * EVERY_S, 64 + number) for number in range(12)]
    keep([*west, *east, green("west", NOW - 3700, 128, journey="log-in")])
