"""Push: what can the platform bear? Locust runs inside a burn-rate guard.

Promises: nothing starts while what it may hurt burns already; nothing outside the environment is asked; no
generator outlives its run; the verdict is computed from what was seen, never from the tool's exit code, and a
load that was not applied as ordered is invalid, never green. Locust itself runs in processes of its own
(`loadtests.worker`), and is imported nowhere else.
"""
