"""The group that a run's processes form: sums over all parts of a batch, while each computes its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

Vector = np.ndarray[Any, Any]
Process = tuple[subprocess.Popen[bytes], Connection]


class WorkerError(RuntimeError):
    """A worker process failed or has ended."""


class AbandonedError(Exception):
    """The calling process has given up the batch whose part a worker computes."""


class Partial(NamedTuple):
    """What a worker gives to a sum, and waits for."""

    array: Vector


class CallingGroup:
    """The group as the calling process sees it, for one batch: it adds up, and collects the workers' answers.

    Parameters
    ----------
    processes : sequence of (process, connection)
        Those that have a part of it.
    """

    def __init__(self, processes: Sequence[Process]) -> None:
        self.weight = 1.0
        self._processes = processes
        self._early: dict[int, Any] = {}
        self._waiting: set[int] = set()

    def sum(self, array: Vector) -> Vector:
        """Sum of what all processes give, in their order; an answer that comes in its place is an error."""
        for index, (process, connection) in enumerate(self._processes):
            message = received(process, connection)
            if not isinstance(message, Partial):
                self._early[index] = message
                raise message if isinstance(message, WorkerError) else WorkerError("a worker process asked for no sum")
            array = array + message.array
            self._waiting.add(index)
        for index in range(len(self._processes)):
            self._reply(index, array)
        return array

    def answers(self) -> list[Any]:
        """Answer of each worker, or a WorkerError; one that still waits for a sum gives up its part."""
        return [self._answer(index) for index in range(len(self._processes))]

    def _answer(self, index: int) -> Any:
        if index in self._early:
            return self._early[index]
        try:
            if index in self._waiting:
                self._reply(index, None)
            while isinstance(message := received(*self._processes[index]), Partial):
                self._reply(index, None)
        except WorkerError as error:
            return error
        return message

    def _reply(self, index: int, total: Vector | None) -> None:
        process, connection = self._processes[index]
        try:
            connection.send(total)
        except ConnectionError:
            raise gone(process) from None
        self._waiting.discard(index)


class WorkerGroup:
    """The group as a worker sees it."""

    def __init__(self, connection: Connection) -> None:
        self.weight = 1.0
        self._connection = connection

    def sum(self, array: Vector) -> Vector:
        """Sum of what all processes give, as the calling process has added it up."""
        self._connection.send(Partial(array))
        total: Vector | None = self._connection.recv()
        if total is None:
            raise AbandonedError
        return total


def received(process: subprocess.Popen[bytes], connection: Connection) -> Any:
    """What a worker sends next, or a WorkerError if it has ended."""
    try:
        return connection.recv()
    except (EOFError, ConnectionError):
        return gone(process)


def gone(process: subprocess.Popen[bytes]) -> WorkerError:
    """Error for a worker that has ended."""
    return WorkerError(f"a worker process has ended: exit status {process.wait()}")
