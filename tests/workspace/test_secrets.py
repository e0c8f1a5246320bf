"""A secret is unprintable, and the sink masks its value in every form it takes."""

from __future__ import annotations

import base64
import json
import logging
import pickle
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelwatch.workspace import Secret, SourceError, redact
from keelwatch.workspace.secret import resolve

VALUE = 'p@ss "wörd"/with+all?&signs'


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret(VALUE)

    # The old way of formatting is meant: it must not show the value either.
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{[secret]}", "%s" % secret]  # noqa: UP031 every way to format

    assert not any(VALUE in text for text in shown)
    assert secret.reveal() == VALUE
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_a_log_line_does_not_give_a_secret_away(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("logging in with %s", Secret(VALUE))

    assert VALUE not in caplog.text


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        quote(VALUE, safe=""),
        quote_plus(VALUE),
        json.dumps(VALUE),
        json.dumps(VALUE, ensure_ascii=False),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
        base64.b64encode(f"user:{VALUE}".encode()).decode(),
        base64.b64encode(f"a:{VALUE}:b".encode()).decode(),
        base64.b64encode(f"ab:{VALUE}".encode()).decode(),
    ],
)
def test_the_sink_masks_every_form(form: str) -> None:
    Secret(VALUE)

    masked = redact(f"before {form} after")

    assert "***" in masked
    assert form not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@settings(max_examples=100, deadline=None)
@given(value=st.text(min_size=8, max_size=30), before=st.text(max_size=5), after=st.text(max_size=5))
def test_base64_around_a_secret_is_masked_at_every_phase(value: str, before: str, after: str) -> None:
    try:
        whole = base64.b64encode(f"{before}{value}{after}".encode()).decode()
    except UnicodeEncodeError:
        return
    Secret(value)

    assert redact(whole) != whole


def test_a_secret_comes_from_the_environment_a_file_or_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "from-env")
    (tmp_path / "token").write_text("from-file\n")

    assert resolve("env:SOME_TOKEN", tmp_path).reveal() == "from-env"
    assert resolve("file:token", tmp_path).reveal() == "from-file"
    assert resolve("command:printf from-command", tmp_path).reveal() == "from-command"


@pytest.mark.parametrize(
    "reference", ["env:NOT_SET_AT_ALL", "file:missing", "command:false", "command:no-such-thing"]
)
def test_a_secret_that_cannot_be_had_names_its_reference(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SourceError, match=reference):
        resolve(reference, tmp_path)


def test_a_secret_too_short_to_be_masked_is_refused_by_its_reference(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("q7z\n")
    (tmp_path / "long").write_text("q7zx\n")

    with pytest.raises(SourceError, match="secret file:short is shorter than 4 characters") as caught:
        resolve("file:short", tmp_path)

    assert "q7z" not in caught.value.message + caught.value.hint
    assert redact(resolve("file:long", tmp_path).reveal()) == "***"
