"""What recovery and membership stand on: both change accounts, send links by mail and end sessions."""

from __future__ import annotations

from dataclasses import dataclass

from keelwatch.sandbox.portal.audit import Audit
from keelwatch.sandbox.portal.mailing import Mailing
from keelwatch.sandbox.portal.sessions import Sessions
from keelwatch.sandbox.portal.store import Store
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.log import Pseudonyms
from keelwatch.sandbox.service.strikes import Strikes


@dataclass(frozen=True, slots=True)
class Backing:
    """`edge` is the address that stands in mails."""

    region: str
    edge: str
    database: Database
    store: Store
    sessions: Sessions
    audit: Audit
    mailing: Mailing
    names: Pseudonyms
    strikes: Strikes
