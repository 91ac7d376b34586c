"""`portnn word2vec evaluate`: compare word vectors with human judgement."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.declared_options import with_options
from portnn.cli.options import BackendName, Device, Dtype, Json, print_json
from portnn.cli.word2vec.standard_input import on_disk, refuse_twice
from portnn.cli.word2vec.vector_files import FormSettings, Table, VectorFile, load_vectors
from portnn.settings import brief
from portnn.vectors import AnalogyScores, PairScores
from portnn.vectors.question_files import numbered_lines


@with_options(FormSettings)
def evaluate(
    file: VectorFile,
    questions: Annotated[
        list[Path],
        typer.Argument(
            help="Files like questions-words.txt (analogies) or wordsim353.tsv (word pairs); - for one in stdin."
        ),
    ],
    restrict_vocab: Annotated[int, typer.Option(help="Use only this many of the most frequent words.")] = 300_000,
    case_sensitive: Annotated[bool, typer.Option("--case-sensitive", help="Tell Film from film.")] = False,
    table: Table = "input",
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Answer analogies and compare similarities with human ratings. A file's first line shows its kind.

    Example: portnn word2vec evaluate vectors.safetensors questions-words.txt wordsim353.tsv
    """
    refuse_twice(file, *questions)
    records = []
    with contextlib.ExitStack() as opened:
        paths = [opened.enter_context(on_disk(path)) for path in questions]
        kinds = [kind_of(path) for path in paths]  # before any work is done
        wv = load_vectors(file, given, table, backend=backend, device=device, dtype=dtype)
        for name, path, kind in zip(questions, paths, kinds, strict=True):
            scores: AnalogyScores | PairScores
            if kind == "analogies":
                scores = wv.evaluate_word_analogies(path, restrict_vocab, not case_sensitive)
            else:
                scores = wv.evaluate_word_pairs(path, restrict_vocab, not case_sensitive)
            if as_json:
                records.append({"file": str(name), "kind": kind, **as_record(scores)})
            else:
                tell(name, scores)
    if as_json:
        print_json(records)


def kind_of(path: Path) -> str:
    """Kind of a file: "analogies" or "pairs".

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If its first line is of neither kind.
    """
    expected = "expected ': section' (analogies) or word, tab, word, tab, number (word pairs)"
    for number, line in numbered_lines(path):
        if line.startswith(":"):
            return "analogies"
        if line.strip() and not line.startswith("#"):
            if line.count("\t") == 2:
                return "pairs"
            raise ValueError(f"{path}, line {number}: {brief(line)} is not a question; {expected}")
    raise ValueError(f"{path} has no questions; {expected}")


def as_record(scores: AnalogyScores | PairScores) -> dict[str, Any]:
    """Scores for JSON."""
    if isinstance(scores, PairScores):
        return scores._asdict()
    totals = {name: getattr(scores, name) for name in ("accuracy", "correct", "questions", "unknown")}
    return {**totals, "sections": [section._asdict() for section in scores.sections]}


def tell(path: Path, scores: AnalogyScores | PairScores) -> None:
    """Scores in words."""
    if isinstance(scores, PairScores):
        print(f"{path}: Spearman {scores.spearman:.3f}, Pearson {scores.pearson:.3f} over {scores.pairs:,} word pairs")
    else:
        print(f"{path}: {scores.accuracy:.1%} of {scores.questions:,} analogies right")
        for section in scores.sections:
            if section.questions:
                print(f"  {section.accuracy:6.1%} of {section.questions:6,}  {section.name}")
    if scores.unknown:
        print(f"  left out {scores.unknown:,}, with words that are not in the vocabulary")
