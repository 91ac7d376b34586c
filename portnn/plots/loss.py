"""Loss over training steps, of one or several runs."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import real_numbers
from portnn.batches import SequenceBatches, WindowBatches
from portnn.plots.axes import axes_for, label_decades, legend_beside
from portnn.plots.palette import BLUE, VERMILION, line_style
from portnn.plots.points import Host
from portnn.settings import brief
from portnn.training import read_metrics

MEANINGS = {WindowBatches.speed: "loss [nats per pair]", SequenceBatches.speed: "loss [nats per text]"}
"""What the loss is in metrics with a speed of this name, if it is not that of a token."""


class LossCurve(NamedTuple):
    """Losses and their steps, arrays (n,), of which the held-out ones may be empty; and what is measured."""

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
    """Draw the training loss and, if it was measured, the held-out loss over training steps.

    Parameters
    ----------
    runs : path, list of Metrics, sequence of float, pair, or dict
        A file metrics.jsonl or its folder; `metrics` of an estimator; losses, one per step; or a pair (steps, losses).
        A dict from labels to any of these draws several runs together.
    ax : matplotlib Axes, optional
        Axes to draw on. By default a new figure is made.
    title : str
    ylabel : str, optional
        Name of the loss, with its unit. The default is the loss of a pair of words or of a text if the first run has
        metrics of word vectors or of a classifier of texts, else that of a token.
    bits : bool
        Add an axis in bits on the right if `ylabel` contains "nats".
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
        If `runs` is empty, or a run has no losses or not as many steps as losses.

    Examples
    --------
    >>> from portnn.plots import plot_loss
    >>> figure = plot_loss({"momentum": [0.9, 0.3, 0.1], "none": [0.9, 0.7, 0.5]}, ylabel="half the squared error")
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['momentum', 'none']
    """
    if isinstance(runs, Mapping):
        curves = {str(label): _curve(run, f"runs[{brief(label)}]") for label, run in runs.items()}
        if not curves:
            raise ValueError("runs has no runs to draw")
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
        second = ax.secondary_yaxis("right", functions=(_bits, _nats))
        second.set_ylabel(ylabel[max(ylabel.find("["), 0) :].replace("nats", "bits"))
        if logy:
            label_decades(second.yaxis, *ax.get_ylim())
    else:
        ax.spines["right"].set_visible(False)
    ax.grid(alpha=0.25)
    if isinstance(runs, Mapping):
        legend_beside(ax, gap=6.5 if bits else 0.8)  # beyond the axis in bits
    else:
        ax.legend(frameon=False, loc="best")
    return ax.figure


def _bits(nats: Any) -> Any:  # by name, so that the figure can be pickled
    return nats / math.log(2)


def _nats(bits: Any) -> Any:
    return bits * math.log(2)


def _draw_one(ax: Any, curve: LossCurve) -> None:
    ax.plot(curve.steps, curve.losses, color=BLUE, lw=1.2, label="training")
    if len(curve.held_out_steps):
        steps, losses = curve.held_out_steps, curve.held_out_losses
        ax.plot(steps, losses, color=VERMILION, lw=1.6, marker="o", ms=3.5, label="held out")
        above = {"textcoords": "offset points", "xytext": (0, 7), "ha": "right"}
        ax.annotate(f"{losses[-1]:.3f}", (steps[-1], losses[-1]), color=VERMILION, **above)


def _draw_several(ax: Any, curves: Mapping[str, LossCurve]) -> None:
    """Draw each run in its own colour and line style, the held-out loss with a marker at each measurement."""
    for number, (label, curve) in enumerate(curves.items()):
        measured = len(curve.held_out_steps) > 0
        style = {"lw": 1.4, **line_style(number)}
        ax.plot(curve.steps, curve.losses, label=f"{label}, training" if measured else label, **style)
        if measured:
            style |= {"marker": "o", "ms": 4.5, "mfc": "white", "label": f"{label}, held out"}
            ax.plot(curve.held_out_steps, curve.held_out_losses, **style)


def _curve(run: Any, name: str) -> LossCurve:
    """Loss curve of a run in any of its forms; `name` stands for the run in messages."""
    if isinstance(run, str | os.PathLike):
        path = Path(run)
        run, name = read_metrics(path / "metrics.jsonl" if path.is_dir() else path), str(path)
    if isinstance(run, Sequence) and all(isinstance(line, Mapping) for line in run):
        if not run:
            raise ValueError(f"{name} has no metrics to draw")
        held_out = [line for line in run if line.get("held_out_loss") is not None]
        curve = LossCurve(*_columns(run, "step", "loss", name), *_columns(held_out, "step", "held_out_loss", name))
        meaning = next((meaning for speed, meaning in MEANINGS.items() if speed in run[0]), curve.meaning)
        return curve._replace(meaning=meaning)
    pair = isinstance(run, tuple | list) and len(run) == 2 and all(np.ndim(values) == 1 for values in run)
    losses = real_numbers(name, run[1] if pair else run).astype(np.float64)
    steps = real_numbers(name, run[0]) if pair else np.arange(1, losses.size + 1)
    if losses.ndim != 1 or losses.shape != steps.shape or len(losses) == 0:
        raise ValueError(f"{name} has losses of shape {losses.shape} at steps of shape {steps.shape}, expected (n,)")
    return LossCurve(steps, losses, np.zeros(0), np.zeros(0))


def _columns(lines: Sequence[Mapping[str, Any]], steps: str, losses: str, name: str) -> tuple[Host, Host]:
    try:
        return np.asarray([line[steps] for line in lines]), np.asarray([line[losses] for line in lines], np.float64)
    except KeyError as error:
        raise ValueError(f"{name} has a line without {error}, expected lines of metrics with step and loss") from None
