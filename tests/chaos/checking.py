"""Experiments of a few lines, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

from chaos.lint import check
from keelwatch.workspace.workspace import Workspace

HEAD = "title: it breaks\ndescription: on purpose\n"
ACT = """method:
  - type: action
    name: break it
    provider:
      type: python
      module: chaos.actions
      func: fault
      arguments: {fault: FAULT, region: REGION}
"""


def problems(tmp_path: Path, around: Workspace | None, text: str, name: str = "one.yaml") -> list[str]:
    file = tmp_path / name
    file.write_text(text)
    return [str(one).removeprefix(f"{file}:") for one in check([file], around)]


def acting(fault: str = "billing.down", region: str = "west") -> str:
    return HEAD + ACT.replace("FAULT", fault).replace("REGION", region)
