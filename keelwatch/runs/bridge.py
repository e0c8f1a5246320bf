"""What a tool's process asks of the run that started it, and tells it: a unix socket in the run's folder, one
JSON object per line in each direction. Only our own user gets there, for the folder is 0700.

The tool acts on the world through its run alone, whose journal and guardian then know of it.
"""

from __future__ import annotations

import os
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from keelwatch.ledger.fact import JsonObject, canonical, parse_object
from keelwatch.runs.fields import text
from keelwatch.workspace import errors
from keelwatch.workspace.errors import InternalError, KeelwatchError, KernelError
from keelwatch.workspace.sink import narrate

SOCKET = "bridge.sock"
LONGEST_LINE = 16 << 20  # bytes
LAST_ANSWER_S = 60.0

type Answer = Callable[[JsonObject], JsonObject | None]


class Bridge:
    """The run's side, a context. `answer` gets each message, in a thread of its connection; what it
    raises reaches the tool as the same error. None answers what was only told. `hung_up` is called when a
    connection ends."""

    def __init__(self, folder: Path, answer: Answer, hung_up: Callable[[], None] = lambda: None) -> None:
        self._folder = folder
        self._answer = answer
        self._hung_up = hung_up
        self._lines: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._over = False
        self._mutex = threading.Lock()

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            (self._folder / SOCKET).unlink(missing_ok=True)
            with _short(self._folder) as path:
                self._listener.bind(path)
            self._listener.listen()
        except OSError as error:
            self._listener.close()
            raise KernelError(
                f"no socket for the tool's process: {error.strerror}", "free some space"
            ) from None
        threading.Thread(target=self._accept, name="bridge", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._mutex:
            self._over = True
            lines = list(self._lines)
        for one in (self._listener, *lines):
            with suppress(OSError):  # it hung up before
                one.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:  # nothing that a tool asked for goes on once its run does something else
            thread.join(LAST_ANSWER_S)
        (self._folder / SOCKET).unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with self._mutex:
                if self._over:
                    line.close()
                    return
                self._lines.add(line)
                thread = threading.Thread(
                    target=self._converse, args=(line,), name="bridge line", daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _converse(self, line: socket.socket) -> None:
        try:
            with line, line.makefile("rb") as messages, suppress(OSError):
                while message := messages.readline(LONGEST_LINE):
                    answer = self._answered(message)
                    if answer is not None:
                        line.sendall(canonical(answer).encode() + b"\n")
        finally:
            with self._mutex:
                self._lines.discard(line)
            self._hung_up()

    def _answered(self, message: bytes) -> JsonObject | None:
        try:
            return self._answer(parse_object(message.decode()))
        except KeelwatchError as error:
            return {"error": type(error).__name__, "message": error.message, "hint": error.hint}
        except Exception as error:  # noqa: BLE001 -- our own bug; the tool hears of it, and the log keeps it
            narrate(traceback.format_exc())
            return {"error": "InternalError", "message": f"{type(error).__name__}: {error}", "hint": ""}


class Line:
    """The tool's side: a connection to its run. Calls of several threads take turns. Raises `KernelError`
    once the run is gone."""

    def __init__(self, folder: Path) -> None:
        self._mutex = threading.Lock()
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _short(folder) as path:
                self._line.connect(path)
        except OSError as error:
            self._line.close()
            raise KernelError(f"the run does not answer: {error.strerror}") from None
        self._answers = self._line.makefile("rb")

    def call(self, message: JsonObject) -> JsonObject:
        """What the run answers. Raises what its side raised."""
        with self._mutex:
            self._send(message)
            try:
                told = self._answers.readline(LONGEST_LINE)
            except OSError as error:
                raise KernelError(f"the run hung up: {error.strerror}") from None
        if not told.endswith(b"\n"):
            raise KernelError("the run hung up")
        answer = parse_object(told.decode())
        if "error" in answer:
            raise _raised(answer)
        return answer

    def tell(self, message: JsonObject) -> None:
        """Without an answer: the run's side gives none to such a message."""
        with self._mutex:
            self._send(message)

    def close(self) -> None:
        self._answers.close()
        self._line.close()

    def _send(self, message: JsonObject) -> None:
        try:
            self._line.sendall(canonical(message).encode() + b"\n")
        except OSError as error:
            raise KernelError(f"the run hung up: {error.strerror}") from None


def _raised(answer: JsonObject) -> KeelwatchError:
    kind = getattr(errors, text(answer, "error"), InternalError)
    is_ours = isinstance(kind, type) and issubclass(kind, KeelwatchError) and kind is not errors.InputError
    return (kind if is_ours else InternalError)(text(answer, "message"), text(answer, "hint"))


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """The socket's path through the folder's descriptor: a unix socket's is limited to 107 characters."""
    handle = os.open(folder, os.O_PATH)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)
