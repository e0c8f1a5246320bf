"""Mechanism: whatever takes time is a run, in a process of its own, that can be watched, stopped,
fenced and taken back.

Promises: an intent is on the disk before the world is touched; an undo is written ahead and outlives
whichever process dies; a living run is told by a lock, never by a pid. It knows no objective and no
journey, and imports nothing above itself: names become callables through the `ProcessTable` it is given.
"""

from keelwatch.runs.acting import LeftInDoubt, UndoBy
from keelwatch.runs.asking import Answered
from keelwatch.runs.bridge import Bridge, Line
from keelwatch.runs.child import TOOL_VARIABLES, Child
from keelwatch.runs.commands import StopReport, answer, living, living_environments, stop, stop_all
from keelwatch.runs.effect import Effect, Fate
from keelwatch.runs.follow import FollowEnd, Glance, Position, attend, exit_code, follow, look, newest_lines
from keelwatch.runs.heal import Care, HealReport, OpenUndo, heal, list_open
from keelwatch.runs.process import main
from keelwatch.runs.run import Run
from keelwatch.runs.spawn import NotStarted, resume, spawn
from keelwatch.runs.state import Phase, Question, RunState, RunView, load, runs, view
from keelwatch.runs.stream import StreamLine
from keelwatch.runs.table import OnDeath, OnTerm, ProcessTable, RunKind
from keelwatch.runs.undo import Undone
from keelwatch.runs.verb import Action, Attempt, EffectClass, Prediction, Verb
from keelwatch.runs.verdict import Outcome, Stopped, Verdict, failed, inconclusive, invalid, passed

__all__ = [
    "TOOL_VARIABLES",
    "Action",
    "Answered",
    "Attempt",
    "Bridge",
    "Care",
    "Child",
    "Effect",
    "EffectClass",
    "Fate",
    "FollowEnd",
    "Glance",
    "HealReport",
    "LeftInDoubt",
    "Line",
    "NotStarted",
    "OnDeath",
    "OnTerm",
    "OpenUndo",
    "Outcome",
    "Phase",
    "Position",
    "Prediction",
    "ProcessTable",
    "Question",
    "Run",
    "RunKind",
    "RunState",
    "RunView",
    "StopReport",
    "Stopped",
    "StreamLine",
    "UndoBy",
    "Undone",
    "Verb",
    "Verdict",
    "answer",
    "attend",
    "exit_code",
    "failed",
    "follow",
    "heal",
    "inconclusive",
    "invalid",
    "list_open",
    "living",
    "living_environments",
    "load",
    "look",
    "main",
    "newest_lines",
    "passed",
    "resume",
    "runs",
    "spawn",
    "stop",
    "stop_all",
    "view",
]
