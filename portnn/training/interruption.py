"""SIGINT and SIGTERM: a run that is asked to stop first finishes its step and saves."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop, and has saved its state.

    Attributes
    ----------
    signal : int
        Number of the signal.
    step : int
        Steps done.
    """

    def __init__(self, number: int, step: int) -> None:
        self.signal, self.step = number, step
        super().__init__(number, step)  # from which another process makes it again

    def __str__(self) -> str:
        return f"stopped by {signal.Signals(self.signal).name} after step {self.step}"


class StopRequests:
    """While entered, the first SIGINT or SIGTERM only sets `received`; a second one acts as it did before.

    Only the main thread receives signals; in any other thread nothing changes.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequests:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
