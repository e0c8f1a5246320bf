"""Mail to customers, sent after the answer: how long it takes, and whether it works, never shows in it.

Component `notifications`: its faults strike here. A mail that cannot be handed over is lost and counted.
"""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Awaitable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.portal.metrics import Metrics
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

SENDER = "Self-service portal <portal@sandbox.invalid>"
SMTP_SECONDS = 3.0
MOST_AT_ONCE = 200


class Mailing:
    def __init__(self, layout: Layout, metrics: Metrics, strikes: Strikes) -> None:
        self._port = layout.ports["smtp"]
        self._metrics = metrics
        self._strikes = strikes
        self._under_way: set[asyncio.Task[None]] = set()

    def afterwards(self, work: Awaitable[None]) -> None:
        """Do `work`, which ends with a `send`, once the answer is on its way."""
        task = asyncio.ensure_future(self._do(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _do(self, work: Awaitable[None]) -> None:
        await asyncio.sleep(0.01)  # the answer first
        try:
            await work
        except ComponentFailure:
            self._metrics.count_mail("lost")

    async def send(self, to: str, subject: str, text: str) -> None:
        """Raises `ComponentFailure`."""
        await self._strikes.at("notifications", self._metrics.region)
        if len(self._under_way) > MOST_AT_ONCE:
            raise ComponentFailure("notifications")
        try:
            await asyncio.to_thread(_hand_over, self._port, _message(to, subject, text))
        except (OSError, smtplib.SMTPException, ValueError):
            raise ComponentFailure("notifications") from None
        self._metrics.count_mail("sent")

    async def close(self) -> None:
        """Those under way are sent first."""
        await asyncio.gather(*self._under_way, return_exceptions=True)


def _message(to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="sandbox.invalid")
    message.set_content(text)
    return message


def _hand_over(port: int, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost", timeout=SMTP_SECONDS) as server:
        server.send_message(message)
