"""Pictures of training. matplotlib is imported when something is drawn, not before."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from portnn.training import read_metrics

BLUE, ORANGE = "#0072B2", "#D55E00"
"""Two colours of the palette by Okabe and Ito, which colour-blind people can tell apart."""


def plot_loss(metrics: str | os.PathLike[str], *, ax: Any = None, title: str = "Loss") -> Any:
    """Draw the loss curve of a run: training loss and held-out loss over steps.

    Parameters
    ----------
    metrics : path
        A metrics.jsonl, or the folder that holds one.
    ax : matplotlib Axes, optional
        Where to draw; without it a new figure is made.
    title : str

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If there is no line of metrics.
    """
    path = Path(metrics)
    lines = read_metrics(path / "metrics.jsonl" if path.is_dir() else path)
    if not lines:
        raise ValueError(f"{path} has no metrics to draw")
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(7.0, 4.2), layout="constrained").subplots()
    ax.plot([line["step"] for line in lines], [line["loss"] for line in lines], color=BLUE, lw=1.2, label="training")
    held_out = [line for line in lines if line["held_out_loss"] is not None]
    if held_out:
        ax.plot(
            [line["step"] for line in held_out],
            [line["held_out_loss"] for line in held_out],
            color=ORANGE, lw=1.6, marker="o", ms=3.5, label="held out",
        )  # fmt: skip
        last = held_out[-1]
        ax.annotate(
            f"{last['held_out_loss']:.3f}", (last["step"], last["held_out_loss"]),
            textcoords="offset points", xytext=(0, 7), ha="right", color=ORANGE,
        )  # fmt: skip
    ax.set(xlabel="training step", ylabel="cross-entropy [nats per token]", title=title)
    bits = ax.secondary_yaxis("right", functions=(lambda nats: nats / math.log(2), lambda b: b * math.log(2)))
    bits.set_ylabel("[bits per token]")
    ax.grid(alpha=0.25)
    ax.spines["top"].set_visible(False)
    ax.legend(frameon=False)
    return ax.figure
