"""What changed lately, who is acting, and what was left behind, as the ledger tells it."""

from __future__ import annotations

from contextlib import closing

from console.acting import acting_words
from console.view.world import Change
from keelwatch.ledger import Access, Fact, FactKind, LedgerStore, current_actor, open_ledger
from keelwatch.runs import RunView, list_open, living, runs, view
from keelwatch.workspace import KeelwatchError, narrate

LOOK_BACK = 100_000  # facts; watched journeys write that many in a day, of which few are changes
LOOK_BACK_FURTHER = 1_000_000  # for a moment in the past, which the newest facts may all have come after
TOLD = (FactKind.NOTE, FactKind.VERDICT)  # an index finds these: intents and leases are not read
NEWEST_RUNS = 20
OBSERVING = "probe"  # the kind of runs that look: they start and end all day, and are no change
SANDBOX_EVENT = "sandbox"


def changes_before(at: float, environment: str, sandbox: str | None) -> tuple[Change, ...]:
    """Changes of this environment up to `at`, oldest first, as far as the ledger is read back."""
    found, _, _ = recent_changes(at, environment, sandbox, look_back=LOOK_BACK_FURTHER)
    return tuple(change for change in found if change.at <= at)


def recent_changes(
    now: float, environment: str, sandbox: str | None, *, look_back: int = LOOK_BACK
) -> tuple[tuple[Change, ...], tuple[str, ...], int]:
    """Changes oldest first and living runs, both of this environment (`sandbox`: the one it is bound to),
    and the number of undos nobody takes care of, wherever they are owed.

    A ledger that cannot be read is itself worth saying, and is no reason to show nothing else.
    """
    try:
        with closing(open_ledger(access=Access.READ)) as store:
            return _told_by(store, environment, sandbox, look_back)
    except KeelwatchError as error:
        return (Change(now, f"the ledger cannot be read: {error.message}"),), (), 0


def _told_by(
    store: LedgerStore, environment: str, sandbox: str | None, look_back: int
) -> tuple[tuple[Change, ...], tuple[str, ...], int]:
    head, _ = store.head()
    views = [one for one in _newest_and_living(store) if one.state.env == environment]
    ours = {one.state.id for one in views if one.state.kind != OBSERVING}
    facts = store.after(max(0, head - look_back), kinds=TOLD)
    changes = tuple(change for fact in facts if (change := _told(fact, ours, sandbox)))
    acting = tuple(words for one in views if (words := acting_words(store, one)))
    return changes, acting, sum(undo.needs_heal for undo in list_open(store))


def _newest_and_living(store: LedgerStore) -> list[RunView]:
    """Who acts is told however many runs have come and gone since."""
    newest = runs(store, newest=NEWEST_RUNS)
    seen = {one.state.id for one in newest}
    return [*newest, *(view(store, run) for run in reversed(living()) if run not in seen)]


def _told(fact: Fact, ours: set[str], sandbox: str | None) -> Change | None:
    body, who = fact.body, _login(fact.actor)
    match fact.kind, fact.event:
        case FactKind.NOTE, "sandbox" if sandbox is not None and body.get("sandbox") == sandbox:
            return Change(fact.at, str(body.get("text", "sandbox changed")), who)
        case FactKind.NOTE, "created" if fact.run in ours:
            return Change(fact.at, f"{body.get('kind')} {body.get('name')} started", who)
        case FactKind.VERDICT, _ if fact.run in ours:
            return Change(
                fact.at, f"run {fact.run} {body.get('verdict', 'ended')}: {body.get('reason', '')}", who
            )
        case _:
            return None


def _login(actor: str) -> str:
    """`0:sre (claimed)` to `sre`."""
    return actor.partition(":")[2].partition(" ")[0] or actor


def record_sandbox(text: str, name: str) -> None:
    """Note what was done to a sandbox. The deed is done by then: a ledger that fails is told, not raised."""
    payload = {"event": SANDBOX_EVENT, "text": text, "sandbox": name}
    try:
        with closing(open_ledger()) as store:
            store.append("", FactKind.NOTE, payload, actor=current_actor())
    except KeelwatchError as error:
        narrate(f"not recorded: {error.message}")
