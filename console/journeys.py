"""What is known of journeys: the kept results, who watches them, what they left behind.

Reads the state folder, the ledger and the journeys' files; never runs anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from console.places import Place
from console.view.board import Board, Row, in_order
from console.view.story import Story
from console.watching import remedy
from keelwatch.ledger import Access, LedgerStore, open_ledger
from keelwatch.runs import OpenUndo, list_open, living, load
from keelwatch.workspace import KeelwatchError, UsageError
from keelwatch.workspace.visible import visible_line
from probes.history import KEPT, History, Past
from probes.load import Journey, load_folder
from probes.record import Execution, Result
from probes.undo import STEP_VERB

WATCH = "watch"  # how the runs of `probe watch` are named, a sandbox's with its name behind


class JourneyBook:
    """The journeys of one environment. Every method reads files: not for a thread that must not wait."""

    def __init__(self, where: Place) -> None:
        self._place = where
        self._journeys: tuple[Journey, ...] | None = None
        self._reasons: dict[str, str] = {}

    @property
    def place(self) -> Place:
        return self._place

    def board(self, now: float) -> Board:
        """Every journey in every region. Never raises: what cannot be read is named in it."""
        try:
            rows = self.rows()
        except KeelwatchError as error:
            return Board(self._place.name, now, trouble=error.message)
        trouble = "" if rows else "this workspace has no journeys: keelwatch init DIR writes some"
        watched, left = self._from_ledger()
        told = tuple(self._with_reason(row) for row in rows)
        return Board(self._place.name, now, told, watched, left, trouble, self.remedy)

    def watched(self) -> bool | None:
        """Whether somebody here watches the journeys; None when that is not known, or there are none."""
        try:
            return self._from_ledger()[0] if self._all() else None
        except KeelwatchError:
            return None

    @property
    def remedy(self) -> str:
        """What starts the watch when nobody watches."""
        return "keelwatch probe watch" if self._place.sandbox is None else remedy(self._place.sandbox)

    def rows(self) -> tuple[Row, ...]:
        """The rows alone, the worst first. Raises `InputError` for a bad file, `SourceError` without a state
        folder."""
        history = History(self._place.name)
        found = [
            Row(
                journey=one.name,
                title=one.title,
                component=one.component,
                region=region,
                every_s=one.spec.schedule.every.total_seconds() if one.spec.schedule else None,
                past=tuple(history.of(one.name, region)),
            )
            for one in self._all()
            for region in self.regions_of(one)
        ]
        return in_order(found)

    def regions_of(self, journey: Journey) -> Sequence[str]:
        return journey.spec.regions or self._place.environment.regions

    def named(self, name: str) -> Journey:
        """Raises `UsageError` with the nearest name there is, `InputError` for a bad file."""
        import difflib

        known = {one.name: one for one in self._all()}
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see: keelwatch probe list"
        raise UsageError(f"there is no journey {name!r}", hint)

    def story(self, name: str, region: str, chosen: str | None = None) -> Story:
        """One journey in one region: the execution that is `chosen`, by its own id or its run's, else the
        newest; the last green one before it; and the newest of the other regions.

        Raises `UsageError` for a journey, region or execution that is not there.
        """
        journey = self.named(name)
        if region not in (regions := self.regions_of(journey)):
            raise UsageError(f"{name} does not run in {region!r}", f"it runs in: {', '.join(regions)}")
        history = History(self._place.name)
        past = tuple(history.of(name, region))
        shown = _pick(past, chosen)
        if chosen is not None and shown is None:
            raise UsageError(
                f"{name} in {region} has no kept execution {chosen!r}", f"the last {KEPT} are kept"
            )
        green = _green_before(past, shown)
        others = {one: _newest(history.of(name, one)) for one in regions}
        return Story(
            environment=self._place.name,
            journey=name,
            title=journey.title,
            component=journey.component,
            region=region,
            steps=tuple(step.title for step in journey.spec.steps),
            every_s=journey.spec.schedule.every.total_seconds() if journey.spec.schedule else None,
            past=past,
            shown=shown,
            green=green,
            greens=_greens(past, shown),
            regions={one: found for one, found in others.items() if found is not None} | _here(region, shown),
            causes=self._causes(past),
        )

    def _all(self) -> tuple[Journey, ...]:
        """Files are read once: a console restarted sees what was edited."""
        if self._journeys is None:
            self._journeys = load_folder(self._place.workspace.folders["probes"])
        return self._journeys

    def _with_reason(self, row: Row) -> Row:
        if row.last is None or row.result is Result.PASS:
            return row
        return replace(row, reason=self._reason(row.last))

    def _reason(self, past: Past) -> str:
        """Read once for each execution: a file never changes."""
        if past.id not in self._reasons:
            found = past.load()
            self._reasons[past.id] = _reason(found) if found else ""
        return self._reasons[past.id]

    def _causes(self, past: Sequence[Past]) -> dict[str, str]:
        return {one.id: self._reason(one) for one in past if one.result is not Result.PASS}

    def _from_ledger(self) -> tuple[bool | None, tuple[str, ...]]:
        """Whether somebody watches, and what journeys left behind."""
        try:
            with closing(open_ledger(access=Access.READ)) as store:
                left = [undo for undo in list_open(store) if undo.verb == STEP_VERB and undo.needs_heal]
                return self._watched(store), tuple(dict.fromkeys(owed(undo) for undo in left))
        except KeelwatchError:
            return None, ()

    def _watched(self, store: LedgerStore) -> bool:
        names = {
            WATCH,
            f"{WATCH} {self._place.sandbox}",
        }  # that of another sandbox has its name, and not ours
        for run in living():
            try:
                state = load(store, run)
            except KeelwatchError:  # it has only just been made
                continue
            is_watch = state.name in names and state.kind == "probe"
            if is_watch and state.env == self._place.name and state.verdict is None:
                return True
        return False


def owed(undo: OpenUndo) -> str:
    """Where something was left: a journey's step leaves it with an account."""
    return f"account {undo.target}" if undo.verb == STEP_VERB else undo.target


