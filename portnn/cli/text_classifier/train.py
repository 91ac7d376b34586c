"""`portnn text-classifier train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from portnn.cli.checkpoints import checkpoint_of
from portnn.cli.declared_options import with_options
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.reading import Delimiter, Encoding, given_options
from portnn.cli.runs import Out, Overwrite, Resume, choose, recipe_help
from portnn.cli.text_classifier.labelled_files import FILES, Format, Header, LabelColumn, TextColumn
from portnn.cli.text_classifier.report import Measurements, report, write_sentences
from portnn.datasets import sentiment_sentences
from portnn.estimators import TextClassifier
from portnn.estimators.text_labels import TextLabels
from portnn.tables import LabelledTexts, TextLayout
from portnn.training import RunFolder
from portnn.vectors import KeyedVectors

HELD_OUT = 0.1
"""Fraction of the texts that are held out, unless that is said."""


class Texts(NamedTuple):
    """What to train on, and what is measured.

    Attributes
    ----------
    given : tuple
        Texts and labels as `TextClassifier.fit` takes them.
    held_out : object
        As `fit` takes them; None for the fraction that the run says.
    name : str
    """

    given: tuple[Any, ...]
    held_out: Any
    name: str


@with_options(TextClassifier.SETTINGS, TextClassifier.RUN)
def train(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help=FILES, show_default="short sentences that portnn makes, by the recipe quick"),
    ] = None,
    *,
    given: dict[str, Any],
    text: TextColumn = None,
    label: LabelColumn = None,
    format: Format = None,
    delimiter: Delimiter = None,
    header: Header = None,
    encoding: Encoding = None,
    held_out: Annotated[
        str | None,
        typer.Option(
            help="Texts that are measured and not trained on, by which the best checkpoint is chosen: a fraction drawn "
            f"at random, or a file. [default: {HELD_OUT}]",
            metavar="FILE|<float>",
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(help="File to measure the best checkpoint on at the end; it neither trains nor chooses."),
    ] = None,
    vectors: Annotated[
        Path | None,
        typer.Option(
            help="Word vectors to start from: a run of portnn word2vec, .safetensors, or the word2vec format. They "
            "settle --embedding-size.",
        ),
    ] = None,
    measure_every: Annotated[
        int | None,
        typer.Option(
            help="Epochs between lines with loss and accuracy on training and held-out texts; 0 for none. "
            "[default: a tenth of the run with a recipe, else 0]",
            min=0,
        ),
    ] = None,
    recipe: Annotated[str | None, typer.Option(help=recipe_help(TextClassifier))] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    out: Out = Path("portnn-out"),
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Train a recurrent network that reads a text and gives it a label, and report what it learned.

    Examples: portnn text-classifier train

    portnn text-classifier train reviews.tsv --bidirectional --patience 3 --out sentiment
    """
    columns = given_options(text=text, label=label)
    reading = given_options(format=format, delimiter=delimiter, header=header, encoding=encoding)
    folder = RunFolder(out)
    recipe = recipe or (None if files else "quick")
    fraction, held_out_file = fraction_or_file(held_out)
    if fraction is not None:
        given["held_out"] = fraction
    chosen = choose(TextClassifier, given, folder, recipe=recipe, resume=resume, overwrite=overwrite)
    settings, run, saved = chosen
    wv = None
    if vectors is not None and saved is None:
        wv = KeyedVectors.load(checkpoint_of(vectors))
        if "embedding_size" not in given:
            settings["embedding_size"] = wv.vector_size
    if saved is not None and saved["data"]["held_out"] and held_out is None and files:
        raise ValueError("the run to resume measures held-out texts of a file: name it with --held-out")
    model = TextClassifier(
        **{**settings, "backend": backend, "device": device, **({} if dtype is None else {"dtype": dtype})}
    )
    ...
