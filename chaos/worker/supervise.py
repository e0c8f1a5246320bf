"""A limit of time around every activity, hosts of the environment alone, and controls that fail closed.

Chaos Toolkit gives a python activity as much time as it likes, and ignores whatever a control raises but one
exception. Both are mended where it calls them.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import chaoslib.activity
import chaoslib.control
import chaoslib.hypothesis
import chaoslib.provider.http
from chaoslib import substitute
from chaoslib.exceptions import ActivityFailed, InterruptExecution

from chaos.line import ROLLING_BACK, OutOfBounds
from chaos.worker.stopping import Stopping
from chaos.worker.telling import Telling

PYTHON_S = 150.0  # a probe may be a journey, which has 120
TOOL_S = 30.0
HTTP_S = 10.0
BAD_STATUS = 400
PAUSE_S = 0.05
OURS = "chaos.actions"
CONFIGURE = "configure"

type Host = tuple[str, str, int]


class Supervisor:
    """Of one experiment. `hosts` are those that it may ask. `crashed` is a control that broke, `refused` what
    an activity may not do: Chaos Toolkit goes on after either while it sets itself up."""

    def __init__(self, telling: Telling, stopping: Stopping, hosts: Collection[Host]) -> None:
        self._telling = telling
        self._stopping = stopping
        self._hosts = hosts
        self._asking = threading.local()
        self._rollbacks: Sequence[Any] = ()
        self.crashed = ""
        self.refused = ""

    def roll_back(self, rollbacks: Sequence[Any]) -> None:
        """From here on the main thread carries out `rollbacks`; what is left of the method may go on
        elsewhere."""
        self._rollbacks = rollbacks
        self._stopping.rolling_back = True

    def install(self) -> None:
        """Once, before the experiment runs."""
        run_activity = chaoslib.activity.run_activity
        apply_control = chaoslib.control.apply_python_control
        initialize = chaoslib.control.initialize_control

        def activity(activity: dict[str, Any], configuration: Any, secrets: Any) -> Any:
            limited = with_limit(activity)
            return self._activity(
                limited, configuration, secrets, lambda: run_activity(limited, configuration, secrets)
            )

        def control(level: str, control: dict[str, Any], **more: Any) -> None:
            self._control(level, control, lambda: apply_control(level=level, control=control, **more))

        def set_up(control: dict[str, Any], *given: Any, **more: Any) -> None:
            self._control(CONFIGURE, control, lambda: initialize(control, *given, **more))

        self._bound_redirects()
        chaoslib.activity.run_activity = activity
        chaoslib.hypothesis.run_activity = activity
        chaoslib.control.apply_python_control = control
        chaoslib.control.initialize_control = set_up

    def _bound_redirects(self) -> None:
        """Of `http` alone: what a module of the experiment's own asks is its own affair."""
        session = chaoslib.provider.http.requests.Session
        usual = session.get_redirect_target

        def target(of: Any, answer: Any) -> Any:
            found = usual(of, answer)
            name = getattr(self._asking, "activity", None)
            if found is not None and name is not None:
                self._refuse_host(name, urljoin(answer.url, found))
            return found

        session.get_redirect_target = target

    def _activity(
        self, activity: dict[str, Any], configuration: Any, secrets: Any, call: Callable[[], Any]
    ) -> Any:
        provider = activity["provider"]
        match provider["type"]:
            case "process":
                return judged(activity, call())
            case "http":
                self._refuse_host(activity, substitute(provider["url"], configuration, secrets))
                limit = limit_s(activity, configuration, secrets)
                return judged(activity, self._within(activity, limit, self._bound(activity, call)))
        try:
            return self._within(activity, limit_s(activity, configuration, secrets), call)
        except ActivityFailed as error:  # Chaos Toolkit would go on with what comes next
            if not isinstance(error.__context__, OutOfBounds) or self._stopping.rolling_back:
                raise
            self.refused = error.__context__.message
            raise self._interruption(self.refused) from error

    def _bound(self, activity: dict[str, Any], call: Callable[[], Any]) -> Callable[[], Any]:
        """`call` in a thread that remembers for which activity it asks."""

        def bound() -> Any:
            self._asking.activity = activity
            return call()

        return bound

    def _within(self, activity: dict[str, Any], limit_s: float, call: Callable[[], Any]) -> Any:
        """`call` in a thread, for so long. One that does not come back is left behind; the process ends
        without waiting for it."""
        found: list[Any] = []
        raised: list[BaseException] = []
        over = threading.Event()
        context = contextvars.copy_context()
        context.run(ROLLING_BACK.set, self._is_rollback(activity))

        def body() -> None:
            try:
                found.append(context.run(call))
            except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
                raised.append(error)
            finally:
                over.set()

        threading.Thread(target=body, name=f"activity {activity.get('name')}", daemon=True).start()
        deadline = time.monotonic() + limit_s
        while not over.wait(PAUSE_S):
            if time.monotonic() > deadline:
                raise self._late(activity, limit_s)
            self._give_up_if_stopped()
        if raised:
            raise raised[0]
        return found[0]

    def _is_rollback(self, activity: dict[str, Any]) -> bool:
        is_main = threading.current_thread() is threading.main_thread()
        return self._stopping.rolling_back and (is_main or any(one is activity for one in self._rollbacks))

    def _give_up_if_stopped(self) -> None:
        """The main thread is interrupted by the signal; others would keep the rollbacks waiting."""
        is_main = threading.current_thread() is threading.main_thread()
        if self._stopping.why and not is_main and not self._stopping.rolling_back:
            raise InterruptExecution(f"stopped: {self._stopping.why}")

    def _late(self, activity: dict[str, Any], limit_s: float) -> Exception:
        """A probe has failed then. An action may still land, so nothing more is done but rolling back."""
        words = f"{activity.get('name')}: no end after {limit_s:g} s"
        if activity.get("type") == "probe" or self._stopping.rolling_back:
            failed: Exception = ActivityFailed(words)
            return failed
        self._telling.tell("overrun", name=str(activity.get("name")), reason=words)
        return self._interruption(words)

    def _refuse_host(self, activity: dict[str, Any], url: str) -> None:
        host = host_of(url)
        if host in self._hosts:
            return
        words = f"{activity.get('name')}: {url} is not of this environment"
        self._telling.tell("refused", name=str(activity.get("name")), reason=words)
        if self._stopping.rolling_back:
            raise ActivityFailed(words)
        self.refused = words
        raise self._interruption(words)

    def _control(self, level: str, control: dict[str, Any], call: Callable[[], None]) -> None:
        try:
            call()
        except InterruptExecution as error:
            if level == CONFIGURE:  # Chaos Toolkit goes on without a control that does not come up
                self.crashed = f"{control.get('name')} at {level}: {error}"
            self._telling.tell("control", name=str(control.get("name")), level=level, state="interrupted")
            if not self._stopping.rolling_back:
                raise self._interruption(str(error)) from error
        except BaseException as error:  # a gate that breaks is shut, whatever broke it
            if self._is_stop(error):
                raise
            self.crashed = f"{control.get('name')} at {level}: {type(error).__name__}: {error}"
            self._telling.tell(
                "control", name=str(control.get("name")), level=level, state="crashed", reason=self.crashed
            )
            if not self._stopping.rolling_back:
                raise self._interruption(f"a control crashed: {self.crashed}") from error

    def _is_stop(self, error: BaseException) -> bool:
        """Whether it is a wish to stop that came while the control was asked, and none of the control's."""
        is_main = threading.current_thread() is threading.main_thread()
        return isinstance(error, KeyboardInterrupt) and is_main and self._stopping.safe

    def _interruption(self, words: str) -> Exception:
        """In a thread beside the main one it would be noticed too late; in the main one, no signal comes in
        between."""
        if threading.current_thread() is threading.main_thread():
            self._stopping.leave()
        else:
            self._stopping.wish(words)
        interruption: Exception = InterruptExecution(words)
        return interruption


