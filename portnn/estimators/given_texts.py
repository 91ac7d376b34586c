"""Texts with their labels, as a user gives them: lists, or files that are read as often as needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from portnn.settings import brief
from portnn.tables import LabelledTexts, TextLayout
from portnn.text.paths import names_path, quoted

Advance = Callable[[int], object]


class GivenTexts:
    """Texts in memory, whose labels, if any, are apart.

    Parameters
    ----------
    texts : list, array or Series of str

    Raises
    ------
    TypeError
        If it is a single text, or one of them is no str.
    ValueError
        If there are none.
    """

    name = "the texts given"

    def __init__(self, texts: Any) -> None:
        if isinstance(texts, str | bytes):
            remedy = f"give pathlib.Path({brief(texts)}) to read that file" if names_path(texts) else "give a list"
            raise TypeError(f"texts is the {type(texts).__name__} {quoted(texts)}, expected several texts: {remedy}")
        listed = texts.tolist() if hasattr(texts, "tolist") else texts
        try:
            self.texts = list(listed)
        except TypeError:
            raise TypeError(f"texts is {type(texts).__name__}, expected a list of str or the path of a file") from None
        if not self.texts:
            raise ValueError("there are no texts")
        for row, text in enumerate(self.texts):
            if not isinstance(text, str):
                raise TypeError(f"each text must be a str, got {type(text).__name__} {brief(text)} as text {row}")
        self.size = len(self.texts)

    def read(self, advance: Advance | None = None) -> Iterator[tuple[str, None]]:
        """Read the texts from the beginning; `advance` is called for each."""
        for text in self.texts:
            yield text, None
            if advance is not None:
                advance(1)

    def place(self, row: int) -> str:
        """What messages call a text."""
        return f"text {row}"


Source = GivenTexts | LabelledTexts


def as_source(
    texts: Any, labels: Any, *, encoding: str = "utf-8", multi_label: bool = False, layout: TextLayout | None = None
) -> Source:
    """Texts from a list, or from files, which hold their labels, too, and are read like the one with some layout.

    Raises
    ------
    TypeError, ValueError
        If there are no labels, or labels beside those of a file, or the texts are not what they should be.
    """
    paths = isinstance(texts, Sequence) and texts and all(isinstance(path, os.PathLike) for path in texts)
    if isinstance(texts, os.PathLike) or paths:
        stated = None if layout and "encoding" in layout.options else encoding
        texts = LabelledTexts(texts, encoding=stated, multi_label=multi_label, layout=layout)
    if isinstance(texts, LabelledTexts):
        if texts.multi_label != multi_label:
            raise ValueError(
                f"{texts.name} is read with multi_label={texts.multi_label}, but the model has {multi_label}"
            )
        if labels is not None:
            raise TypeError(f"{texts.name} holds labels, so none can be given beside it")
        return texts
    if labels is None:
        raise TypeError("there are no labels: give them after the texts, or the path of a file with both")
    return GivenTexts(texts)
