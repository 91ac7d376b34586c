"""Progress: a bar in a terminal or a notebook, plain lines elsewhere; and the clock and speed that it shows."""

from __future__ import annotations

import sys
import time
import warnings
from collections import deque
from types import TracebackType
from typing import Any

from tqdm import TqdmWarning, tqdm

LINES = 20
"""Lines that a run of known length says, give or take its first and its last."""

SHORTEST = 0.5
"""Shortest training time, in seconds, to measure a speed over. The first step after an evaluation or a checkpoint finds
cold caches, and the system may give the core to another process for some 10 ms: a line that covers a few milliseconds
would show little else."""


class Progress:
    """Progress of a run: a bar and lines above it in a terminal, a bar alone in a notebook, lines alone elsewhere.

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
    may_end_early : bool
        Whether `total` is only the most steps that there can be.
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
        may_end_early: bool = False,
        quiet: bool = False,
    ) -> None:
        self.quiet, self.unit, self.loss_unit, self.epoch = quiet, unit, loss_unit, epoch
        self.due = SparseLines(total, done, may_end_early=may_end_early)
        self.withheld: str | None = None
        self.bar = _bar(
            total=max(total, done),  # a resumed run may already be longer
            initial=done,
            bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
            quiet=quiet,
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if self.withheld is not None:
            self.say(self.withheld)
        if kind is None and self.bar.n < self.bar.total and not self.bar.disable:
            self.bar.total = self.bar.n  # it ended early, and is complete
            if hasattr(self.bar, "container"):
                self.bar.container.children[1].max = self.bar.n
            self.bar.refresh()
        self.bar.close()

    def advance(self) -> None:
        """Advance the bar by one step."""
        self.bar.update()

    def show(self, *, step: int, loss: float, held_out_loss: float | None, speed: float, say: bool) -> None:
        """Show the latest figures after the bar and, with `say`, on a line of their own if one is due.

        The last line of a run is said in any case, at its end.
        """
        held_out = "" if held_out_loss is None else f", held-out loss {held_out_loss:.3f}"
        # The held-out loss comes last, where a narrow window cuts the bar: it is on the lines above, too.
        self.bar.set_postfix_str(f"loss {loss:.3f}, {speed:,.0f} {self.unit}/s{held_out}", refresh=False)
        if say and not in_notebook():
            done = f"step {step}" if self.epoch is None else f"epoch {step / self.epoch:.3g}"
            held_out = f"{held_out} {self.loss_unit}".rstrip() if held_out else ""
            unit = f" {self.loss_unit}".rstrip() if self.epoch else ""
            line = f"{done}: loss {loss:.3f}{unit}{held_out}, {speed:,.0f} {self.unit}/s"
            self.withheld = None if self.due.at(step) else line
            if self.withheld is None:
                self.say(line)

    def say(self, text: str) -> None:
        """Print text above the bar."""
        if not self.quiet:
            say(text)


class SparseLines:
    """Which evaluations of a run get a line: the first, and then some `LINES` at equal distances.

    A run that may end early gets lines at growing distances instead, since its length is not known.

    Parameters
    ----------
    total, done : int
        Steps of the whole run, and those that earlier runs have done.
    may_end_early : bool
    """

    def __init__(self, total: int, done: int, *, may_end_early: bool = False) -> None:
        self._start, self._steps, self._growing = done, max(total - done, 1), may_end_early
        self._count, self._next = 0, 1
        self._part = -1

    def at(self, step: int) -> bool:
        """Whether the next evaluation, after `step` steps, gets a line."""
        self._count += 1
        if self._growing:
            due = self._count >= self._next
            if due:
                self._next = self._count + max(1, self._count // 3)
            return due
        part = (step - self._start) * LINES // self._steps
        due, self._part = part > self._part, part
        return due


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
        self.bar = _bar(
            desc=f"reading {name}",
            total=total,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            leave=False,
            delay=1.0,
            quiet=quiet,
        )

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.bar.close()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        bar = self.bar
        if bar.disable or bar.last_print_t < bar.start_t + bar.delay:  # tqdm would show a bar that is still waiting
            print(text, file=_stream())
        else:
            say(text)

    def advance(self, count: int) -> None:
        """Advance the bar by `count`."""
        self.bar.update(count)


def say(text: str) -> None:
    """Print a line above any bar: on stderr or, in a notebook, which shows stderr as an error, on stdout."""
    tqdm.write(text, file=_stream())


def _stream() -> Any:
    return sys.stdout if in_notebook() else sys.stderr


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    interactive = sys.modules.get("IPython")
    return interactive is not None and hasattr(interactive.get_ipython(), "kernel")


def _bar(*, quiet: bool, **options: Any) -> Any:
    """Bar of tqdm: in a notebook its widget or, without ipywidgets, text; none where nobody would see it move."""
    if not in_notebook():
        return tqdm(file=_stream(), dynamic_ncols=True, disable=quiet or not sys.stderr.isatty(), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)  # that there are no ipywidgets
        from tqdm.auto import tqdm as notebook_tqdm
    # Each frame of a text bar is sent to the browser, and kept in the notebook.
    return notebook_tqdm(file=_stream(), dynamic_ncols=True, mininterval=0.5, disable=quiet, **options)


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
