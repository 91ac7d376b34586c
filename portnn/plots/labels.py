"""Placement of labels so that none covers another label or a point, or leaves the axes. Lengths are in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.plots.points import Host

_PARTS = (0.25, -0.25, 0.5, -0.5, 0.75, -0.75)
_SIDES = [(1, 0), (0, 1), (0, -1), (-1, 0)]
_CORNERS = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
_BETWEEN = [(x, y) for x in (1, -1) for y in _PARTS] + [(x, y) for y in (1, -1) for x in _PARTS]
RING = np.asarray(_SIDES + _CORNERS + _BETWEEN)
"""Directions from a point to the centre of its label, most readable first. They lie on a square, so that the label is
always beside its point, however long it is."""

TRIES = 3
"""How often a label may be displaced, on average, before the labels are considered not to fit."""

SWEEPS = 3
"""Number of passes in which each label may move to a better place, once all have one."""

AHEAD = 24
"""Number of the cheapest candidates whose lines are checked, which takes longest."""

NOWHERE = 1e9


def place_labels(points: Host, sizes: Host, frame: Any, *, dot: float, gap: float, reach: float) -> list[Host | None]:
    """Find a place for the label of each point.

    Each label has candidates on rings around its point and takes the cheapest free one: close, not closer to another
    point than to its own, and with a line that crosses no label. If none is free, it displaces other labels, which are
    then placed again. Once all have a place, each moves to a better one if that has become free.

    Parameters
    ----------
    points : array (n, 2)
    sizes : array (n, 2)
        Width and height of each label.
    frame : tuple of float
        Left, bottom, right and top end of the axes.
    dot : float
        Radius of a point.
    gap : float
        Space between a label and its surroundings.
    reach : float
        Maximum distance of a label from its point.

    Returns
    -------
    list of n
        Lower left corner (2,) of each label, or None if it does not fit.
    """
    candidates = [_Candidates(number, points, size, frame, dot, gap, reach) for number, size in enumerate(sizes)]
    chosen: list[int | None] = [None] * len(points)
    boxes, lines = np.full((len(points), 4), NOWHERE), np.full((len(points), 4), NOWHERE)
    displaced = np.zeros(len(points))

    def put(number: int, choice: int | None) -> None:
        chosen[number] = choice
        boxes[number] = NOWHERE if choice is None else candidates[number].boxes[choice]
        lines[number] = NOWHERE if choice is None else candidates[number].lines[choice]

    # Placed from the end: the label with the fewest candidates comes first.
    waiting = sorted(range(len(points)), key=lambda number: -len(candidates[number].cost))
    while waiting:
        number = waiting.pop()
        overlaps = _overlap(candidates[number].boxes, boxes)
        # The more often a label was displaced, the more it costs to displace it again.
        price = 1e6 if np.sum(displaced) < TRIES * len(points) else np.inf
        extra = np.zeros(len(overlaps))
        rows, others = np.nonzero(overlaps)
        np.add.at(extra, rows, price * (1.0 + displaced[others]))
        choice = candidates[number].cheapest(extra, boxes, lines)
        for other in [] if choice is None else np.flatnonzero(overlaps[choice]).tolist():
            put(other, None)
            displaced[other] += 1
            waiting.insert(0, other)
        put(number, choice)
    for number in [number for _ in range(SWEEPS) for number in range(len(points))]:
        put(number, None)
        taken = np.any(_overlap(candidates[number].boxes, boxes), axis=1)
        put(number, candidates[number].cheapest(np.where(taken, np.inf, 0.0), boxes, lines))
    return [None if choice is None else own.corners[choice] for own, choice in zip(candidates, chosen, strict=True)]


class _Candidates:
    """Places for one label that are inside the frame and cover no point, and their costs."""

    def __init__(self, number: int, points: Host, size: Host, frame: Any, dot: float, gap: float, reach: float) -> None:
        point, low, high = points[number], np.asarray(frame[:2]) + gap, np.asarray(frame[2:]) - gap
        rings = np.append(0.0, np.geomspace(0.5 * size[1], max(reach, size[1]), 12)) + dot + gap
        middles = point + np.concatenate([RING * (ring + size / 2) for ring in rings])
        # Candidates that would leave the frame move to its edge.
        corners = np.clip(middles - size / 2, low, np.maximum(high - size, low))
        nearest = np.clip(points, corners[:, None], corners[:, None] + size)  # (candidates, n, 2)
        distance = np.maximum(*np.moveaxis(np.abs(nearest - points), 2, 0))
        kept = np.all(distance > dot + 0.5 * gap, axis=1) & np.all(size <= high - low)
        self.corners, distance = corners[kept], distance[kept]
        self.boxes = np.concatenate([self.corners - gap / 2, self.corners + size + gap / 2], axis=1)
        self.lines = np.concatenate([np.broadcast_to(point, self.corners.shape), nearest[kept, number]], axis=1)
        # In heights of the label; a later direction of the ring costs as much as a slightly larger distance.
        own = distance[:, number]
        mistaken = np.minimum(np.sum(distance < own[:, None], axis=1), 3)
        later = np.tile(np.arange(len(RING)), len(rings))[kept] / len(RING)
        self.cost = own / size[1] + mistaken + later

    def cheapest(self, extra: Host, boxes: Host, lines: Host) -> int | None:
        """Index of the cheapest candidate with `extra` added to the costs; None if all are infinite.

        A line that crosses a label, or a label that covers a line, costs as much as four heights of distance.
        """
        price = self.cost + extra
        first = np.argsort(price, kind="stable")[:AHEAD]
        price = price[first]
        price += 4.0 * np.sum(_cut(self.lines[first, None], boxes), axis=1)
        price += 4.0 * np.sum(_cut(lines, self.boxes[first, None]), axis=1)
        return int(first[np.argmin(price)]) if np.any(np.isfinite(price)) else None


def _overlap(boxes: Host, others: Host) -> Host:
    """Whether boxes (m, 4) and others (n, 4) overlap, (m, n)."""
    left, bottom, right, top = boxes.T[:, :, None]
    return np.asarray((left < others[:, 2]) & (right > others[:, 0]) & (bottom < others[:, 3]) & (top > others[:, 1]))


def _cut(lines: Host, boxes: Host) -> Host:
    """Whether straight lines (..., 4), from one end (x, y) to the other, pass through boxes (..., 4)."""
    # The part of the line, from 0 to 1, that is within the box in x, intersected with that in y.
    enter, leave = np.zeros(()), np.ones(())
    for axis in (0, 1):
        start, end = lines[..., axis], lines[..., axis + 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            one, two = (boxes[..., axis] - start) / (end - start), (boxes[..., axis + 2] - start) / (end - start)
        enter, leave = np.maximum(enter, np.minimum(one, two)), np.minimum(leave, np.maximum(one, two))
    return np.asarray(enter < leave)
