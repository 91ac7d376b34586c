"""Pictures of bars, for tests of `portnn conv`."""

from __future__ import annotations

import numpy as np
from PIL import Image


def bars(count, *, size=6, seed=0):
    """Pictures with a bright column or a bright row, and what they show."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (count, size, size), dtype=np.uint8)
    labels = np.asarray(["column", "row"])[np.arange(count) % 2]
    for number, place in enumerate(rng.integers(0, size, count)):
        pixels[(number, slice(None), place) if number % 2 == 0 else (number, place)] = 220
    return pixels, labels


def save_pictures(folder, pixels, labels, *, suffix=".png"):
    for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        path = folder / str(label) / f"{number}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


def write_bars(folder):
    """Write bars.npz, others.npz, and some bars as pictures in pictures/."""
    for name, (pixels, labels) in {"bars": bars(60), "others": bars(20, seed=1)}.items():
        np.savez(folder / f"{name}.npz", images=pixels, labels=labels)
    save_pictures(folder / "pictures", *bars(8))
    return folder
