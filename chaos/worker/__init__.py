"""Chaos Toolkit's own process: the only place that imports it.

Promises: what it loads, validates and runs is told to whoever started it; an experiment that is stopped plays
its rollbacks once and is not interrupted in them; a control that fails lets nothing through; nothing waits
for ever.
"""
