"""`portnn word2vec similar` and `analogy`: which words are near."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from portnn.cli.declared_options import with_options
from portnn.cli.options import BackendName, Device, Dtype, Json, print_json
from portnn.cli.word2vec.standard_input import refuse_twice, words_given
from portnn.cli.word2vec.vector_files import FormSettings, Table, Topn, VectorFile, load_vectors
from portnn.settings import brief
from portnn.vectors.question_files import words_of

METHODS = ("add", "mul")


@with_options(FormSettings)
def similar(
    file: VectorFile,
    words: Annotated[
        list[str], typer.Argument(help="Words to ask about, one after the other; - for those in stdin, one a line.")
    ],
    topn: Topn = 10,
    table: Table = "input",
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Print the words nearest to a word, and their cosine.

    Example: portnn word2vec similar vectors.safetensors film
    """
    refuse_twice(file, *words)
    words = words_given(words)
    wv = load_vectors(file, given, table, backend=backend, device=device, dtype=dtype)
    neighbours = {word: wv.most_similar(word, topn=topn) for word in words}
    if as_json:
        print_json({word: _records(near, "similarity") for word, near in neighbours.items()})
        return
    for word, near in neighbours.items():
        if len(neighbours) > 1:
            print(f"{word}:")
        _print_scores(near)


@with_options(FormSettings)
def analogy(
    file: VectorFile,
    expression: Annotated[list[str], typer.Argument(help="Words with + or - between them.")],
    topn: Topn = 10,
    method: Annotated[
        str, typer.Option(help="add: the sum of cosines (3CosAdd); mul: their product (3CosMul).")
    ] = "add",
    table: Table = "input",
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Print the words nearest to a sum of words: king - man + woman asks what is to woman as king is to man.

    Example: portnn word2vec analogy vectors.safetensors king - man + woman
    """
    if method not in METHODS:
        raise ValueError(f"method is {brief(method)}; expected {' or '.join(METHODS)}")
    positive, negative = parsed(expression)
    wv = load_vectors(file, given, table, backend=backend, device=device, dtype=dtype)
    if len(positive) == 1 and not negative and positive[0] not in wv and set(positive[0][1:]) & {"+", "-"}:
        raise ValueError(f"{brief(positive[0])} is not in the vocabulary; if it is a sum, put spaces around its signs")
    ask = wv.most_similar if method == "add" else wv.most_similar_cosmul
    near = ask(positive, negative, topn=topn)
    if as_json:
        asked = {"positive": positive, "negative": negative, "method": method}
        print_json({**asked, "answers": _records(near, "score")})
        return
    _print_scores(near)


def parsed(expression: list[str]) -> tuple[list[str], list[str]]:
    """Words that are added, and those that are subtracted.

    Raises
    ------
    ValueError
        If the expression is not words separated by single signs.

    Examples
    --------
    >>> parsed(["king", "-", "man", "+", "woman"])
    (['king', 'woman'], ['man'])
    """
    signed: dict[str, list[str]] = {"+": [], "-": []}
    pieces = [piece for argument in expression for piece in _pieces(argument)]
    shown = " ".join(pieces)
    sign, before = "+", ""
    for piece in pieces:
        if piece in signed:
            if sign and before:
                raise ValueError(
                    f"expression {brief(shown)}: {brief(before)} is followed by {brief(piece)}, expected a word"
                )
            sign, before = piece, piece
        elif not sign:
            raise ValueError(
                f"expression {brief(shown)}: {brief(before)} is followed by {brief(piece)}, expected + or -"
            )
        else:
            signed[sign].append(piece)
            sign, before = "", piece
    if sign:
        raise ValueError(f"expression {brief(shown)} ends without a word, expected one such as king - man + woman")
    return signed["+"], signed["-"]


def _pieces(argument: str) -> list[str]:
    """Parts of an argument: all of the expression may be one, quoted, and so may a word that contains spaces."""
    parts = list(words_of(argument))
    return parts if {"+", "-"} & {*parts} else [argument] * bool(parts)


def _records(near: list[tuple[str, float]], name: str) -> list[dict[str, Any]]:
    return [{"word": word, name: score} for word, score in near]


def _print_scores(near: list[tuple[str, float]]) -> None:
    for word, score in near:
        print(f"{score:7.4f}  {word}")
