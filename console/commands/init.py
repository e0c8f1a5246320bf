"""`keelwatch init`: a starter workspace that passes `keelwatch check`."""

from __future__ import annotations

from pathlib import Path
from string import Template

import click

from keelwatch.workspace import UsageError, narrate, write_out
from keelwatch.workspace.find import FILE_NAME

FOLDERS = {
    "slo": "Objectives: OpenSLO v1, one or more documents a file. `keelwatch schema slo` has the format.",
    "probes": "Journeys: what a customer does, step by step.",
    "loadtests": "Load profiles: which journeys, how many, for how long.",
    "chaos": "Experiments in Chaos Toolkit's own format.",
    "runbooks": "Runbooks: what to do when it broke.",
}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--prometheus", "url", help="URL of your Prometheus; without it the workspace binds the sandbox."
)
def init(folder: Path, url: str | None) -> None:
    """Write a starter workspace into a folder.

    It holds keelwatch.yaml, two objectives to adapt, and a folder for each kind of spec. Existing files
    are never overwritten.
    """
    if url is not None and not url.startswith(("http://", "https://")):
        raise UsageError(f"--prometheus wants an http:// or https:// URL, not {url!r}")
    files = starter(url)
    if present := [name for name in files if (folder / name).exists()]:
        raise UsageError(
            f"{folder / present[0]} exists already; nothing was written", "choose an empty folder"
        )
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
        write_out(str(path))
    narrate(f"next: edit {folder / FILE_NAME}, then  keelwatch check {folder}  and  keelwatch doctor")


def starter(url: str | None) -> dict[str, str]:
    """Path within the workspace to text."""
    templates = Path(__file__).parent.parent / "starter"
    source = PROMETHEUS.substitute(url=url) if url else SANDBOX
    name = "prod" if url else "sandbox"
    regions = "[region-1]" if url else "[west, east]"
    workspace = Template((templates / "keelwatch.yaml.tmpl").read_text(encoding="utf-8"))
    files = {
        FILE_NAME: workspace.substitute(source=source, environment=name, regions=regions),
        "slo/availability.yaml": (templates / "availability.yaml").read_text(encoding="utf-8"),
        "slo/latency.yaml": (templates / "latency.yaml").read_text(encoding="utf-8"),
    }
    for folder, purpose in FOLDERS.items():
        files[f"{folder}/README.md"] = f"# {folder}\n\n{purpose}\n"
    return files


SANDBOX = """source: sandbox                 # addresses come from the running sandbox"""

PROMETHEUS = Template("""prometheus:
      url: $url
      # ca: certs/ca.pem             # when its certificate is signed by your own CA
      # bearer: env:PROMETHEUS_TOKEN # or  basic: {username: me, password: file:secrets/prometheus}
      # tenant: team-a               # sent as X-Scope-OrgID""")
