"""Break on purpose: Chaos Toolkit experiments inside a burn-rate guard.

Promises: every act goes through the run's journal, so it is taken back and verified whichever process dies;
the verdict is computed from what was seen, never from the tool's exit code; a fault that nobody saw reach
traffic proves nothing. Chaos Toolkit itself runs in a process of its own (`chaos.worker`), and is imported
nowhere else.
"""
