"""Cut-offs side by side: each in a Python process of its own, which never runs the caller's script again."""

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
from typing import Any, BinaryIO

from clvmodels.backtesting.rounds import Round, Task, play

SMALL = 20_000
"""Customers of all cut-offs together below which other processes take longer to start than to help."""

_LENGTH = struct.Struct("<Q")
_CODE = "from clvmodels.backtesting.workers import serve; serve()"


def play_all(tasks: Sequence[Task], *, workers: int | None, done: Callable[[Round], None]) -> list[Round]:
    """The rounds of all tasks, in their order, the same whatever ``workers`` is.

    A worker is started as ``python -c …`` and talks through its pipes: it does not import the script that called us,
    as ``multiprocessing`` would, so that scripts need no ``if __name__ == "__main__"``. Where no process can be started
    the rounds are played here, one after the other.

    Parameters
    ----------
    workers
        How many processes; 1 plays in this one. None takes as many as there are processors, and 1 for small logs.
    done
        Called with each round when it is ready.
    """
    count = min(len(tasks), _sensible(tasks) if workers is None else workers)
    processes = [process for process in (_start() for _ in range(count if count > 1 else 0)) if process is not None]
    if not processes:
        rounds = []
        for task in tasks:
            rounds.append(play(task))
            done(rounds[-1])
        return rounds
    return _share(tasks, processes, done)


def _sensible(tasks: Sequence[Task]) -> int:
    if sum(len(task.past.calibration.frame) for task in tasks) < SMALL:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start() -> subprocess.Popen[bytes] | None:
    """A process that waits for tasks, its linear algebra in one thread: small products gain nothing from more."""
    if not sys.executable:
        return None
    alone = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")}
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **alone, "PYTHONPATH": path},
        )
    except OSError:
        return None


def _share(
    tasks: Sequence[Task], processes: Sequence[subprocess.Popen[bytes]], done: Callable[[Round], None]
) -> list[Round]:
    """Each process takes the next task when it is free; a thread apiece waits for its answers."""
    waiting: SimpleQueue[int] = SimpleQueue()
    for index in reversed(range(len(tasks))):  # the latest know most and take longest
        waiting.put(index)
    ready: dict[int, Any] = {}
    lock = threading.Lock()

    def attend(process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        while True:
            try:
                index = waiting.get_nowait()
            except Empty:
                return
            try:
                _send(process.stdin, tasks[index])
                answer = _receive(process.stdout)
            except (OSError, EOFError):  # killed, or out of memory: play it here
                answer = _tried(tasks[index])
            with lock:
                ready[index] = answer
                if isinstance(answer, Round):
                    done(answer)
                else:
                    while not waiting.empty():
                        with contextlib.suppress(Empty):
                            waiting.get_nowait()

    threads = [threading.Thread(target=attend, args=(process,), daemon=True) for process in processes]
    try:
        for thread in threads:
            thread.start()
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
    for answer in ready.values():
        if isinstance(answer, BaseException):
            raise answer
    return [ready[index] for index in range(len(tasks))]


def _tried(task: Task) -> Any:
    try:
        return play(task)
    except Exception as error:
        return error


def serve() -> None:
    """What a worker does: read a task, play it, write the round; until there are no more."""
    tasks, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints goes to stderr: stdout is for answers
    while True:
        try:
            task = _receive(tasks)
        except EOFError:
            return
        _send(answers, _tried(task))


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
