"""Every command there is: its name, where it lives, and its line in `--help`.

A table of text, so that `--help` and the palette need not load what they list. A test holds each
summary equal to the first line of its command's own help.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    summary: str
    target: str = ""


COMMANDS: dict[str, Entry] = {
    "demo": Entry("Start the sandbox and open the console on it.", "console.commands.demo:demo"),
    "init": Entry("Write a starter workspace into a folder.", "console.commands.init:init"),
    "check": Entry("Check a workspace, a folder or one file.", "console.commands.check:check"),
    "schema": Entry("Print the JSON Schema of a kind of file.", "console.commands.check:schema"),
    "doctor": Entry("Say what works here, and how to mend the rest.", "console.commands.doctor:doctor"),
    "status": Entry("Say how customers are doing, worst first.", "console.commands.status:status"),
    "slo": Entry("Objectives, their burn rates, and why."),
    "probe": Entry("Customers' journeys: run them, watch them, check their files."),
    "load": Entry("Load tests inside a guard: run them, find what is bearable."),
    "chaos": Entry("Experiments inside a guard: check them, run them."),
    "runbook": Entry("Procedures for when it broke: list, check and print them."),
    "audit": Entry("Verify, anchor or redact the ledger."),
    "runs": Entry("List runs, living and ended.", "console.commands.runs:runs"),
    "attach": Entry("Follow a run from this terminal.", "console.commands.runs:attach"),
    "stop": Entry("Stop a run; it undoes what it did.", "console.commands.runs:stop"),
    "heal": Entry("List what was left undone, and undo it.", "console.commands.runs:heal"),
    "sandbox": Entry("A two-region platform of real parts to practise on."),
}

GROUPS: dict[str, dict[str, Entry]] = {
    "slo": {
        "list": Entry("List objectives with their state and budget.", "console.commands.slo:list_objectives"),
        "show": Entry("Show one objective: windows, pairs, budget.", "console.commands.slo:show"),
        "why": Entry("Show the queries and counts behind every number.", "console.commands.slo:why"),
    },
    "probe": {
        "list": Entry(
            "List journeys with their last results, by region.", "console.commands.probe_list:list_journeys"
        ),
        "show": Entry(
            "Show one journey: its steps, checks and times, or what changed.",
            "console.commands.probe_show:show",
        ),
        "run": Entry("Run journeys now and report on them.", "console.commands.probe_run:run"),
        "watch": Entry(
            "Run journeys on their schedules and expose /metrics.", "console.commands.probe_watch:watch"
        ),
        "lint": Entry("Find what a journey should not do.", "console.commands.probe_lint:lint"),
    },
    "load": {
        "list": Entry("List the load profiles of the workspace.", "console.commands.load_list:list_profiles"),
        "run": Entry("Apply a load profile, and judge what it found.", "console.commands.load_run:run"),
        "capacity": Entry(
            "Search for the highest rate that holds.", "console.commands.load_capacity:capacity"
        ),
        "show": Entry(
            "Show a run of a load: its requests, thresholds and budget.", "console.commands.load_list:show"
        ),
    },
    "chaos": {
        "list": Entry(
            "List the experiments of the workspace.", "console.commands.chaos_list:list_experiments"
        ),
        "check": Entry(
            "Check experiments by Chaos Toolkit's own rules, and ours.", "console.commands.chaos_list:check"
        ),
        "dry-run": Entry(
            "Say what an experiment would do, and what takes it back.", "console.commands.chaos_list:dry_run"
        ),
        "run": Entry(
            "Break something on purpose, and say whether customers noticed.", "console.commands.chaos_run:run"
        ),
        "show": Entry(
            "Show a run of an experiment: hypothesis, steps, faults and budget.",
            "console.commands.chaos_run:show",
        ),
        "faults": Entry(
            "Say which faults can be set here, and why not the others.",
            "console.commands.chaos_faults:faults",
        ),
    },
    "runbook": {
        "list": Entry("List the runbooks of the workspace.", "console.commands.runbook_list:list_runbooks"),
        "lint": Entry("Find what a runbook should not do.", "console.commands.runbook_lint:lint"),
        "plan": Entry("Predict what a runbook would do now.", "console.commands.runbook_plan:plan"),
        "run": Entry("Carry a runbook out, step by step.", "console.commands.runbook_run:run"),
        "show": Entry(
            "Show a run of a runbook: its steps and what it waits for.", "console.commands.runbook_show:show"
        ),
        "resume": Entry("Go on with a run that was paused or died.", "console.commands.runbook_run:resume"),
        "approve": Entry("Say yes to the plan of a run.", "console.commands.runbook_say:approve"),
        "skip": Entry("Leave a step of a run out.", "console.commands.runbook_say:skip"),
        "note": Entry("Note something beside a step of a run.", "console.commands.runbook_say:note"),
        "abort": Entry("End a run, and take back what it did.", "console.commands.runbook_say:abort"),
        "rehearse": Entry(
            "Rehearse a runbook in a fresh sandbox.", "console.commands.runbook_rehearse:rehearse"
        ),
        "render": Entry(
            "Print a runbook as a page of a wiki, or on paper.", "console.commands.runbook_render:render"
        ),
    },
    "audit": {
        "verify": Entry("Find any changed, removed or reordered fact.", "console.commands.audit:verify"),
        "anchor": Entry("Print the head of the ledger, to keep elsewhere.", "console.commands.audit:anchor"),
        "redact": Entry("Drop the payload of one fact; the chain holds.", "console.commands.audit:redact"),
    },
    "sandbox": {
        "up": Entry("Start the sandbox and wait until it has readings.", "console.commands.sandbox:up"),
        "status": Entry("Show the sandbox's parts, faults and flags.", "console.commands.sandbox:status"),
        "down": Entry("Stop the sandbox; nothing of it stays behind.", "console.commands.sandbox:down"),
        "fault": Entry("Break a component on purpose, or heal it.", "console.commands.sandbox:fault"),
        "flag": Entry("Show the portal's switches, or set one.", "console.commands.sandbox_flag:flag"),
    },
}
