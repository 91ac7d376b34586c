"""`CaptionFile`: captions in a file of text, each with the row of the features that it describes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice

from portnn.images.paths import path_of
from portnn.settings import brief
from portnn.tables.content import Advance, Content, opened
from portnn.tables.labelled_texts.columns import SAMPLE
from portnn.tables.labelled_texts.tab_separated import numbered_cells
from portnn.text.encodings import canonical_encoding

_LINE = "a line is the number of a row of the features, a tab, the caption"
_FROM_0 = "rows of the features are numbered from 0"
_WHOLE = re.compile("-?[0-9]{1,18}")


class CaptionFile:
    r"""Captions in a file, read from its beginning as often as they are needed, a little at a time.

    A line is the number of a row of the features, counted from 0, a tab, and a caption of that row. A row may have
    several captions, each on a line of its own, and lines may come in any order. Blank lines are skipped, spaces around
    a caption do not count, and quotes are part of it, unless they enclose all of it and those inside are doubled, as
    spreadsheets write it. How many rows there are, the file does not know.

    Parameters
    ----------
    path : path
        The file may be compressed by gzip, bzip2 or xz; "-" is standard input. What is no regular file is held in
        memory.
    encoding : str
        A byte order mark takes precedence.

    Attributes
    ----------
    name : str
        Name in messages.
    size : int
        Number of bytes, by which `read` advances in total.

    Raises
    ------
    TypeError
        If the path is none.
    OSError
        If the file does not exist or cannot be read; while reading, if it has changed.
    ValueError
        If the file is empty or the encoding is unknown. While reading: if bytes are not in the encoding, a compressed
        file is damaged, or a line has no tab or more than one, no whole number from 0 before it, or no words behind it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "captions.tsv")
    ...     _ = path.write_text("0\ta dog in the snow\n\n1\ttwo cats\n0\ta dog plays\n")
    ...     for line, row, caption in CaptionFile(path).read():
    ...         print(f"line {line}, row {row}: {caption}")
    line 1, row 0: a dog in the snow
    line 3, row 1: two cats
    line 4, row 0: a dog plays
    """

    def __init__(self, path: str | os.PathLike[str], *, encoding: str = "utf-8") -> None:
        path, encoding = path_of("path", path), canonical_encoding(encoding)
        content = Content.of(opened(path))
        self.name, self.size = content.name, content.size
        self._content, self._encoding = content, content.encoding(encoding)
        with content.text(self._encoding) as text:
            sample = list(islice(numbered_cells(text), SAMPLE))
        content.check_text((cell for _, cells in sample for cell in cells), self._encoding)
        if not sample:
            raise ValueError(f"{self.name} is empty; {_LINE}")

    def __repr__(self) -> str:
        return f"CaptionFile({brief(self.name)})"

    def read(self, advance: Advance | None = None) -> Iterator[tuple[int, int, str]]:
        """Number of the line, row of the features, and caption; `advance` is called with the bytes read.

        Parameters
        ----------
        advance : callable, optional
            Called with the number of bytes read since its last call.

        Yields
        ------
        line : int
            Counted from 1, as `place` knows it.
        row : int
            Counted from 0.
        caption : str
            Never empty.

        Raises
        ------
        OSError, ValueError
            See `CaptionFile`.
        """
        with self._content.text(self._encoding, advance) as text:
            for line, cells in numbered_cells(text):
                if len(cells) == 1:
                    raise ValueError(f"{self.place(line)} has no tab; {_LINE}")
                row = self._row(line, cells[0].strip())
                if len(cells) > 2:
                    raise ValueError(f"{self.place(line)} has {len(cells) - 1} tabs; {_LINE}")
                caption = cells[1].strip()
                if not caption:
                    raise ValueError(f"{self.place(line)} has no words")
                yield line, row, caption

    def place(self, line: int) -> str:
        """Place of a line, counted from 1, for messages."""
        return f"{self.name}: line {line}"

    def _row(self, line: int, number: str) -> int:
        """Row that is written before the tab."""
        if not _WHOLE.fullmatch(number):
            raise ValueError(
                f"{self.place(line)} begins with {brief(number)}, which is not the number of a row; {_FROM_0}"
            )
        row = int(number)
        if row < 0:
            raise ValueError(f"{self.place(line)} is of row {row}; {_FROM_0}")
        return row
