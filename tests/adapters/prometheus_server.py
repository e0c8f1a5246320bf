"""A real Prometheus on a free port, filled with promtool; for tests of everything that asks one."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    url: str
    port: int


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def counter_lines(name: str, series: dict[str, Iterable[tuple[float, float]]]) -> Iterator[str]:
    """OpenMetrics lines of one counter family; `name` ends in `_total` or `_bucket`."""
    family = name.removesuffix("_total")
    yield f"# TYPE {family} {'counter' if name.endswith('_total') else 'unknown'}\n"
    for labels, points in series.items():
        braces = "{" + labels + "}" if labels else ""
        for at, value in points:
            yield (
                f"{name}{braces} {value:g} {at:.3f}\n"
                if value < 1e5
                else f"{name}{braces} {value!r} {at:.3f}\n"
            )


def fill(folder: Path, lines: Iterable[str]) -> None:
    """Load OpenMetrics lines into the data folder of a Prometheus that is not running."""
    text = folder / "input.om"
    with text.open("w") as file:
        file.writelines(lines)
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics"]
    subprocess.run([*command, str(text), str(folder / "data")], check=True, capture_output=True, timeout=120)


@contextlib.contextmanager
def running(folder: Path, *options: str, config: str = "scrape_configs: []\n") -> Iterator[Running]:
    """Start a Prometheus on what `fill` made in `folder`; it is ready when this yields."""
    port = free_port()
    (folder / "prometheus.yml").write_text(config)
    (folder / "data").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=400d",
                f"--web.listen-address=127.0.0.1:{port}",
                *options,
            ],
            stdout=log,
            stderr=log,
        )
        try:
            _await_ready(process, port, folder / "log")
            yield Running(f"http://127.0.0.1:{port}", port)
        finally:
            process.terminate()
            process.wait(20)


def _await_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=1).ok:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())
