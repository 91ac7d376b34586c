"""Readers of the Stanford Sentiment Treebank: its sentences with their split, and sentences with a label each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SPLITS = {"1": "train", "2": "test", "3": "dev"}
_MOST_DIGITS = 18  # of a label: more may not fit int64


@dataclass(frozen=True)
class SentimentTreebank:
    """Sentences of the treebank in the order of the file.

    Parameters
    ----------
    sentences : list of lists of str
        Words as the treebank cuts and writes them.
    split : tuple of {"train", "test", "dev"}
        The part each sentence belongs to.
    """

    sentences: list[list[str]]
    split: tuple[str, ...]

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
            raise ValueError(f"part is {name!r}; expected one of {', '.join(_SPLITS.values())}")
        return [words for words, split in zip(self.sentences, self.split, strict=True) if split == name]


def sentiment_treebank(folder: str | os.PathLike[str], *, lowercase: bool = False) -> SentimentTreebank:
    r"""Read the files datasetSentences.txt and datasetSplit.txt.

    Parameters
    ----------
    folder : path
        Where the two files are.
    lowercase : bool
        Whether words become lowercase.

    Returns
    -------
    SentimentTreebank

    Raises
    ------
    FileNotFoundError
        If a file is not there.
    ValueError
        If a file does not have the form of the treebank; the message names the file and the line.

    Notes
    -----
    Nothing is repaired: brackets stay -LRB- and -RRB-, slashes ``\/``, and letters that the makers of the files
    decoded wrongly stay as they are in the files, which are UTF-8.

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
        index: _words(where, text, lowercase)
        for where, index, text in _indexed(sentences_path, "sentence_index\tsentence", "\t")
    }
    splits = {}
    for where, index, label in _indexed(split_path, "sentence_index,splitset_label", ","):
        if label not in _SPLITS:
            raise ValueError(f"{where}: split is {label!r}; expected 1 (train), 2 (test) or 3 (dev)")
        if index not in sentences:
            raise ValueError(f"{where}: sentence {index} is not in {sentences_path.name}")
        splits[index] = _SPLITS[label]
    for index in sentences:
        if index not in splits:
            raise ValueError(f"{split_path}: no line for sentence {index}")
    return SentimentTreebank(list(sentences.values()), tuple(splits[index] for index in sentences))


def labelled_sentences(
    path: str | os.PathLike[str], *, lowercase: bool = False, classes: int | None = 2
) -> tuple[list[list[str]], NDArray[np.int64]]:
    r"""Read lines of a sentence, a tab, and its label, a whole number.

    Parameters
    ----------
    path : path
        The file, UTF-8.
    lowercase : bool
        Whether words become lowercase.
    classes : int, optional
        How many there are: labels go from 0 to one less. None: labels are any digits.

    Returns
    -------
    sentences : list of lists of str
        Words, as spaces separate them.
    labels : ndarray of int64, shape (n_sentences,)
        Of two classes usually 1 where the sentence is positive.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ValueError
        If it is empty or a line has another form; the message names the file and the line.

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
    for where, line in _lines(Path(path)):
        text, tab, label = line.rpartition("\t")
        number = int(label) if tab and label.isascii() and label.isdigit() and len(label) <= _MOST_DIGITS else None
        if number is None or (classes is not None and number >= classes):
            numbers = "in digits" if classes is None else "0 or 1" if classes == 2 else f"from 0 to {classes - 1}"
            raise ValueError(f"{where}: {_shown(line)}; expected a sentence, a tab and the label {numbers}")
        sentences.append(_words(where, text, lowercase))
        labels.append(number)
    if not sentences:
        raise ValueError(f"{path}: no sentence")
    return sentences, np.asarray(labels, np.int64)


def _indexed(path: Path, header: str, delimiter: str) -> Iterator[tuple[str, int, str]]:
    """Place, index and content of each line after the header; indices are distinct."""
    seen: set[int] = set()
    lines = _lines(path)
    where, first = next(lines, (f"{path}, line 1", ""))
    if first != header:
        raise ValueError(f"{where}: {_shown(first)}; expected the header {header!r}")
    for where, line in lines:
        number, found, content = line.partition(delimiter)
        if not (found and number.isascii() and number.isdigit()):
            raise ValueError(f"{where}: {_shown(line)}; expected a number, {delimiter!r} and more")
        index = int(number)
        if index in seen:
            raise ValueError(f"{where}: sentence {index} is there twice")
        seen.add(index)
        yield where, index, content
    if not seen:
        raise ValueError(f"{path}: no line after the header")


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Place and text of each line that is not empty. Only a line feed ends a line: the text may hold others."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        where = f"{path}, line {number}"
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{where}: byte 0x{line[error.start]:02x} is not UTF-8") from None
        if text:
            yield where, text


def _words(where: str, text: str, lowercase: bool) -> list[str]:
    # Only spaces separate words: a no-break space may be half of a letter that was decoded wrongly.
    words = [word for word in (text.lower() if lowercase else text).split(" ") if word]
    if not words:
        raise ValueError(f"{where}: the sentence has no word")
    return words


def _shown(line: str) -> str:
    return repr(line if len(line) <= 40 else line[:40] + "...")
