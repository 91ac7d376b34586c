"""What a notebook shows of an estimator: its settings, and what it has learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from portnn.settings import Settings, outline, own_first

OPEN = 8
"""Most arrays whose shapes are shown before anybody asks for them."""

POINTS = 200
"""Most points of a curve."""

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 360, 130, 46, 10, 22
"""Size of the picture of the losses and its margins."""

HELD_OUT = "#d55e00"
"""Colour of held-out losses, which stands out from light and dark pages alike."""


class Curve(NamedTuple):
    """Finite losses and their steps."""

    steps: list[int]
    losses: list[float]

    @classmethod
    def of(cls, metrics: Sequence[Any], name: str) -> Curve:
        """Losses of one name in lines of metrics, not all of them if there are many."""
        lines = [line for line in metrics if line[name] is not None and math.isfinite(line[name])]
        kept = lines[:: math.ceil(len(lines) / POINTS) or 1]
        if lines and kept[-1] is not lines[-1]:
            kept.append(lines[-1])
        return cls([line["step"] for line in kept], [float(line[name]) for line in kept])


def call(estimator: Any) -> str:
    """Call that makes an estimator: the settings that differ from their defaults."""
    settings: Settings = estimator.settings
    defaults = {setting.name: setting.default for setting in own_first(type(settings))}
    given = {name: getattr(settings, name) for name in defaults}
    backend = estimator.backend
    if backend is not None and given["backend"] is not None:  # where it is now, in words
        library, device = backend.library, backend.device
        is_default = library.device_name(device) == library.device_name(None)
        given.update(backend=backend.name, device=None if is_default else library.portable_device(device))
        if backend.dtype != (given["dtype"] or "float32"):
            given["dtype"] = backend.dtype
    shown = [f"{name}={outline(value)}" for name, value in given.items() if value != defaults[name]]
    return f"{type(estimator).__name__}({', '.join(shown)})"


def state(estimator: Any) -> str:
    """Whether an estimator has been fitted, and for how long."""
    if estimator.model is None or estimator.params is None:
        return "not fitted"
    return "fitted" if estimator.history is None else f"fitted, {estimator.history.step:,} steps"


def card(estimator: Any) -> str:
    """HTML of an estimator, for a page of any width, light or dark."""
    rows = [f"<code>{escape(call(estimator))}</code>", escape(state(estimator))]
    if estimator.model is not None and estimator.params is not None:
        rows[-1] += f", on {escape(str(estimator.backend))}"
        rows += [*_losses(estimator), _parameters(estimator)]
    style = "max-width: 44em; line-height: 1.5; overflow-wrap: anywhere"
    return f'<div style="{style}">{"".join(f"<div>{row}</div>" for row in rows)}</div>'


def _losses(estimator: Any) -> list[str]:
    trained, held_out = (Curve.of(estimator.metrics, name) for name in ("loss", "held_out_loss"))
    if not trained.steps:
        return []
    said = f"loss {trained.losses[-1]:.3f}"
    if held_out.steps:
        lowest = min(zip(held_out.losses, held_out.steps, strict=True))
        colour = f'<span style="color: {HELD_OUT}">held-out loss</span>'
        said += f", {colour} {held_out.losses[-1]:.3f}, lowest {lowest[0]:.3f} after step {lowest[1]:,}"
    return [said, _picture(trained, held_out)] if len(trained.steps) > 1 else [said]


def _picture(trained: Curve, held_out: Curve) -> str:
    losses = trained.losses + held_out.losses
    low, high = min(losses), max(losses)
    first, last = trained.steps[0], trained.steps[-1]
    right, base = WIDTH - 8, HEIGHT - BOTTOM

    def line(curve: Curve, style: str) -> str:
        across = [LEFT + (right - LEFT) * (step - first) / (last - first) for step in curve.steps]
        down = [base - (base - TOP) * (loss - low) / ((high - low) or 1.0) for loss in curve.losses]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
        return f'<polyline points="{points}" fill="none" stroke-width="1.5" {style}/>'

    title = f"Loss from {trained.losses[0]:.3f} at step {first:,} to {trained.losses[-1]:.3f} at step {last:,}"
    end = 'text-anchor="end"'
    parts = [
        f"<title>{title}</title>",
        f'<path d="M{LEFT},{TOP} V{base} H{right}" fill="none" stroke="currentColor" opacity="0.4"/>',
        line(trained, 'stroke="currentColor"'),
        line(held_out, f'stroke="{HELD_OUT}" stroke-dasharray="5 3"') if len(held_out.steps) > 1 else "",
        '<g fill="currentColor" font-size="11" font-family="sans-serif">',
        f'<text x="{LEFT - 4}" y="{TOP + 4}" {end}>{high:.3g}</text>',
        f'<text x="{LEFT - 4}" y="{base + 2}" {end}>{low:.3g}</text>',
        f'<text x="{LEFT}" y="{HEIGHT - 6}">step {first:,}</text>',
        f'<text x="{right}" y="{HEIGHT - 6}" {end}>{last:,}</text>',
        "</g>",
    ]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" style="width: 100%; max-width: {WIDTH}px"'
    return f'<svg role="img" aria-label="{title}" {size}>{"".join(parts)}</svg>'


def _parameters(estimator: Any) -> str:
    shapes = {name: tuple(array.shape) for name, array in (estimator.params or {}).items()}
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    cell = 'style="text-align: left; padding: 0 1em 0 0"'
    rows = [
        f"<tr><td {cell}><code>{escape(name)}</code></td><td {cell}>{shape}</td></tr>" for name, shape in shapes.items()
    ]
    heading = f"{sum(sizes.values()):,} parameters in {len(shapes)} arrays"
    is_open = " open" if len(shapes) <= OPEN else ""
    table = f'<table style="color: inherit; margin: 0">{"".join(rows)}</table>'
    return f"<details{is_open}><summary>{heading}</summary>{table}</details>"
