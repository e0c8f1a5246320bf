"""`keelwatch init`: a starter workspace that passes `keelwatch check`."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from string import Template

import click

from console.options import as_json
from console.output import emit_json
from keelwatch.workspace import SystemClock, UsageError, narrate, write_out
from keelwatch.workspace.find import FILE_NAME
from keelwatch.workspace.http_url import EXPECTED, flaw

FOLDERS = {
    "slo": "Objectives: OpenSLO v1, one or more documents a file. `keelwatch schema slo` has the format.",
    "probes": "Journeys: what a customer does, step by step. `keelwatch schema journey` has the format.",
    "loadtests": "Load profiles: which journeys, how many, for how long.",
    "chaos": "Experiments in Chaos Toolkit's own format.",
    "runbooks": "Runbooks: what to do when it broke. `keelwatch schema runbook` has the format.",
}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--prometheus", "url", help="URL of your Prometheus; without it the workspace binds the sandbox."
)
@as_json
def init(folder: Path, url: str | None, *, json_wanted: bool) -> None:
    """Write a starter workspace into a folder.

    It holds keelwatch.yaml, two objectives and a journey to adapt, and a folder for each kind of spec.
    Existing files are never overwritten.
    """
    if url is not None and (found := flaw(url)):  # not repeated: it may hold a password
        raise UsageError(f"--prometheus got {found}", EXPECTED)
    files = starter(url)
    if present := [name for name in files if os.path.lexists(folder / name)]:
        raise UsageError(
            f"{folder / present[0]} exists already; nothing was written", "choose an empty folder"
        )
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
        if not json_wanted:
            write_out(str(path))
    if json_wanted:
        body = {"folder": str(folder), "files": [str(folder / name) for name in files]}
        emit_json("init", _environment(url), SystemClock().now(), body)
    there = shlex.quote(str(folder))
    narrate(
        f"next: edit {folder / FILE_NAME}, then  keelwatch check {there}"
        f"  and  keelwatch doctor --workspace {there}"
    )


def starter(url: str | None) -> dict[str, str]:
    """Path within the workspace to text."""
    templates = Path(__file__).parent.parent / "starter"
    source = PROMETHEUS.substitute(url=_quoted(url)) if url else SANDBOX
    regions = "[region-1]" if url else "[west, east]"
    workspace = Template((templates / "keelwatch.yaml.tmpl").read_text(encoding="utf-8"))
    files = {
        FILE_NAME: workspace.substitute(source=source, environment=_environment(url), regions=regions),
        "slo/availability.yaml": (templates / "availability.yaml").read_text(encoding="utf-8"),
        "slo/latency.yaml": (templates / "latency.yaml").read_text(encoding="utf-8"),
        "probes/open-login.yaml": (templates / "open-login.yaml").read_text(encoding="utf-8"),
    }
    for folder, purpose in FOLDERS.items():
        files[f"{folder}/README.md"] = f"# {folder}\n\n{purpose}\n"
    return files


def _environment(url: str | None) -> str:
    """What the starter calls the one environment it binds."""
    return "prod" if url else "sandbox"


def _quoted(url: str) -> str:
    """As a YAML double-quoted scalar, which every JSON string is: `: ` and ` #` then mean nothing."""
    return json.dumps(url, ensure_ascii=False)


SANDBOX = """source: sandbox                 # addresses come from the running sandbox"""

PROMETHEUS = Template("""prometheus:
      url: $url
      # ca: certs/ca.pem             # when its certificate is signed by your own CA
      # bearer: env:PROMETHEUS_TOKEN # or  basic: {username: me, password: file:secrets/prometheus}
      # tenant: team-a               # sent as X-Scope-OrgID""")
