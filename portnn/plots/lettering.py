"""Words as they can be drawn: in which fonts, with escapes for what none has, and how large they are."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np

from portnn.plots.points import Host


def drawable(word: str) -> str:
    """Word with escapes for what no font has: control characters, and surrogates in place of undecodable bytes."""
    return "".join(
        letter.encode("unicode_escape").decode() if unicodedata.category(letter) in ("Cc", "Cs") else letter
        for letter in word
    )


def style_of(words: Iterable[str]) -> dict[str, Any]:
    """Style of text with some words, which are no formulas: in the chosen font, and others for what that lacks.

    matplotlib's own font has no Chinese, for example. What no installed font has is a box, of which matplotlib warns.
    """
    from matplotlib import font_manager, rcParams

    chosen = list(rcParams["font.family"])
    letters = {ord(letter) for word in words for letter in word if not letter.isspace()}
    missing = letters - _letters_of(font_manager.findfont(font_manager.FontProperties()))
    return {"family": [*chosen, *(_families_with(frozenset(missing)) if missing else [])], "parse_math": False}


@functools.lru_cache(maxsize=64)
def _families_with(letters: frozenset[int]) -> list[str]:
    """Installed families that together have as many of some letters as there are to be had."""
    from matplotlib.font_manager import fontManager

    regular_last = sorted(
        fontManager.ttflist, key=lambda font: font.style == "normal" and font.weight in (400, "normal")
    )
    files = {font.name: font.fname for font in regular_last if "Last Resort" not in font.name}
    found, missing = [], set(letters)
    for name in sorted(files, key=lambda name: ("Sans" not in name, name)):
        had = missing & _letters_of(files[name])
        if had:
            found.append(name)
            missing -= had
        if not missing:
            break
    return found


@functools.lru_cache(maxsize=8)
def _letters_of(file: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(file).get_charmap())


def size_of(ax: Any, word: str, style: dict[str, Any]) -> Host:
    """Width and height (2,) of a word on the figure of some axes, in pixels."""
    text = ax.text(0.0, 0.0, word, **style)
    size = text.get_window_extent().size
    text.remove()
    return np.asarray(size)