def left_behind() -> tuple[str, ...]:
    """Where undos are owed that nobody takes care of, the newest first. Empty when the ledger cannot be read:
    whoever asks has been told that already."""
    try:
        with closing(open_ledger(access=Access.READ)) as store:
            return tuple(owed(undo) for undo in list_open(store) if undo.needs_heal)
    except KeelwatchError:
        return ()


def _pick(past: Sequence[Past], chosen: str | None) -> Execution | None:
    """The newest that can be read, or the one that is `chosen`: by its id, else by its run's."""
    if chosen is None:
        return _newest(past)
    by_id = next((one.load() for one in past if one.id == chosen), None)
    if by_id is not None:
        return by_id
    return next((found for one in past if (found := one.load()) and found.run == chosen), None)


def _newest(past: Sequence[Past]) -> Execution | None:
    return next((found for one in past if (found := one.load()) is not None), None)


def _green_before(past: Sequence[Past], shown: Execution | None) -> Execution | None:
    """The last that passed of those kept from before `shown`. Told by its place: a file's name has its time
    in whole milliseconds, so that the execution itself may seem older than it is."""
    ids = [one.id for one in past]
    if shown is None or shown.id not in ids:
        return None
    return _newest([one for one in past[ids.index(shown.id) + 1 :] if one.result is Result.PASS])


def _greens(past: Sequence[Past], shown: Execution | None) -> tuple[Execution, ...]:
    """The kept executions that passed, but for the one shown: what it is compared with."""
    ids = [one for one in past if one.result is Result.PASS and (shown is None or one.id != shown.id)]
    return tuple(found for one in ids if (found := one.load()) is not None)


def _here(region: str, shown: Execution | None) -> dict[str, Execution]:
    return {region: shown} if shown is not None else {}


def _reason(execution: Execution) -> str:
    cause = f" [{execution.cause}]" if execution.cause else ""
    return visible_line(f"{execution.reason}{cause}")
