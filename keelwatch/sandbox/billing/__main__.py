"""`python -m keelwatch.sandbox.billing FOLDER REGION`, started by the supervisor."""

from __future__ import annotations

import sys
from pathlib import Path

from keelwatch.sandbox.billing.app import make_app
from keelwatch.sandbox.layout import load
from keelwatch.sandbox.service.web import serve


def main(folder: str, region: str) -> None:
    layout = load(Path(folder))
    serve(make_app(layout, region), layout.ports[f"{region}-billing"])


if __name__ == "__main__":
    main(*sys.argv[1:3])
