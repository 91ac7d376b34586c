"""Progress on stderr, a bar on a terminal and plain lines elsewhere, and the clock and speed that it shows."""

from __future__ import annotations

import sys
import time
from collections import deque
from types import TracebackType

from tqdm import tqdm

SHORTEST = 0.5
"""Shortest training time, in seconds, to measure a speed over. The first step after an evaluation or a checkpoint finds
cold caches, and the system may give the core to another process for some 10 ms: a line that covers a few milliseconds
would show little else."""


class Progress:
    """Bar over steps. If stderr is not a terminal there is no bar, only lines of text.

    Parameters
    ----------
    total, done : int
        Steps of the whole run, and those that earlier runs have done.
    unit : {"char", "byte", "word", "row"}
        What the speed counts.
    loss_unit : str
        "nats", or an empty string.
    epoch : int, optional
        Steps per epoch, if lines are to count epochs instead of steps.
    quiet : bool
        Show nothing.
    """

    def __init__(
        self,
        total: int,
        done: int,
        *,
        unit: str = "char",
        loss_unit: str = "nats",
        epoch: int | None = None,
        quiet: bool = False,
    ) -> None:
        self.quiet, self.unit, self.loss_unit, self.epoch = quiet, unit, loss_unit, epoch
        self.bar = tqdm(
            total=max(total, done),  # a resumed run may already be longer
            initial=done,
            file=sys.stderr,
            bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
            dynamic_ncols=True,
            disable=quiet or not sys.stderr.isatty(),
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.bar.close()

    def advance(self) -> None:
        """Advance the bar by one step."""
        self.bar.update()

    def show(self, *, step: int, loss: float, held_out_loss: float | None, speed: float, say: bool) -> None:
        """Show the latest figures after the bar and, with `say`, on a line of their own."""
        self.bar.set_postfix_str(f"loss {loss:.3f}, {speed:,.0f} {self.unit}/s", refresh=False)
        if say:
            done = f"step {step}" if self.epoch is None else f"epoch {step / self.epoch:.3g}"
            held_out = "" if held_out_loss is None else f", held-out loss {held_out_loss:.3f} {self.loss_unit}".rstrip()
            unit = f" {self.loss_unit}".rstrip() if self.epoch else ""
            self.say(f"{done}: loss {loss:.3f}{unit}{held_out}, {speed:,.0f} {self.unit}/s")

    def say(self, text: str) -> None:
        """Print text above the bar."""
        if not self.quiet:
            tqdm.write(text, file=sys.stderr)


class Reading:
    """Bar over a corpus while its words are counted and encoded.

    Parameters
    ----------
    name : str
    total : int, optional
        Bytes or sentences of all passes, if known.
    quiet : bool
    """

    def __init__(self, name: str, total: int | None, *, quiet: bool = False) -> None:
        self.bar = tqdm(
            desc=f"reading {name}",
            total=total,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            file=sys.stderr,
            dynamic_ncols=True,
            leave=False,
            delay=1.0,
            disable=quiet or not sys.stderr.isatty(),
        )

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.bar.close()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        tqdm.write(text, file=sys.stderr)

    def advance(self, count: int) -> None:
        """Advance the bar by `count`."""
        self.bar.update(count)


class StopWatch:
    """Seconds of training; paused while entered as a context."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._before, self._since = seconds, time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return self._before + time.perf_counter() - self._since

    def __enter__(self) -> None:
        self._before = self.seconds
        self._since = float("nan")

    def __exit__(self, *_: object) -> None:
        self._since = time.perf_counter()


class SpeedMeter:
    """Steps per second, from line to line.

    Parameters
    ----------
    step : int
        Steps done before the first that is measured.
    seconds : float
        Seconds of training before it.
    """

    def __init__(self, step: int, seconds: float) -> None:
        self._start = step
        self._marks = deque([(step, seconds)])

    def mark(self, step: int, seconds: float) -> None:
        """Let later measurements start here or later if they can: the first step compiles, for example."""
        self._start = step
        self._marks.append((step, seconds))

    def measure(self, step: int, seconds: float) -> float:
        """Steps per second since the last call, or over a longer stretch if that took less than `SHORTEST`."""
        marks = self._marks
        while len(marks) > 1 and (marks[0][0] < self._start < step or seconds - marks[1][1] >= SHORTEST):
            marks.popleft()
        first, since = marks[0]
        marks.append((step, seconds))
        return (step - first) / (seconds - since)
