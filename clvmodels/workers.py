"""Work side by side: each piece in a Python process of its own, which never runs the caller's script again."""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, TypeVar

LIMIT = "CLVMODELS_WORKERS"
"""Environment variable: at most so many processes at work, where nothing else was said; 1 keeps to the caller's own."""

ALONE = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")}
"""Environment of a process whose linear algebra keeps to one thread: more would wait longer than they work."""

_LENGTH = struct.Struct("<Q")
_CODE = "from clvmodels.workers import serve; serve()"

T = TypeVar("T")
R = TypeVar("R")


def processors() -> int:
    """How many processes may work at a time: as many as processors, or what ``CLVMODELS_WORKERS`` allows."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get(LIMIT, "")
    return max(1, min(there, int(asked))) if asked.isdecimal() else there


def each(
    function: Callable[[T], R],
    tasks: Sequence[T],
    *,
    workers: int,
    lend_a_hand: bool = False,
    done: Callable[[R], None] = lambda result: None,
) -> list[R]:
    """``function`` of every task, in the tasks' order, the same whatever ``workers`` is.

    A worker is started as ``python -c …`` and talks through its pipes: it does not import the script that called us,
    as ``multiprocessing`` would, so that scripts need no ``if __name__ == "__main__"``. Where no process can be started
    the work is done here, one after the other.

    Parameters
    ----------
    function
        Of a module, by its name: it is looked up again in the other process.
    tasks
        The longest last: they are begun from the end.
    workers
        How many processes work; 1 is this one.
    lend_a_hand
        Whether this process is one of them, and takes tasks while it waits.
    done
        Called with each result when it is ready, one at a time.
    """
    count = min(len(tasks), workers)
    processes = [_start() for _ in range(count - lend_a_hand if count > 1 else 0)]
    started = [process for process in processes if process is not None]
    if not started:
        results = []
        for task in tasks:
            results.append(function(task))
            done(results[-1])
        return results
    return _share(function, tasks, started, lend_a_hand=lend_a_hand, done=done)


def _start() -> subprocess.Popen[bytes] | None:
    """A process that waits for tasks, its linear algebra in one thread: small products gain nothing from more."""
    if not sys.executable:
        return None
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ALONE, "PYTHONPATH": path},
        )
    except OSError:
        return None


def _share(
    function: Callable[[T], R],
    tasks: Sequence[T],
    processes: Sequence[subprocess.Popen[bytes]],
    *,
    lend_a_hand: bool,
    done: Callable[[R], None],
) -> list[R]:
    """Each process takes the next task when it is free; a thread apiece waits for its answers."""
    waiting: SimpleQueue[int] = SimpleQueue()
    for index in reversed(range(len(tasks))):
        waiting.put(index)
    ready: dict[int, Any] = {}
    lock = threading.Lock()

    def work(answer: Callable[[T], Any]) -> None:
        while True:
            try:
                index = waiting.get_nowait()
            except Empty:
                return
            found = answer(tasks[index])
            with lock:
                ready[index] = found
                if isinstance(found, _Failure):
                    while not waiting.empty():
                        with contextlib.suppress(Empty):
                            waiting.get_nowait()
                else:
                    done(found)

    def elsewhere(process: subprocess.Popen[bytes]) -> Callable[[T], Any]:
        def answer(task: T) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                _send(process.stdin, (function, task))
                return _receive(process.stdout)
            except (OSError, EOFError):  # killed, or out of memory: do it here
                return _tried(function, task)

        return answer

    threads = [threading.Thread(target=work, args=(elsewhere(process),), daemon=True) for process in processes]
    try:
        for thread in threads:
            thread.start()
        if lend_a_hand:
            work(lambda task: _tried(function, task))
        for thread in threads:
            thread.join()
    finally:
        for process in processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
    for found in ready.values():
        if isinstance(found, _Failure):
            raise found.error
    return [ready[index] for index in range(len(tasks))]


class _Failure:
    """What a task ended with instead of a result."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _tried(function: Callable[[T], R], task: T) -> R | _Failure:
    try:
        return function(task)
    except Exception as error:
        return _Failure(error)


def serve() -> None:
    """What a worker does: read a function and a task, do it, write the result; until there are no more."""
    tasks, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints goes to stderr: stdout is for answers
    while True:
        try:
            function, task = _receive(tasks)
        except EOFError:
            return
        _send(answers, _tried(function, task))


def _send(pipe: Any, value: Any) -> None:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: Any) -> Any:
    size = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))[0]
    return pickle.loads(_exactly(pipe, size))


def _exactly(pipe: BinaryIO | Any, size: int) -> bytes:
    parts = []
    while size:
        part = pipe.read(min(size, 1 << 24))
        if not part:
            raise EOFError("the other side has ended")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
