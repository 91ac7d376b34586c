"""Read the text and binary formats of word2vec: a header "words values", then each word with its vector."""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TypedDict

import numpy as np

from portnn.settings import brief, checked_number, positive
from portnn.text.compression import open_plain
from portnn.vectors.word2vec_form import is_binary, read_header, without_header
from portnn.vectors.word2vec_rows import FLOAT, Header, Reader, binary_rows, text_rows
from portnn.vectors.word2vec_words import Names, looks_wider

Host = np.ndarray[Any, Any]

FEW, GROWTH = 1024, 1.25
"""Rows of a table whose number is unknown, and its growth when it is full."""


class Word2VecForm(TypedDict, total=False):
    """What `read_word2vec_format` can be told of a file, besides whether it is binary."""

    no_header: bool
    encoding: str
    errors: str
    limit: int | None


def read_word2vec_format(
    path: str | os.PathLike[str],
    *,
    binary: bool | None = None,
    no_header: bool = False,
    encoding: str = "utf-8",
    errors: str = "strict",
    limit: int | None = None,
) -> tuple[list[str], Host]:
    r"""Read words and vectors from a file in the word2vec format.

    Parameters
    ----------
    path : path-like
        Compressed files, .gz, .bz2 and .xz, are decompressed.
    binary : bool, optional
        By default, the file is text if its first rows are words and written numbers, else binary if they are words and
        as many bytes as the header says.
    no_header : bool
        The file is text without a header, as that of GloVe. The first line tells how many values a vector has.
    encoding : str
        Encoding of the words.
    errors : {"strict", "replace"}
        Treatment of words that are not in the encoding. "replace" reads each byte at fault as a lone surrogate, as
        Python's "surrogateescape" does, so that different words stay different and writing them gives back the bytes.
    limit : int, optional
        Read only this many rows from the start.

    Returns
    -------
    words : list of str
        In the order of the file. In text, a word is all that precedes the values: it may consist of several.
    vectors : numpy array (words, values), float32

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the header is missing or wrong, a row is damaged, or a number is too large for single precision; the message
        names the line or the number of the word.

    Warns
    -----
    UserWarning
        If words are repeated, of which the first vector is kept, or not in the encoding: how many.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "vectors.txt")
    ...     _ = path.write_text("2 3\nfilm 1 2 3\nmovie 1 2 3.5\n")
    ...     words, vectors = read_word2vec_format(path)
    >>> words, vectors[1].tolist()
    (['film', 'movie'], [1.0, 2.0, 3.5])
    """
    path = Path(path)
    limit = None if limit is None else checked_number("limit", limit, int, positive)
    if no_header and binary:
        raise ValueError("a binary file has a header: binary=True excludes no_header=True")
    names = Names(encoding, errors)
    with open_plain(path) as file:
        reader = Reader(file)
        header = without_header(reader, path) if no_header else read_header(reader, path)
        wanted = header.words if limit is None else min(limit, header.words or limit)
        if binary is None:
            binary = is_binary(reader, header)
        _check_length(file, reader, path, header, wanted, binary)
        vectors = _table(path, header, wanted)
        rows = (binary_rows if binary else text_rows)(reader, path, header, wanted)
        if binary is None:
            rows = _doubtful(rows)
        for number, (word, values) in enumerate(rows, start=1):
            place = len(names.known)
            if not _is_new(names, word, path, number):
                continue
            if place == len(vectors):
                vectors.resize((int(GROWTH * place) + 1, header.size), refcheck=False)
            vectors[place] = values
    vectors.resize((len(names.known), header.size), refcheck=False)
    if not binary:
        _check_width(names, path, header.size)
    for remark in names.remarks():
        warnings.warn(f"{path}: {remark}", UserWarning, stacklevel=2)
    return list(names.known), vectors


def _doubtful(rows: Iterator[tuple[bytes, Host]]) -> Iterator[tuple[bytes, Host]]:
    """Rows of what is read as text although none looks like it."""
    try:
        yield from rows
    except ValueError as error:
        raise ValueError(f"{error}; if the file is binary, binary=True (--format binary) says so") from None


def _check_length(
    file: IO[bytes], reader: Reader, path: Path, header: Header, wanted: int | None, binary: bool | None
) -> None:
    """Refuse a file that is too short for what its header says, before memory is taken for it."""
    if wanted is None or header.words is None or not isinstance(file, io.BufferedReader):  # or it is compressed
        return
    facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode):
        return
    shortest = 1 + (1 + FLOAT.itemsize * header.size if binary else 2 * header.size)
    if facts.st_size - reader.taken < wanted * shortest - 1:
        raise ValueError(
            f"{path}: the header promises {header.words:,} words of {header.size} values, but the file is too short "
            "for them"
        )


def _table(path: Path, header: Header, wanted: int | None) -> Host:
    rows = FEW if header.words is None else wanted
    try:
        return np.empty((rows, header.size), dtype=np.float32)
    except (MemoryError, ValueError):
        raise ValueError(
            f"{path}: the header promises {header.words:,} words of {header.size:,} values, which do not fit in memory"
        ) from None


def _is_new(names: Names, word: bytes, path: Path, number: int) -> bool:
    try:
        return names.add(word)
    except ValueError as error:
        raise ValueError(f"{path}, word {number}: {error}") from None


def _check_width(names: Names, path: Path, size: int) -> None:
    """Refuse a text whose words all end with a number: its vectors must have more values than the header says."""
    if looks_wider(names.known):
        word = next(iter(names.known))
        raise ValueError(
            f"{path}: every word ends with a number, as {brief(word)}; do the vectors have more than {size} values?"
        )
