"""Whatever stands in a file: a problem with its place, never a crash."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keelwatch.workspace.document import Loc, Plain, load
from runbooks.by_hand import Sight
from runbooks.lint import lint
from runbooks.load import examine
from runbooks.paper import Imprint, paper
from tests.runbooks.made import LIBRARY

DATA = [load(file).data for file in sorted(LIBRARY.glob("*.yaml"))]
ODD: st.SearchStrategy[Plain] = st.sampled_from(
    [None, True, -1, 0, 1.5, "", "$", "$$", "$x", "${x}", "0s", "previous", "none", [], {}, [None], [[]],
     {"": 1}, {"$": 0}, {"pg.fence": {"region": "a"}}, "a" * 300, "\n", "é"]
)  # fmt: skip


def places(value: Plain, loc: Loc = ()) -> list[Loc]:
    inner: list[tuple[str | int, Plain]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [loc, *(found for key, one in inner for found in places(one, (*loc, key)))]


def changed(value: Plain, loc: Loc, odd: Plain) -> Plain:
    if not loc:
        return odd
    if isinstance(value, dict):
        return {key: changed(one, loc[1:], odd) if key == loc[0] else one for key, one in value.items()}
    assert isinstance(value, list)
    return [changed(one, loc[1:], odd) if index == loc[0] else one for index, one in enumerate(value)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(DATA), st.data(), ODD)
def test_a_value_of_any_kind_anywhere_is_read_or_named(
    tmp_path: Path, data: Plain, draw: st.DataObject, odd: Plain
) -> None:
    where = draw.draw(st.sampled_from(places(data)))
    file = tmp_path / "one.yaml"
    file.write_text(json.dumps(changed(data, where, odd)))
    sound, problems = examine([file])
    assert all(one.line >= 1 and one.found and one.expected for one in problems)
    for one in sound:
        assert problems == []
        lint([one], None, None)
        assert paper(one.runbook.spec, Sight(), Imprint("f", "0", "now"))
