"""A customer who writes ten times a second, to measure write gaps and lost writes.

Row N of the table `heartbeat` goes to whichever PostgreSQL is writable, found among both directly; the same
connection is kept as long as it takes writes. `data/heartbeat.jsonl` has a line for each attempt:

    {"n": 17, "at": 1790000000.123, "region": "west", "lsn": "0/3A5F2C8"}     acknowledged at that Unix time
    {"n": 18, "at": 1790000000.224, "failed": "AdminShutdown"}                it may be there all the same

`lsn` was read right after the commit: the commit's own is not above it. The newest lines are kept, 8 MB (the
older half in `heartbeat.jsonl.1`), and the rows of the last hours. Numbers rise, also across restarts.
"""
