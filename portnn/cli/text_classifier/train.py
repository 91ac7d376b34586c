"""`portnn text-classifier train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.declared_options import with_options
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.reading import Delimiter, Encoding, given_options
from portnn.cli.runs import Out, Overwrite, Resume, choose, recipe_help
from portnn.cli.text_classifier.labelled_files import FILES, Format, Header, LabelColumn, TextColumn
from portnn.cli.text_classifier.measurements import Measurements
from portnn.cli.text_classifier.report import report
from portnn.cli.text_classifier.training_texts import from_files, generated
from portnn.cli.word2vec.vector_files import load_vectors
from portnn.estimators import TextClassifier
from portnn.training import RunFolder

HELD_OUT = 0.1
"""Fraction of the texts of a file that is held out, unless that is said."""


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

    Example: portnn text-classifier train reviews.tsv --bidirectional --patience 3 --out sentiment
    """
    folder = RunFolder(out)
    recipe = recipe or (None if files else "quick")
    fraction, held_out_file = fraction_or_file(held_out)
    if fraction is not None:
        given["held_out"] = fraction
    chosen = choose(TextClassifier, given, folder, recipe=recipe, resume=resume, overwrite=overwrite)
    run = chosen.run
    if vectors is not None and chosen.saved is None:
        run["vectors"] = wv = load_vectors(vectors, {}, "input", mapped=False)
        if "embedding_size" not in given:
            chosen.model["embedding_size"] = wv.vector_size
    place = {"backend": backend, "device": device, **({} if dtype is None else {"dtype": dtype})}
    model = TextClassifier(**{**chosen.model, **place})
    columns = given_options(text=text, label=label)
    reading = given_options(format=format, delimiter=delimiter, header=header, encoding=encoding)
    texts = from_files(files, columns, reading, model, chosen.saved) if files else generated(columns | reading)
    if held_out_file is not None:
        texts = texts.measured_on(held_out_file)
    if chosen.saved is not None and chosen.saved["data"]["held_out"] and texts.held_out is None:
        raise ValueError("the run to resume measures held-out texts of a file: name it with --held-out")
    if texts.held_out is not None and fraction is None:
        run["held_out"] = texts.held_out
    run.setdefault("held_out", HELD_OUT)
    tested = None if test is None else texts.tested_on(test, chosen.saved)
    print(f"{described(model)} on {model.backend}: {texts.name}", file=sys.stderr)
    measurements = Measurements(model, run, measure_every) if recipe or measure_every else None
    callbacks = [measurements] if measurements else []
    model.fit(*texts.given, **run, out=out, resume=resume, overwrite=overwrite, callbacks=callbacks)
    report(model, folder, run, texts, tested, both=measurements is not None, as_json=as_json)


def fraction_or_file(held_out: str | None) -> tuple[float | None, Path | None]:
    """The fraction that is held out, or the file that is measured."""
    if held_out is None:
        return None, None
    try:
        return float(held_out), None
    except ValueError:
        return None, Path(held_out)


def described(model: TextClassifier) -> str:
    """Architecture in a few words."""
    settings = model.settings
    layers = f"{settings.num_layers} layers of " if settings.num_layers > 1 else ""
    size = settings.embedding_size
    read = "one-hot words" if size is None else f"words of {size} entries"
    directions = " in both directions" if settings.bidirectional else ""
    return f"{settings.cell}, {layers}{settings.hidden_size} units{directions}, {read}"
