"""`portnn conv evaluate`: how well a trained network labels images."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from portnn.cli.checkpoints import Checkpoint, load_model
from portnn.cli.confusion import Confusion, print_confusion
from portnn.cli.conv.image_sources import LABELLED, ImagesName, LabelsName, images_for, naming
from portnn.cli.conv.labels import class_names, known_labels
from portnn.cli.conv.misread import draw_misread
from portnn.cli.evaluations import as_record, in_words
from portnn.cli.options import BackendName, Device, Dtype, Json, print_json
from portnn.cli.word2vec.vector_files import refuse_existing
from portnn.estimators import ConvNet


def evaluate(
    checkpoint: Checkpoint,
    file: Annotated[Path, typer.Argument(help=LABELLED)],
    show_confusion: Confusion = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--plot", help="Draw the images that are misread to this file: .png, .pdf or .svg. Needs matplotlib."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the picture.")] = False,
    images_name: ImagesName = None,
    labels_name: LabelsName = None,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Measure how well a trained network labels images: its loss, and its accuracy or R2.

    Pictures are resized to the size trained on.

    Example: portnn conv evaluate net test/ --confusion --plot misread.png
    """
    model = load_model(checkpoint, ConvNet, backend=backend, device=device, dtype=dtype)
    asked = [option for option, wanted in (("--confusion", show_confusion), ("--plot", picture)) if wanted]
    if asked and model.classes is None:
        raise ValueError(f"{checkpoint} holds a regression, which has no classes for {asked[0]}")
    if picture is not None:
        refuse_existing(picture, overwrite)
    images = images_for(model, file, images=images_name, labels=labels_name)
    labels = known_labels(images, model.classes)
    with naming(images.name):
        evaluation = model.evaluate(images, labels)
    record = as_record(model.objective, evaluation, "image")
    names, counts = class_names(model.classes), None
    if model.classes is not None and asked:
        probabilities = np.asarray(model.predict_proba(images))
        if show_confusion:
            counts = model.classes.confusion(labels, model.classes.decode(probabilities.argmax(axis=1)))
            record |= {"classes": names, "confusion": counts.tolist()}
        if picture is not None:
            drawn = draw_misread(model, images, labels, probabilities, picture)
            record["plot"] = str(picture) if drawn else None
            print(f"picture {picture}" if drawn else "no image is misread: nothing is drawn", file=sys.stderr)
    if as_json:
        print_json(record)
        return
    print(in_words(model.objective, evaluation, "", "image"))
    if counts is not None:
        print_confusion(names, counts)
