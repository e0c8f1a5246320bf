"""Carrying a runbook out: planned against the real systems, step by step, resumable from any point.

Promises: nothing acts before it is on record; the pinned text runs, not the edited file; what is in doubt is
settled before anything else is done; a step is done once, however often its run dies.
"""
