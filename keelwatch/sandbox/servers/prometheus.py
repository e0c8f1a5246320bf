"""Prometheus: scrapes everything each second and starts with the backfilled history in place."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import quote

from keelwatch.sandbox.find_servers import Servers
from keelwatch.sandbox.layout import Layout, write_private
from keelwatch.sandbox.ports import REGIONS, WORKERS
from keelwatch.sandbox.servers.server import Server, answers_http, fetch, python, run

RETENTION = "40d"
EDGE_METRICS = "haproxy_(server|backend|frontend)_(http_responses_total|status|current_sessions|up|weight)"


def folder(layout: Layout) -> Path:
    return layout.folder / "data" / "prometheus"


def server_of(layout: Layout, servers: Servers, backfill_until: float) -> Server:
    config = layout.folder / "config" / "prometheus.yml"
    port = layout.ports["prometheus"]
    return Server(
        name="prometheus",
        component="prometheus",
        region=None,
        argv=(
            servers["prometheus"],
            f"--config.file={config}",
            f"--storage.tsdb.path={folder(layout)}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ),
        ready=partial(_has_scraped, port),
        serves=partial(answers_http, port, "/-/ready"),
        prepare=partial(_prepare, layout, servers, config, backfill_until),
        environment={"GOMAXPROCS": "2", "GOGC": "200", "GOMEMLIMIT": "256MiB"},
        within_s=90.0,
    )


async def _prepare(layout: Layout, servers: Servers, config: Path, backfill_until: float) -> None:
    write_private(config, configuration(layout))
    arguments = [str(layout.folder), servers["promtool"], str(folder(layout)), f"{backfill_until:.0f}"]
    await run(python("keelwatch.sandbox.backfill", *arguments), "loading the backfilled history")


async def _has_scraped(port: int) -> bool:
    """Whether every worker and billing was scraped: only then are the zeros of a new portal on record."""
    targets = len(REGIONS) * (len(WORKERS) + 1)
    question = quote(f'sum(up{{job=~"portal|billing"}}) == {targets}')
    answer = await fetch(port, f"/api/v1/query?query={question}")
    return answer is not None and b'"value"' in answer


def configuration(layout: Layout) -> str:
    """YAML by hand: the shape is fixed, and every value is a name or a number of ours."""
    workers = [(f"{region}-{number}", region) for region in REGIONS for number in WORKERS]
    billing = [(f"{region}-billing", region) for region in REGIONS]
    return "\n".join(
        [
            "global:",
            "  scrape_interval: 1s",
            "  scrape_timeout: 900ms",
            "scrape_configs:",
            *_job("portal", workers, layout),
            *_job("billing", billing, layout),
            *_job("crm", [("crm", "")], layout),
            "    scrape_interval: 5s",
            *_job("probes", [("probes", "")], layout),
            "    scrape_interval: 5s",
            *_job("edge", [("edge-metrics", "")], layout),
            "    scrape_interval: 5s",
            "    metric_relabel_configs:",
            f"      - {{source_labels: [__name__], regex: '{EDGE_METRICS}', action: keep}}",
            "",
        ]
    )


def _job(name: str, targets: list[tuple[str, str]], layout: Layout) -> list[str]:
    lines = [f"  - job_name: {name}", "    static_configs:"]
    for instance, region in targets:
        labels = f"instance: {instance}" + (f", region: {region}" if region else "")
        lines.append(f"      - {{targets: ['127.0.0.1:{layout.ports[instance]}'], labels: {{{labels}}}}}")
    return lines
