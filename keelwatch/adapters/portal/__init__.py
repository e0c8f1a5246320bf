"""What can be switched at a portal, and whom it lets in. A sandbox's is told over the control socket; other
portals have interfaces of their own, for which there is `http.call`."""

from __future__ import annotations

from keelwatch.adapters.portal.flags import FlagVerb
from keelwatch.adapters.portal.sessions import RevokeVerb

VERBS = {verb.name: verb for verb in (RevokeVerb(), FlagVerb())}

__all__ = ["VERBS"]
