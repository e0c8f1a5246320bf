"""`python -m keelwatch.sandbox.mail FOLDER`, started by the supervisor."""

from __future__ import annotations

import sys
from pathlib import Path

from keelwatch.sandbox.layout import load
from keelwatch.sandbox.mail.api import make_app
from keelwatch.sandbox.mail.box import Box
from keelwatch.sandbox.service.web import serve


def main(folder: str) -> None:
    layout = load(Path(folder))
    serve(make_app(Box(), layout.ports["smtp"]), layout.ports["mail"])


if __name__ == "__main__":
    main(sys.argv[1])
