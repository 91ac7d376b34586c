"""`LocalGroup`: processes of one machine that share memory, of which the first has started the others."""

from __future__ import annotations

import contextlib
import pickle
import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from portnn.groups.group import Vector

T = TypeVar("T")

HERE, VALUE, ERROR = b".", b"=", b"!"
"""What a message begins with: a process has come to a meeting, gives a value, or has failed."""

LENGTH = struct.Struct("<Q")

SCRATCH = 1 << 20
"""Bytes for sums of vectors that do not lie in shared memory."""

BLOCK = 1 << 15
"""Entries that are added up at a time: they stay in a core's cache."""


class WorkerError(RuntimeError):
    """A worker process failed or has ended."""


class GoneError(Exception):
    """Another process of the group has closed its connection."""


class LocalGroup:
    """Processes of one machine that share memory.

    Every process has a row of the memory. To add up vectors, each fills its row; when all have, each replaces its part
    of every row by the sum; when all have done that, every row holds the whole sum.

    Parameters
    ----------
    rank : int
    peers : dict of int to socket
        Connections to the others.
    memory : uint8 array (size, n)
        Shared by all. The last `SCRATCH` bytes of each row are for vectors that are not from `empty`.
    """

    def __init__(self, rank: int, peers: Mapping[int, socket.socket], memory: Vector) -> None:
        self.rank, self.size = rank, len(memory)
        self.place, self.neighbours = self.rank, self.size
        self._peers, self._room = dict(sorted(peers.items())), memory.shape[1] - SCRATCH
        self._rows, self._scratch = memory[:, : self._room], memory[:, self._room :]

    def empty(self, entries: int, dtype: Any) -> Vector:
        """Vector (entries,) in shared memory, if that has room for it."""
        if entries * np.dtype(dtype).itemsize > self._room:
            return np.empty(entries, dtype)
        own: Vector = _typed(self._rows[self.rank : self.rank + 1], entries, dtype)[0]
        return own

    def sum_in_place(self, vector: Vector) -> None:
        """Replace a vector by the sum of all processes' vectors.

        Raises
        ------
        WorkerError
            If another process failed or has ended.
        """
        own = self._rows[self.rank]
        if vector.ctypes.data == own.ctypes.data and vector.nbytes <= self._room:
            self._add(_typed(self._rows, vector.size, vector.dtype))
            return
        step = SCRATCH // vector.itemsize
        for start in range(0, vector.size, step):
            piece = vector[start : start + step]
            rows = _typed(self._scratch, piece.size, vector.dtype)
            rows[self.rank] = piece
            self._add(rows)
            piece[...] = rows[self.rank]

    def broadcast(self, value: T) -> T:
        """What process 0 gives."""
        if self.rank:
            return self._value(0)  # type: ignore[no-any-return]
        for peer in self._peers:
            self._give(peer, value)
        return value

    def gather(self, value: T) -> list[T]:
        """What each process gives; by pairs, of which the lower number gives first, so that none waits for ever."""
        values = {self.rank: value}
        for peer in self._peers:
            if self.rank < peer:
                self._give(peer, value)
            values[peer] = self._value(peer)
            if self.rank > peer:
                self._give(peer, value)
        return [values[rank] for rank in range(self.size)]

    def fail(self, message: str) -> None:
        """Tell process 0 that this one has failed."""
        self._send(0, ERROR, pickle.dumps(message))

    def close(self) -> None:
        """Close all connections."""
        for peer in self._peers.values():
            peer.close()

    def _add(self, rows: Vector) -> None:
        self._meet()
        entries = rows.shape[1]
        for block in _blocks(entries * self.rank // self.size, entries * (self.rank + 1) // self.size):
            total, *others = (row[block] for row in rows)
            for other in others:
                total += other
            for other in others:
                other[...] = total
        self._meet()

    def _meet(self) -> None:
        """Wait until all processes have come here."""
        for peer in self._peers:
            self._send(peer, HERE)
        gone = False
        for peer in self._peers:
            try:
                self._begin(peer, HERE)
            except GoneError:  # perhaps only because of another, which says why
                gone = True
        if gone:
            raise GoneError

    def _give(self, peer: int, value: Any) -> None:
        self._send(peer, VALUE, pickle.dumps(value))

    def _value(self, peer: int) -> Any:
        self._begin(peer, VALUE)
        return pickle.loads(self._message(peer))

    def _begin(self, peer: int, expected: bytes) -> None:
        """Read how the next message of a process begins."""
        begin = self._read(peer, 1)
        if begin not in (expected, ERROR):
            raise WorkerError(f"processes {self.rank} and {peer} are out of step")
        if begin == ERROR:
            raise WorkerError(f"a worker process failed: {pickle.loads(self._message(peer))}")

    def _message(self, peer: int) -> bytes:
        (length,) = LENGTH.unpack(self._read(peer, LENGTH.size))
        return self._read(peer, length)

    def _send(self, peer: int, begin: bytes, message: bytes | None = None) -> None:
        data = begin if message is None else begin + LENGTH.pack(len(message)) + message
        with contextlib.suppress(ConnectionError):  # reading from it will show why it is gone
            self._peers[peer].sendall(data)

    def _read(self, peer: int, length: int) -> bytes:
        data = b""
        while len(data) < length:
            try:
                more = self._peers[peer].recv(length - len(data))
            except ConnectionError:
                raise GoneError from None
            if not more:
                raise GoneError
            data += more
        return data


def _typed(rows: Vector, entries: int, dtype: Any) -> Vector:
    """The first entries of each row of bytes, as numbers."""
    return rows[:, : entries * np.dtype(dtype).itemsize].view(dtype)


def _blocks(start: int, stop: int) -> Iterator[slice]:
    return (slice(begin, min(begin + BLOCK, stop)) for begin in range(start, stop, BLOCK))
