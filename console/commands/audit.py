"""`keelwatch audit`: is the ledger what was written?"""

from __future__ import annotations

import sys
from contextlib import closing

import click

from console.options import as_json, global_workspace
from console.output import emit_json
from console.roles import require_operator_here
from keelwatch.workspace import ExitCode, SystemClock, narrate, utc, write_out


@click.command()
@click.option("--anchor", "known", help="SEQ:HASH kept elsewhere; shows a cut tail too.")
@as_json
def verify(known: str | None, *, json_wanted: bool) -> None:
    """Find any changed, removed or reordered fact.

    Exit code 1 names the first fact that is not as it was written. Without --anchor a cut tail cannot
    be seen.
    """
    from keelwatch import ledger

    anchor = ledger.Anchor.parse(known) if known else None
    with closing(ledger.open_ledger(access=ledger.Access.READ)) as store:
        report = ledger.verify(store, anchor)
    flaw = report.flaw
    if json_wanted:
        found = {"seq": flaw.seq, "why": flaw.why} if flaw else None
        body = {
            "facts": report.count,
            "head": str(report.head),
            "anchored": anchor is not None,
            "flaw": found,
        }
        emit_json("audit-verify", None, SystemClock().now(), body)
    elif flaw:
        write_out(f"BROKEN at fact {flaw.seq}: {flaw.why}")
    else:
        write_out(f"{report.count} facts verified; head {report.head}")
        if anchor is None:
            narrate("a cut tail shows only against an anchor kept elsewhere: keelwatch audit anchor")
    sys.exit(ExitCode.FAIL if flaw else ExitCode.PASS)


@click.command()
@as_json
def anchor(*, json_wanted: bool) -> None:
    """Print the head of the ledger, to keep elsewhere.

    Keep it where the owner of this machine cannot write: a ticket, a chat, another host.
    """
    from keelwatch import ledger

    with closing(ledger.open_ledger(access=ledger.Access.READ)) as store:
        head = ledger.anchor(store)
    if json_wanted:
        body = {"anchor": str(head), "seq": head.seq, "hash": head.hash}
        emit_json("audit-anchor", None, SystemClock().now(), body)
    else:
        write_out(str(head))


@click.command()
@click.argument("seq", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why; it stays in the ledger for good.")
@as_json
@click.pass_context
def redact(context: click.Context, seq: int, reason: str, *, json_wanted: bool) -> None:
    """Drop the payload of one fact; the chain holds.

    The fact's hash stays, and a new fact says who dropped it, when and why.
    """
    from keelwatch import ledger

    require_operator_here(global_workspace(context), None, "redacting")
    with closing(ledger.open_ledger()) as store:
        fact = store.redact(seq, reason, actor=ledger.current_actor())
    if not fact.body["salted"]:
        narrate(f"fact {seq} is older than salts: a short value of it may still be guessed from its hash")
    if json_wanted:
        body = {name: fact.body[name] for name in ("seq", "reason", "salted")}
        body |= {"actor": fact.actor, "recorded_as": fact.seq}
        emit_json("audit-redact", None, fact.at, body)
    else:
        write_out(f"fact {seq} redacted at {utc(fact.at)} by {fact.actor}; recorded as fact {fact.seq}")
