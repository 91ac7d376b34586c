"""Progress on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm


class Progress:
    """Bar over steps. Where stderr is no terminal there is no bar, only what is said.

    Parameters
    ----------
    total, done : int
        Steps of the whole run, and those that earlier runs have done.
    unit : str
        What the speed counts: "char", "row".
    loss_unit : str
        "nats", or nothing.
    epoch : int, optional
        Steps of an epoch, where what is said counts epochs and not steps.
    quiet : bool
        Neither a bar nor a word.
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
            total=total,
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
        """One step more."""
        self.bar.update()

    def show(self, *, step: int, loss: float, held_out_loss: float | None, speed: float, say: bool) -> None:
        """Put the latest figures behind the bar; with `say`, on a line of their own too."""
        self.bar.set_postfix_str(f"loss {loss:.3f}, {speed:,.0f} {self.unit}/s", refresh=False)
        if say:
            where = f"step {step}" if self.epoch is None else f"epoch {step / self.epoch:.3g}"
            held_out = "" if held_out_loss is None else f", held-out loss {held_out_loss:.3f} {self.loss_unit}".rstrip()
            unit = f" {self.loss_unit}".rstrip() if self.epoch else ""
            self.say(f"{where}: loss {loss:.3f}{unit}{held_out}, {speed:,.0f} {self.unit}/s")

    def say(self, text: str) -> None:
        """Put lines above the bar."""
        if not self.quiet:
            tqdm.write(text, file=sys.stderr)


class Reading:
    """Bar over what has been read of a corpus, while its words are counted and encoded.

    Parameters
    ----------
    name : str
    total : int, optional
        Bytes or sentences of all passes, where that is known.
    quiet : bool
    """

    def __init__(self, name: str, total: int | None, *, quiet: bool = False) -> None:
        self.bar = tqdm(
            desc=f"reading {name}", total=total, unit="B", unit_scale=True, unit_divisor=1024, file=sys.stderr,
            dynamic_ncols=True, leave=False, delay=1.0, disable=quiet or not sys.stderr.isatty(),
        )  # fmt: skip

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.bar.close()

    def say(self, text: str) -> None:
        """Put a line above the bar."""
        tqdm.write(text, file=sys.stderr)

    def advance(self, count: int) -> None:
        """So much more was read."""
        self.bar.update(count)


class StopWatch:
    """Seconds of work, without the pauses."""

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
