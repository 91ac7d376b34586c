"""Loss over training steps: of one run, or of several to compare."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from portnn.plots.axes import axes_for, label_decades, legend_beside
from portnn.plots.palette import BLUE, VERMILION, line_style
from portnn.plots.points import Host, on_host
from portnn.training import read_metrics
from portnn.training.metrics import SPEED


class LossCurve(NamedTuple):
    """Losses and the steps they were measured at, each (n,), the held-out ones may be none; and what the losses are."""

    steps: Host
    losses: Host
    held_out_steps: Host
    held_out_losses: Host
    meaning: str = "cross-entropy [nats per token]"


def plot_loss(
    runs: Any,
    *,
    ax: Any = None,
    title: str = "Loss",
    ylabel: str | None = None,
    bits: bool = True,
    logy: bool = False,
) -> Any:
    """Draw loss curves over steps: training loss and, where it was measured, held-out loss.

    Parameters
    ----------
    runs : path, list of Metrics, sequence of float, pair, or dict
        A metrics.jsonl or the folder that holds one; `metrics` of an estimator; losses, one a step; a pair
        (steps, losses). A dict of label to any of these draws several runs together.
    ax : matplotlib Axes, optional
        Where to draw; without it a new figure is made.
    title : str
    ylabel : str, optional
        What the loss is, with its unit; without it the loss of a pair of words, if that is what the metrics of the
        first run are of, or else of a token.
    bits : bool
        Add an axis in bits on the right, if `ylabel` says "nats".
    logy : bool
        Draw the loss on a logarithmic scale.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If there is no run, or a run has no losses or another number of steps than of losses.

    Examples
    --------
    >>> from portnn.plots import plot_loss
    >>> figure = plot_loss({"momentum": [0.9, 0.3, 0.1], "none": [0.9, 0.7, 0.5]}, ylabel="half the squared error")
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['momentum', 'none']
    """
    if isinstance(runs, Mapping):
        curves = {str(label): _curve(run, f"runs[{label!r}]") for label, run in runs.items()}
        if not curves:
            raise ValueError("runs has no run to draw")
        ax = axes_for(ax, size=(8.4, 4.2))
        _draw_several(ax, curves)
        curve = next(iter(curves.values()))
    else:
        curve = _curve(runs, "runs")
        ax = axes_for(ax, size=(7.0, 4.2))
        _draw_one(ax, curve)
    ylabel = curve.meaning if ylabel is None else ylabel
    ax.set(xlabel="training step", ylabel=ylabel, title=title)
    if logy:
        ax.set_yscale("log")
        label_decades(ax.yaxis, *ax.get_ylim())
    ax.spines["top"].set_visible(False)
    bits = bits and "nats" in ylabel
    if bits:
        second = ax.secondary_yaxis("right", functions=(lambda nats: nats / math.log(2), lambda b: b * math.log(2)))
        second.set_ylabel(ylabel[max(ylabel.find("["), 0) :].replace("nats", "bits"))
        if logy:
            label_decades(second.yaxis, *ax.get_ylim())
    else:
        ax.spines["right"].set_visible(False)
    ax.grid(alpha=0.25)
    if isinstance(runs, Mapping):
        legend_beside(ax, room=6.5 if bits else 0.8)  # further away, where the axis in bits is between
    else:
        ax.legend(frameon=False, loc="best")
    return ax.figure


def _draw_one(ax: Any, curve: LossCurve) -> None:
    ax.plot(curve.steps, curve.losses, color=BLUE, lw=1.2, label="training")
    if len(curve.held_out_steps):
        ax.plot(curve.held_out_steps, curve.held_out_losses, color=VERMILION, lw=1.6, marker="o", ms=3.5,
                label="held out")  # fmt: skip
        last = float(curve.held_out_losses[-1])
        ax.annotate(
            f"{last:.3f}", (curve.held_out_steps[-1], last),
            textcoords="offset points", xytext=(0, 7), ha="right", color=VERMILION,
        )  # fmt: skip


def _draw_several(ax: Any, curves: Mapping[str, LossCurve]) -> None:
    """A colour and a line style a run; the held-out loss in both, with a marker at each measurement."""
    for number, (label, curve) in enumerate(curves.items()):
        measured = len(curve.held_out_steps) > 0
        style = line_style(number)
        ax.plot(curve.steps, curve.losses, lw=1.4, label=f"{label}, training" if measured else label, **style)
        if measured:
            ax.plot(curve.held_out_steps, curve.held_out_losses, lw=1.4, marker="o", ms=4.5, mfc="white",
                    label=f"{label}, held out", **style)  # fmt: skip


def _curve(run: Any, name: str) -> LossCurve:
    """Read what stands for a run; `name` says in a message which it was."""
    if isinstance(run, str | os.PathLike):
        path = Path(run)
        run, name = read_metrics(path / "metrics.jsonl" if path.is_dir() else path), str(path)
    if isinstance(run, Sequence) and all(isinstance(line, Mapping) for line in run):
        if not run:
            raise ValueError(f"{name} has no metrics to draw")
        held_out = [line for line in run if line.get("held_out_loss") is not None]
        curve = LossCurve(*_columns(run, "step", "loss", name), *_columns(held_out, "step", "held_out_loss", name))
        return curve._replace(meaning="loss [nats per pair]") if SPEED["word"] in run[0] else curve
    pair = isinstance(run, tuple | list) and len(run) == 2 and all(np.ndim(values) == 1 for values in run)
    losses = on_host(run[1] if pair else run).astype(np.float64)
    steps = on_host(run[0]) if pair else np.arange(1, losses.size + 1)
    if losses.ndim != 1 or losses.shape != steps.shape or len(losses) == 0:
        raise ValueError(f"{name} has losses of shape {losses.shape} at steps of shape {steps.shape}, expected (n,)")
    return LossCurve(steps, losses, np.zeros(0), np.zeros(0))


def _columns(lines: Sequence[Mapping[str, Any]], steps: str, losses: str, name: str) -> tuple[Host, Host]:
    try:
        return np.asarray([line[steps] for line in lines]), np.asarray([line[losses] for line in lines], np.float64)
    except KeyError as error:
        raise ValueError(f"{name} has a line without {error}, expected lines of metrics with step and loss") from None
