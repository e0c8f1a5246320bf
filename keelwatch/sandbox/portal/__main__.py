"""`python -m keelwatch.sandbox.portal FOLDER WORKER`, started by the supervisor; WORKER is like `west-1`."""

from __future__ import annotations

import sys
from pathlib import Path

from keelwatch.sandbox.layout import load
from keelwatch.sandbox.portal.app import make_app
from keelwatch.sandbox.service.web import serve


def main(folder: str, worker: str) -> None:
    layout = load(Path(folder))
    serve(make_app(layout, worker), layout.ports[worker])


if __name__ == "__main__":
    main(*sys.argv[1:3])
