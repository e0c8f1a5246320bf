"""The real command line over the toys' table: `python -m tests.toys.cli runs`."""

from __future__ import annotations

from console import main as program
from tests.toys.processes import TABLE

if __name__ == "__main__":
    program.main({"processes": TABLE})
