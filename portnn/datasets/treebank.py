"""Readers of the Stanford Sentiment Treebank: sentences with their split, and labelled sentences."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portnn.settings import brief, brief_fields

_SPLITS = {"1": "train", "2": "test", "3": "dev"}
_MAX_DIGITS = 18  # longer labels may not fit int64


@dataclass(frozen=True)
class SentimentTreebank:
    """Sentences of the treebank in the order of the file.

    Parameters
    ----------
    sentences : list of lists of str
        Words as the treebank splits and writes them.
    split : tuple of {"train", "test", "dev"}
        Part that each sentence belongs to.
    """

    sentences: list[list[str]]
    split: tuple[str, ...]

    def __repr__(self) -> str:
        return brief_fields(self)

    def __len__(self) -> int:
        return len(self.sentences)

    def part(self, name: str) -> list[list[str]]:
        """Sentences of one part.

        Raises
        ------
        ValueError
            If `name` is not train, test or dev.
        """
        if name not in _SPLITS.values():
            raise ValueError(f"part is {brief(name)}; expected one of {', '.join(_SPLITS.values())}")
        return [words for words, split in zip(self.sentences, self.split, strict=True) if split == name]


def sentiment_treebank(folder: str | os.PathLike[str], *, lowercase: bool = False) -> SentimentTreebank:
    r"""Read the files datasetSentences.txt and datasetSplit.txt.

    Parameters
    ----------
    folder : path
        Folder of the two files.
    lowercase : bool
        Whether to convert words to lowercase.

    Returns
    -------
    SentimentTreebank

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is not in the format of the treebank; the message names the file and the line.

    Notes
    -----
    Words are not corrected: brackets stay -LRB- and -RRB-, slashes ``\/``, and letters that are wrongly decoded in the
    files, which are UTF-8, stay so.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "datasetSentences.txt").write_text("sentence_index\tsentence\n1\tA gem .\n")
    ...     _ = pathlib.Path(folder, "datasetSplit.txt").write_text("sentence_index,splitset_label\n1,3\n")
    ...     sentiment_treebank(folder)
    SentimentTreebank(sentences=[['A', 'gem', '.']], split=('dev',))
    """
    sentences_path, split_path = Path(folder, "datasetSentences.txt"), Path(folder, "datasetSplit.txt")
    sentences = {
        index: _words(location, text, lowercase)
        for location, index, text in _indexed(sentences_path, "sentence_index\tsentence", "\t")
    }
    splits = {}
    for location, index, label in _indexed(split_path, "sentence_index,splitset_label", ","):
        if label not in _SPLITS:
            raise ValueError(f"{location}: split is {brief(label)}; expected 1 (train), 2 (test) or 3 (dev)")
        if index not in sentences:
            raise ValueError(f"{location}: sentence {index} is not in {sentences_path.name}")
        splits[index] = _SPLITS[label]
    for index in sentences:
        if index not in splits:
            raise ValueError(f"{split_path}: the line of sentence {index} is missing")
    return SentimentTreebank(list(sentences.values()), tuple(splits[index] for index in sentences))


def labelled_sentences(
    path: str | os.PathLike[str], *, lowercase: bool = False, classes: int | None = 2
) -> tuple[list[list[str]], NDArray[np.int64]]:
    r"""Read a file whose lines are a sentence, a tab, and its label, a whole number.

    Parameters
    ----------
    path : path
        The file, UTF-8.
    lowercase : bool
        Whether to convert words to lowercase.
    classes : int, optional
        Number of classes: labels go from 0 to one less. With None, labels are any digits.

    Returns
    -------
    sentences : list of lists of str
        Words, separated by spaces in the file.
    labels : ndarray of int64, shape (n_sentences,)
        Of two classes, 1 usually means positive.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If the file is empty or a line is malformed; the message names the file and the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "dev.tsv")
    ...     _ = path.write_text("a gem .\t1\ndull\t0\n")
    ...     labelled_sentences(path)
    ([['a', 'gem', '.'], ['dull']], array([1, 0]))
    """
    sentences, labels = [], []
    for location, line in _lines(Path(path)):
        text, tab, label = line.rpartition("\t")
        number = int(label) if tab and label.isascii() and label.isdigit() and len(label) <= _MAX_DIGITS else None
        if number is None or (classes is not None and number >= classes):
            numbers = "in digits" if classes is None else "0 or 1" if classes == 2 else f"from 0 to {classes - 1}"
            raise ValueError(f"{location}: {_shown(line)}; expected a sentence, a tab and the label {numbers}")
        sentences.append(_words(location, text, lowercase))
        labels.append(number)
    if not sentences:
        raise ValueError(f"{path}: the file has no sentences")
    return sentences, np.asarray(labels, np.int64)


def _indexed(path: Path, header: str, delimiter: str) -> Iterator[tuple[str, int, str]]:
    """Location, index and content of each line after the header; indices are distinct."""
    seen: set[int] = set()
    lines = _lines(path)
    location, first = next(lines, (f"{path}, line 1", ""))
    if first != header:
        raise ValueError(f"{location}: {_shown(first)}; expected the header {brief(header)}")
    for location, line in lines:
        number, separator, content = line.partition(delimiter)
        if not (separator and number.isascii() and number.isdigit()):
            raise ValueError(f"{location}: {_shown(line)}; expected a number, {brief(delimiter)} and text")
        index = int(number)
        if index in seen:
            raise ValueError(f"{location}: sentence {index} occurs more than once")
        seen.add(index)
        yield location, index, content
    if not seen:
        raise ValueError(f"{path}: no lines after the header")


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Location and text of each line that is not empty. Only a line feed ends a line; the text may contain others."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        location = f"{path}, line {number}"
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{location}: byte 0x{line[error.start]:02x} is not UTF-8") from None
        if text:
            yield location, text


def _words(location: str, text: str, lowercase: bool) -> list[str]:
    # Only spaces separate words: a no-break space may be half of a wrongly decoded letter.
    words = [word for word in (text.lower() if lowercase else text).split(" ") if word]
    if not words:
        raise ValueError(f"{location}: the sentence has no words")
    return words


def _shown(line: str) -> str:
    return repr(line if len(line) <= 40 else line[:40] + "...")
