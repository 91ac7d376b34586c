"""Analogy questions, "a is to b as c is to ?", in the format of questions-words.txt."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from portnn.vectors.neighbours import nearest
from portnn.vectors.queries import searched
from portnn.vectors.question_files import BLANKS, known_words, numbered_lines, words_of
from portnn.vectors.word_table import Host, WordTable

QUESTIONS_AT_A_TIME = 256
"""One matrix product per block of the table answers this many questions."""


class AnalogySection(NamedTuple):
    """Results of one section of analogy questions.

    Attributes
    ----------
    name : str
    correct : int
        Questions answered correctly.
    questions : int
        Questions asked: those whose four words are all in the vocabulary.
    unknown : int
        Questions skipped.
    """

    name: str
    correct: int
    questions: int
    unknown: int

    @property
    def accuracy(self) -> float:
        """Share of the questions asked that were answered correctly; NaN if none could be asked."""
        return self.correct / self.questions if self.questions else float("nan")


class AnalogyScores(NamedTuple):
    """Share of all questions asked that were answered correctly, and the results of each section."""

    accuracy: float
    sections: list[AnalogySection]

    @property
    def correct(self) -> int:
        """Questions answered correctly."""
        return sum(section.correct for section in self.sections)

    @property
    def questions(self) -> int:
        """Questions asked."""
        return sum(section.questions for section in self.sections)

    @property
    def unknown(self) -> int:
        """Questions skipped because a word is not in the vocabulary."""
        return sum(section.unknown for section in self.sections)


def read_analogies(path: Path) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Sections of a file and the questions (a, b, c, expected) in each.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If a line does not have four words, or precedes the first line ": section".
    """
    sections: list[tuple[str, list[tuple[str, ...]]]] = []
    for number, line in numbered_lines(path):
        words = words_of(line)
        if line.startswith(":"):
            sections.append((line[1:].strip(BLANKS), []))
        elif words:
            if not sections:
                raise ValueError(f"{path}, line {number}: a question precedes the first ': section'")
            if len(words) != 4:
                raise ValueError(f"{path}, line {number}: {len(words)} words, expected four")
            sections[-1][1].append(words)
    return sections


def evaluate_analogies(
    table: WordTable, path: Path, restrict_vocab: int | None = None, case_insensitive: bool = True
) -> AnalogyScores:
    """Answer each question with the word nearest to b - a + c (3CosAdd), other than a, b and c.

    Parameters
    ----------
    table : KeyedVectors
    path : path
        A line ": section" starts a section; every other line is a question of four words. .gz, .bz2 and .xz are
        decompressed.
    restrict_vocab : int, optional
        Use only this many words from the start of the vocabulary, in questions and as answers.
    case_insensitive : bool
        Compare words in uppercase; of words that differ only in case, the first one counts.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If a line is malformed, or no question has all its words in the vocabulary.
    """
    restrict_vocab = searched(restrict_vocab)
    known = known_words(table.index_to_key, restrict_vocab, case_insensitive)
    variants = defaultdict(list)  # all rows of a word, whatever their case
    for row, word in enumerate(table.index_to_key[:restrict_vocab]):
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
    section_of, rows_of = np.split(np.array(asked), [1], axis=1)
    right = np.zeros(len(asked), dtype=bool)
    for start in range(0, len(asked), QUESTIONS_AT_A_TIME):
        part = rows_of[start : start + QUESTIONS_AT_A_TIME]
        answers = _answers(table, part[:, :3], variants, restrict_vocab)
        right[start : start + QUESTIONS_AT_A_TIME] = [
            len(answer) > 0 and answer[0] in variants[expected]
            for answer, expected in zip(answers, part[:, 3].tolist(), strict=True)
        ]
    scores = []
    for number, (name, questions) in enumerate(sections):
        in_section = section_of[:, 0] == number
        count = int(in_section.sum())
        scores.append(AnalogySection(name, int(right[in_section].sum()), count, len(questions) - count))
    return AnalogyScores(float(right.mean()), scores)


def _answers(table: WordTable, rows: Host, variants: dict[int, list[int]], restrict: int | None) -> list[Host]:
    """Row that answers each question, given the rows of its words (questions, 3); empty if no row qualifies."""
    distinct, indices = np.unique(rows, return_inverse=True)
    words = np.stack([table.unit_vector(row) for row in distinct.tolist()])
    a, b, c = (words[indices.reshape(rows.shape)[:, column]] for column in range(3))
    targets = b - a + c
    lengths = np.linalg.norm(targets, axis=1, keepdims=True)
    excluded = [[row for word in question for row in variants[word]] for question in rows.tolist()]
    units = targets / np.where(lengths > 0, lengths, 1)
    vectors, inverse, backend = table.vectors, table.inverse_lengths, table.backend
    best = nearest(vectors, inverse, units, backend, topn=1, excluded=excluded, restrict=restrict)
    return [ids for ids, _ in best]
