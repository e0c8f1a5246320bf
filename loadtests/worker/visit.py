"""A visit by a customer of a load: by the common address, as customers come, not by that of one region."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin

import gevent

from loadtests.pool import SPARE_S
from probes.visit import Visit


@dataclass(slots=True)
class LoadVisit(Visit):
    traffic: str = "load"
    code_spare_s: float = SPARE_S

    def url(self, path: str, region: str | None = None) -> str:
        is_own = region is None or region == self.region
        return urljoin(self.entrance.edge if is_own else self.entrance.base(region or self.region), path)

    async def wait_unhurried(self, seconds: float) -> None:
        """No customer's time, as for a probe."""
        self.waited_s += seconds
        gevent.sleep(seconds)
