"""What a run of an experiment is asked to do: the pinned text, and where it acts. Light to load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keelwatch.ledger import JsonObject
from keelwatch.runs.fields import mapping, text, texts, whole


@dataclass(frozen=True, slots=True)
class Order:
    """`text` is the experiment as it was when it was ordered, `suffix` its file's, `folder` where that stands
    (relative paths in it are relative to that). `extension` is our own part of it, empty when it has none.
    `variables` are those of the environment that it names. `load` is the profile that runs beside it."""

    workspace: Path
    environment: str
    sandbox: str
    name: str
    title: str
    text: str
    suffix: str
    folder: Path
    extension: JsonObject
    variables: tuple[str, ...] = ()
    load: str = ""
    seed: int = 0

    @property
    def place(self) -> JsonObject:
        """Where it acts, as verbs want to be told."""
        told: JsonObject = {"workspace": str(self.workspace), "environment": self.environment}
        return {**told, "sandbox": self.sandbox} if self.sandbox else told

    def as_args(self) -> JsonObject:
        return {
            **self.place,
            "name": self.name,
            "title": self.title,
            "text": self.text,
            "suffix": self.suffix,
            "folder": str(self.folder),
            "extension": self.extension,
            "variables": list(self.variables),
            "load": self.load,
            "seed": self.seed,
        }


def order_of(args: JsonObject) -> Order:
    return Order(
        workspace=Path(text(args, "workspace")),
        environment=text(args, "environment"),
        sandbox=text(args, "sandbox"),
        name=text(args, "name"),
        title=text(args, "title"),
        text=text(args, "text"),
        suffix=text(args, "suffix"),
        folder=Path(text(args, "folder")),
        extension=mapping(args, "extension"),
        variables=texts(args, "variables"),
        load=text(args, "load"),
        seed=whole(args, "seed"),
    )
