"""Patches of pictures: what a window sees at each of its places, side by side; and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from portnn.backends.libraries import library_of
from portnn.backends.libraries.primitives import Array, Namespace
from portnn.backends.libraries.windows import Window


def windows(x: Array, window: Window) -> Iterator[Array]:
    """What each position of a window sees: a slice of x (batch, height, width, channels) for each, row by row.

    x is padded already. Each slice is (batch, out_height, out_width, channels).
    """
    for rows, columns in window.slices(x.shape[1], x.shape[2]):
        yield x[:, rows, columns, :]


def padded(x: Array, window: Window, value: float = 0.0, *, xp: Namespace) -> Array:
    """Pictures x (batch, height, width, channels) with the window's padding around them; x itself if there is none."""
    return library_of(xp).padded(x, window, value, xp=xp) if window.pads else x


def patches(x: Array, window: Window, *, xp: Namespace) -> Array:
    """Gather what a window sees at each of its places.

    Parameters
    ----------
    x : array (batch, height, width, channels)
        Padded already.
    window : Window

    Returns
    -------
    array (batch, out_height, out_width, kernel_height * kernel_width * channels)
        The channels of the window's first pixel, of the next in its row, and so on.
    """
    return library_of(xp).patches(x, window, xp=xp)


def add_patches(pieces: Iterable[Array], size: tuple[int, int], window: Window, *, xp: Namespace) -> Array:
    """Add patches up where `padded` and `patches` took them from: the adjoint of both.

    Parameters
    ----------
    pieces : iterable of arrays (batch, out_height, out_width, channels)
        One for each position of the window, in the order of `windows`.
    size : tuple of int
        Height and width of the pictures, without padding.
    window : Window

    Returns
    -------
    array (batch, height, width, channels)
        What fell on the padding is left out.
    """
    return library_of(xp).add_patches(pieces, size, window, xp=xp)


def image_blocks(count: int, entries: int, *, xp: Namespace) -> Iterator[tuple[int, int]]:
    """Where each block of pictures starts and stops, if the patches of one picture have so many entries.

    The patches of a block have at most as many entries as `Library.patch_entries` says, or one picture's.
    """
    most = max(1, library_of(xp).patch_entries // max(entries, 1))
    parts = max(1, -(-count // most))
    for part in range(parts):  # of nearly the same size
        yield count * part // parts, count * (part + 1) // parts
