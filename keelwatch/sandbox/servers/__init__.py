"""One module per server: its configuration, its command line, and how to tell that it is ready.

Nothing here starts a process that outlives the call, save through the supervisor.
"""
