"""`portnn text-classifier evaluate`: how well a trained classifier answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portnn.cli.checkpoints import Checkpoint, load_model
from portnn.cli.confusion import Confusion, print_answers, print_confusion
from portnn.cli.evaluations import as_record, in_words
from portnn.cli.options import BackendName, Device, Dtype, Json, print_json
from portnn.cli.reading import Delimiter, Encoding, given_options
from portnn.cli.text_classifier.labelled_files import FILES, Format, Header, LabelColumn, TextColumn
from portnn.estimators import TextClassifier
from portnn.tables import LabelledTexts


def evaluate(
    checkpoint: Checkpoint,
    files: Annotated[list[Path], typer.Argument(help=FILES)],
    show_confusion: Confusion = False,
    text: TextColumn = None,
    label: LabelColumn = None,
    format: Format = None,
    delimiter: Delimiter = None,
    header: Header = None,
    encoding: Encoding = None,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Measure how well a trained classifier labels texts: its loss, and the share of texts that it labels right.

    What was said to read the files that it was trained on, such as --label, is remembered; options given here take
    precedence.

    Example: portnn text-classifier evaluate sentiment test.tsv --confusion
    """
    model = load_model(checkpoint, TextClassifier, backend=backend, device=device, dtype=dtype)
    assert model.labels is not None
    reading = given_options(
        text=text, label=label, format=format, delimiter=delimiter, header=header, encoding=encoding
    )
    several = model.settings.multi_label
    texts = LabelledTexts(files, **reading, multi_label=several, layout=model.layout)
    evaluation = model.evaluate(texts)
    names = [str(name) for name in model.labels.names]
    record = as_record(model.model.objective, evaluation, "text")
    counts = model.confusion(texts) if show_confusion else None
    if counts is not None:
        record |= {"classes": names, "confusion": counts.tolist()}
    if as_json:
        print_json(record)
        return
    print(in_words(model.model.objective, evaluation, "", "text"))
    if counts is not None:
        (print_answers if several else print_confusion)(names, counts)
