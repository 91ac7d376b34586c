"""`portnn text-classifier predict`: ask a trained classifier."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from portnn.cli.checkpoints import Checkpoint, load_model
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.text_classifier.answers import Answers
from portnn.cli.text_classifier.asked_texts import piped, typed
from portnn.cli.text_classifier.explaining import draw
from portnn.cli.word2vec.vector_files import refuse_existing
from portnn.estimators import TextClassifier
from portnn.text.standard_input import END_KEY, STDIN


def predict(
    checkpoint: Checkpoint,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            help="Texts to label, each in quotes. Without any: what you type at a prompt, or the lines of stdin.",
        ),
    ] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Show the probability of every label.")] = False,
    explain_words: Annotated[
        bool, typer.Option("--explain", help="Show each word's part in the answer, and the probability after it.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option("--plot", help="Draw the same to this file: .png, .pdf or .svg. Needs matplotlib.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the picture.")] = False,
    encoding: Annotated[str, typer.Option(help="Encoding of standard input.")] = "utf-8",
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Print label, probability and text of each text, with tabs between.

    A text that begins with a minus needs -- before it.

    Example: portnn text-classifier predict sentiment "not bad at all"
    """
    texts = None if texts == [STDIN] else texts
    if picture is not None and (texts is None or len(texts) != 1):
        raise typer.BadParameter(f"--plot draws one text: give one, got {len(texts or ())}")
    if picture is not None:
        refuse_existing(picture, overwrite)
    model = load_model(checkpoint, TextClassifier, backend=backend, device=device, dtype=dtype)
    prompted = texts is None and not as_json and sys.stdin is not None and sys.stdin.isatty()
    repeats = not (prompted and sys.stdout.isatty())  # what was typed there is still to be seen
    answers = Answers(model, proba=proba, explains=explain_words, repeats=repeats, as_json=as_json)
    batches: Iterable[list[str]]
    if texts is not None:
        batches = [texts]
    elif prompted:
        print(f"Type a text and press Enter; {END_KEY} ends.", file=sys.stderr)
        batches = ([text] for text in typed())
    else:
        batches = piped(encoding)
    answers.begin()
    for batch in batches:
        for answer in answers(batch):
            answers.show(answer)
        sys.stdout.flush()
        if prompted:
            answers.notes.say()
    answers.end()
    if picture is not None and texts:
        draw(model.explain(texts[0]), picture)
        print(f"picture {picture}", file=sys.stderr)
