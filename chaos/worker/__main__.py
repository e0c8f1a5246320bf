"""`python -m chaos.worker read FILE...` says what experiments are; `run FOLDER` carries out the one of a
run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str]) -> int:
    match argv:
        case ["read", *files]:
            from chaos.worker.reading import read_files

            answers = os.dup(1)
            os.dup2(2, 1)  # modules that an experiment names may print what they like
            return read_files([Path(file) for file in files], answers)
        case ["run", folder]:
            from chaos.worker.carry_out import carry_out

            return carry_out(Path(folder))
    print("expected: read FILE..., or run FOLDER", file=sys.stderr)  # noqa: T201 -- nobody's output but a log's
    return 2


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)  # a thread that an experiment left behind keeps nothing waiting
