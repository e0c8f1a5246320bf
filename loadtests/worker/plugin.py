"""Our locustfile, which Locust loads before the user's: `-f plugin.py[,theirs.py]`.

Locust takes from it every user that stands here by name. No shape does: Locust would take ours before theirs.
"""

from __future__ import annotations

import os
from pathlib import Path

import locust.runners
from locust import events

from loadtests.plan import VARIABLE, read_plan
from loadtests.worker import manners
from loadtests.worker.arrivals import arrivals_of
from loadtests.worker.process import Process
from loadtests.worker.shapes import Shapes
from loadtests.worker.users import customers_of

locust.runners.WORKER_REPORT_INTERVAL = 1.0  # three seconds, by default: a saw-tooth in a plot by the second

_process = Process(read_plan(Path(os.environ[VARIABLE])))
manners.install(_process.plan, _process.refused)
_shapes = Shapes(_process)
events.init.add_listener(_process.begin)
events.init.add_listener(_shapes.decide)
events.test_start.add_listener(_shapes.confirm)
events.request.add_listener(_process.request)
events.user_error.add_listener(_process.user_error)
events.test_stopping.add_listener(_process.stop)
events.quitting.add_listener(_process.end)

if _process.plan.is_open:
    Arrivals = arrivals_of(_process)
elif _process.plan.journeys:
    Customers = customers_of(_process)
