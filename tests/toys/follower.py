"""A follower as the console will wire it: `python -m tests.toys.follower RUN [--may-ask]`."""

from __future__ import annotations

import sys

from keelwatch.ledger import Fact, open_ledger
from keelwatch.runs import Glance, attend
from keelwatch.workspace import write_out


def show(glance: Glance) -> None:
    for item in glance.items:
        write_out(f"{item.kind} {item.event}" if isinstance(item, Fact) else str(item.record))
    sys.stdout.flush()


def main(run: str, *flags: str) -> int:
    end, code = attend(open_ledger(), run, show, may_ask="--may-ask" in flags)
    write_out(f"end: {end}")
    return code


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
