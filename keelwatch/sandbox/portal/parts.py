"""What one worker is made of, wired once."""

from __future__ import annotations

import asyncio

from keelwatch.sandbox.endpoints import urls
from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.portal.accounts import Accounts
from keelwatch.sandbox.portal.audit import Audit
from keelwatch.sandbox.portal.backing import Backing
from keelwatch.sandbox.portal.billing import Billing
from keelwatch.sandbox.portal.flows import Flows
from keelwatch.sandbox.portal.id_token import IdTokens
from keelwatch.sandbox.portal.identity import Identity
from keelwatch.sandbox.portal.login_pages import LoginPages
from keelwatch.sandbox.portal.mailing import Mailing
from keelwatch.sandbox.portal.membership import Membership
from keelwatch.sandbox.portal.metrics import Metrics
from keelwatch.sandbox.portal.oidc import Oidc
from keelwatch.sandbox.portal.one_time_code import OneTimeCodes
from keelwatch.sandbox.portal.pages import Pages
from keelwatch.sandbox.portal.plan import Plan
from keelwatch.sandbox.portal.recovery import Recovery
from keelwatch.sandbox.portal.sessions import Sessions
from keelwatch.sandbox.portal.store import Store
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.log import Pseudonyms, RequestLog
from keelwatch.sandbox.service.strikes import Strikes
from keelwatch.sandbox.service.switches import Switches


class Parts:
    def __init__(self, layout: Layout, name: str) -> None:
        self.region = name.partition("-")[0]
        edge = urls(layout.ports)["edge"]
        region, names = self.region, Pseudonyms(layout.passwords.pseudonym_key)
        self.strikes = strikes = Strikes(layout.faults_file)
        self.switches = Switches(layout.flags_file)
        self.metrics = metrics = Metrics(region)
        self.log = RequestLog(layout.logs, name)
        self.database = database = Database(layout, region, name, strikes, size=4)
        self.store = store = Store(layout, region, strikes)
        self.audit = audit = Audit(database, metrics)
        self.mailing = mailing = Mailing(layout, metrics, strikes)
        sessions, flows = Sessions(region, store, strikes), Flows(store)
        self.identity = Identity(region, database, sessions, OneTimeCodes(store), audit, names, strikes)
        self.accounts = Accounts(database, store, audit, metrics, strikes)
        self.billing = Billing(layout, region, metrics)
        self.plan = Plan(region, database, self.accounts, audit, strikes, self.billing)
        self.login_pages = LoginPages(flows, self.identity, database, names)
        signer = IdTokens(layout.signing_key_file)
        self.oidc = Oidc(flows, sessions, self.identity, signer, names)
        backing = Backing(region, edge, database, store, sessions, audit, mailing, names, strikes)
        self.recovery = Recovery(backing, self.identity)
        self.membership = Membership(backing, self.accounts)
        self.pages = Pages(self.identity, self.oidc, self.accounts, self.plan, self.billing)

    async def close(self) -> None:
        await self.mailing.close()
        await self.audit.flush()
        await asyncio.gather(self.billing.close(), self.store.close(), self.database.close())