def judged(activity: dict[str, Any], found: Any) -> Any:
    """What a command or a request came to. Chaos Toolkit takes any for a success, and only warns; what a
    probe found, its tolerance judges. Raises `ActivityFailed`."""
    status = found.get("status") if isinstance(found, dict) else None
    if activity.get("type") != "action" or not isinstance(status, int):
        return found
    if activity["provider"]["type"] == "process" and status != 0:
        lines = str(found.get("stderr") or "").strip().splitlines()
        raise ActivityFailed(f"it ended with {status}" + (f": {lines[-1]}" if lines else ""))
    if activity["provider"]["type"] == "http" and status >= BAD_STATUS:
        raise ActivityFailed(f"it was answered {status}")
    return found


def with_limit(activity: dict[str, Any]) -> dict[str, Any]:
    """The activity with the time that its own provider is to keep to; a command's is all that ends
    it. A copy: two activities may share a provider."""
    provider = activity["provider"]
    match provider["type"]:
        case "process":
            told = [activity.get("timeout"), provider.get("timeout")]
            limit = min((one for one in told if isinstance(one, int | float)), default=TOOL_S)
        case "http":
            limit = provider.get("timeout", HTTP_S)
        case _:
            return activity
    return {**activity, "provider": {**provider, "timeout": limit}}


def limit_s(activity: dict[str, Any], configuration: Any, secrets: Any) -> float:
    """How long an activity may take: what it says itself, else the usual; the time it is told to wait comes
    on top."""
    provider = activity["provider"]
    if isinstance(activity.get("timeout"), int | float):
        return float(activity["timeout"])
    if provider["type"] == "http":
        told = substitute(provider.get("timeout"), configuration, secrets)
        return 2 * float(told) if isinstance(told, int | float) else TOOL_S
    if provider.get("module") == OURS and provider.get("func") == "wait":
        return PYTHON_S + _waits_s(substitute(provider.get("arguments", {}), configuration, secrets))
    return PYTHON_S


def _waits_s(arguments: Any) -> float:
    from keelwatch.workspace.reader import parse_duration

    try:
        return parse_duration(arguments["for_"]).total_seconds()
    except (KeyError, TypeError, ValueError):
        return 0.0


def host_of(url: str) -> Host | None:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except (ValueError, AttributeError):
        return None
    return (parts.scheme, parts.hostname or "", port)
