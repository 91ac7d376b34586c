"""Analogy questions, "a is to b as c is to ?", in the form of the file questions-words.txt."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from portnn.vectors.neighbours import nearest
from portnn.vectors.question_files import known_words, numbered_lines

if TYPE_CHECKING:
    from portnn.vectors.keyed_vectors import KeyedVectors

Host = np.ndarray[Any, Any]

TOGETHER = 256
"""So many questions are answered at a time, by one matrix product for each block of the table."""


class AnalogySection(NamedTuple):
    """Answers to the questions of a section.

    Attributes
    ----------
    name : str
    correct : int
        Questions answered right.
    questions : int
        Questions asked: those whose four words are in the vocabulary.
    unknown : int
        Questions left out.
    """

    name: str
    correct: int
    questions: int
    unknown: int

    @property
    def accuracy(self) -> float:
        """Share of the questions asked that were answered right; NaN where none could be asked."""
        return self.correct / self.questions if self.questions else float("nan")


class AnalogyScores(NamedTuple):
    """Share of all questions asked that were answered right, and the sections one by one."""

    accuracy: float
    sections: list[AnalogySection]

    @property
    def correct(self) -> int:
        """Questions answered right."""
        return sum(section.correct for section in self.sections)

    @property
    def questions(self) -> int:
        """Questions asked."""
        return sum(section.questions for section in self.sections)

    @property
    def unknown(self) -> int:
        """Questions left out, since a word of them is not in the vocabulary."""
        return sum(section.unknown for section in self.sections)


def read_analogies(path: Path) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Sections of a file and the questions (a, b, c, expected) in each.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If a line has not four words, or comes before the first line ": section".
    """
    sections: list[tuple[str, list[tuple[str, ...]]]] = []
    for number, line in numbered_lines(path):
        words = tuple(line.split())
        if line.startswith(":"):
            sections.append((line[1:].strip(), []))
        elif words:
            if not sections:
                raise ValueError(f"{path}, line {number}: a question before the first ': section'")
            if len(words) != 4:
                raise ValueError(f"{path}, line {number}: {len(words)} words, expected four")
            sections[-1][1].append(words)
    return sections


def evaluate_analogies(
    wv: KeyedVectors, path: Path, restrict_vocab: int | None = None, case_insensitive: bool = True
) -> AnalogyScores:
    """Answer every question by the word nearest to b - a + c (3CosAdd) that is none of the three.

    Parameters
    ----------
    wv : KeyedVectors
    path : path
        Lines ": section", and four words each for the questions. .gz, .bz2 and .xz are read, too.
    restrict_vocab : int, optional
        Only the first so many words count as known, and only they can be answers.
    case_insensitive : bool
        Compare words in capitals; of words that differ in case alone the first one counts.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If a line is of another form, or no question has all its words in the vocabulary.
    """
    known = known_words(wv.index_to_key, restrict_vocab, case_insensitive)
    variants = defaultdict(list)  # rows of what is the same word where case does not matter
    for row, word in enumerate(wv.index_to_key[:restrict_vocab]):
        variants[known[word.upper() if case_insensitive else word]].append(row)
    sections, asked = read_analogies(path), []
    for number, (_, questions) in enumerate(sections):
        for question in questions:
            rows = [known.get(word.upper() if case_insensitive else word) for word in question]
            if None not in rows:
                asked.append((number, *rows))
    if not asked:
        total = sum(len(questions) for _, questions in sections)
        raise ValueError(f"{path}: none of its {total} questions has all four words in the vocabulary")
    table = np.array(asked)
    right = np.zeros(len(asked), dtype=bool)
    for start in range(0, len(asked), TOGETHER):
        some = table[start : start + TOGETHER, 1:]
        answers = _answers(wv, some[:, :3], variants, restrict_vocab)
        right[start : start + TOGETHER] = [
            len(answer) > 0 and answer[0] in variants[expected]
            for answer, expected in zip(answers, some[:, 3].tolist(), strict=True)
        ]
    scores = []
    for number, (name, questions) in enumerate(sections):
        here = table[:, 0] == number
        count = int(here.sum())
        scores.append(AnalogySection(name, int(right[here].sum()), count, len(questions) - count))
    return AnalogyScores(float(right.mean()), scores)


def _answers(wv: KeyedVectors, rows: Host, variants: dict[int, list[int]], restrict: int | None) -> list[Host]:
    """Row of the answer to each question, of the rows of its words (questions, 3)."""
    distinct, places = np.unique(rows, return_inverse=True)
    words = np.stack([wv.unit_vector(row) for row in distinct.tolist()])
    a, b, c = (words[places.reshape(rows.shape)[:, column]] for column in range(3))
    targets = b - a + c
    lengths = np.linalg.norm(targets, axis=1, keepdims=True)
    excluded = [[row for word in question for row in variants[word]] for question in rows.tolist()]
    units = targets / np.where(lengths > 0, lengths, 1)
    best = nearest(wv.vectors, wv.inverse_lengths, units, wv.backend, topn=1, excluded=excluded, restrict=restrict)
    return [ids for ids, _ in best]
