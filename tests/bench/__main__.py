"""`make bench`: every benchmark, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from keelwatch.workspace import write_out

BENCHMARKS = (
    "startup",
    "append",
    "tick",
    "probe_timing",
    "probe_rate",
    "probe_cold",
    "sandbox_idle",
    "failover",
    "load_rate",
    "load_frozen",
    "load_capacity",
)


def main(names: list[str]) -> int:
    """Run the benchmarks in `names` (default: all); the exit code counts those over a limit."""
    over = []
    for name in names or BENCHMARKS:
        write_out(f"== {name}")
        sys.stdout.flush()
        if subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode:
            over.append(name)
    write_out(f"over a limit: {', '.join(over)}" if over else "every limit held")
    return len(over)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
