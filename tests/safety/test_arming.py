"""What a policy wants armed."""

from __future__ import annotations

import pytest

from keelwatch.safety import require_armed, wants_arming
from keelwatch.safety.arming import ArmedKind
from keelwatch.workspace import Refused
from keelwatch.workspace.model import Arming, PolicySpec


@pytest.mark.parametrize(
    ("said", "kind", "wanted"),
    [
        (None, "probe", False),
        (None, "load", True),
        (None, "chaos", True),
        (None, "runbook", True),
        (Arming.REQUIRED, "probe", True),
        (Arming.FREE, "probe", False),
        (Arming.FREE, "runbook", False),
        (Arming.REQUIRED, "runbook", True),
    ],
)
def test_a_policys_own_word_wins_over_the_usual(
    said: Arming | None, kind: ArmedKind, *, wanted: bool
) -> None:
    policy = PolicySpec(arming={kind: said} if said else {})

    assert wants_arming(policy, kind) is wanted
    require_armed(policy, kind, "prod", armed=True)
    if wanted:
        with pytest.raises(Refused, match=r"prod wants .* armed") as failed:
            require_armed(policy, kind, "prod", armed=False)
        assert failed.value.hint == "add --arm"
    else:
        require_armed(policy, kind, "prod", armed=False)
