"""`portnn conv predict`: ask a trained network what images show."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from portnn.cli.checkpoints import Checkpoint, load_model
from portnn.cli.conv.image_sources import ImagesName, images_for, naming
from portnn.cli.conv.labels import class_names
from portnn.cli.options import BackendName, Device, Dtype, Json, print_json
from portnn.cli.text_classifier.answers import in_one_line
from portnn.estimators import ConvNet
from portnn.images import LabelledImages
from portnn.objectives import OBJECTIVES


def predict(
    checkpoint: Checkpoint,
    files: Annotated[
        list[Path],
        typer.Argument(help="Pictures, folders of them, and .npz or .npy files of images."),
    ],
    proba: Annotated[bool, typer.Option("--proba", help="Add a column with the probability of each class.")] = False,
    images_name: ImagesName = None,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Print a line for each image: its name, a tab, and its label.

    Pictures are resized to the size trained on. An image of an array is called by its number: digits.npz[17].

    Example: portnn conv predict net new.png more/
    """
    model = load_model(checkpoint, ConvNet, backend=backend, device=device, dtype=dtype)
    if proba and not OBJECTIVES[model.objective].classifies:
        raise ValueError(f"{checkpoint} holds a regression, which has no probabilities for --proba")
    opened = [(source, images_for(model, source, images=images_name)) for source in files]
    names = class_names(model.classes) if proba else []
    if as_json:
        print_json([_record(*answer, names) for each in opened for answer in _answers(model, *each, proba)])
        return
    if proba:
        print("\t".join(["image", "label", *(in_one_line(f"p_{name}") for name in names)]))
    for source, images in opened:
        for name, label, probabilities in _answers(model, source, images, proba):
            shown = f"{label:.7g}" if isinstance(label, float) else str(label)
            print("\t".join([*map(in_one_line, (name, shown)), *(f"{p:.6f}" for p in probabilities)]))
        sys.stdout.flush()


def _answers(
    model: ConvNet, source: Path, images: LabelledImages, proba: bool
) -> Iterator[tuple[str, Any, list[float]]]:
    """Name, label and probabilities, if they are wanted, of each image."""
    with naming(images.name):
        if proba and model.classes is not None:
            probabilities = np.asarray(model.predict_proba(images))
            predicted = model.classes.decode(probabilities.argmax(axis=1))
        else:
            predicted, probabilities = np.asarray(model.predict(images)), np.empty((len(images), 0))
    for number, name in enumerate(images.names):
        yield called(source, images, name), predicted[number].tolist(), probabilities[number].tolist()


def called(source: Path, images: LabelledImages, name: str) -> str:
    """Path of a picture, or of an array's file with the number of the row."""
    if source.is_dir():
        return os.path.join(source, name)
    return f"{source}[{name}]" if source.suffix.lower() in (".npz", ".npy") else str(source)


def _record(name: str, label: Any, probabilities: list[float], names: list[str]) -> dict[str, Any]:
    record = {"image": name, "label": label}
    if names:
        record["probabilities"] = dict(zip(names, probabilities, strict=True))
    return record
