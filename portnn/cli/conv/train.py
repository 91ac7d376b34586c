"""`portnn conv train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.conv.image_sources import (
    LABELLED,
    ImagesName,
    LabelsName,
    Size,
    in_pixels,
    naming,
    read_images,
    read_size,
)
from portnn.cli.conv.parts_apart import HELD_OUT, HeldOut, Test, test_of
from portnn.cli.conv.report import report
from portnn.cli.conv.training_images import Part, TrainingImages, check_labels, handwritten, of_file, read_part
from portnn.cli.declared_options import with_options
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.reading import given_options
from portnn.cli.runs import Out, Overwrite, Resume, choose, recipe_help
from portnn.cli.text_classifier.train import fraction_or_file
from portnn.estimators import ConvNet
from portnn.images import ImageLayout
from portnn.models.convolution_stack import ConvolutionSettings, ConvolutionStack
from portnn.objectives import OBJECTIVES
from portnn.tables import Targets
from portnn.training import RunFolder


@with_options(ConvNet.SETTINGS, ConvNet.RUN)
def train(
    file: Annotated[
        Path | None,
        typer.Argument(help=LABELLED, show_default="scikit-learn's digits, by the recipe digits"),
    ] = None,
    *,
    given: dict[str, Any],
    size: Size = None,
    images_name: ImagesName = None,
    labels_name: LabelsName = None,
    held_out: HeldOut = None,
    test: Test = None,
    recipe: Annotated[str | None, typer.Option(help=recipe_help(ConvNet))] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    out: Out = Path("portnn-out"),
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Train a convolutional network that labels images, and report what it learned.

    Example: portnn conv train pictures/ --size 32x32 --shift 2 --patience 5 --out net
    """
    reading = given_options(size=read_size(size), images=images_name, labels=labels_name)
    if reading and file is None:
        named = "size" if "size" in reading else f"{next(iter(reading))}-name"
        raise typer.BadParameter(f"--{named} says how to read a file, so give one too")
    folder = RunFolder(out)
    recipe = recipe or (None if file else "digits")
    fraction, held_out_file = fraction_or_file(held_out)
    if fraction is not None:
        given["held_out"] = fraction
    chosen = choose(ConvNet, given, folder, recipe=recipe, resume=resume, overwrite=overwrite)
    run, saved = chosen.run, chosen.saved
    run.setdefault("held_out", HELD_OUT)
    if saved and saved["data"]["held_out"] and not saved["fit"]["held_out"] and held_out_file is None:
        raise ValueError("the run to resume measures held-out images of a file: name it with --held-out")
    ConvNet.RUN(**run)  # what makes no sense is refused before any image is read
    layout = ImageLayout.from_json(saved["layout"]) if saved and saved["layout"] else None
    kept, test_file = test_of(test, layout, file)
    place = {"backend": backend, "device": device, **({} if dtype is None else {"dtype": dtype})}
    model = ConvNet(**{**chosen.model, **place})
    if file is None:
        images = handwritten(kept)
    else:
        reading |= given_options(layout=layout, channels_first=given.get("channels_first"))
        images = of_file(read_images(file, **reading), model.objective, kept, model.settings.seed)
    held_out_part = _begun(model, images, run, held_out_file)
    tested = images.kept
    if test_file is not None:
        tested = read_part(model, test_file, images.layout, model.classes)
    model.layout = images.layout
    print(f"{described(model)} on {model.backend}: {_counted(images, model)}", file=sys.stderr)
    model.fit(images.train.images, images.train.labels, **run, out=out, resume=resume, overwrite=overwrite)
    report(model, folder, run, images, held_out_part, tested, file=file, as_json=as_json)


def _begun(model: ConvNet, images: TrainingImages, run: dict[str, Any], held_out_file: Path | None) -> Part | None:
    """Give a model its classes and first parameters, and its run what is held out; return that if it is of a file.

    Raises
    ------
    OSError, ValueError
        If the images cannot be learned, or the file held out does not fit them.
    """
    train, held_out = images.train, run.get("held_out", 0.0)
    shape = train.pixels.shape[1:]
    with naming(images.name):
        _check_sizes(model, (*shape, 1) if len(shape) == 2 else shape)
        classes = Targets.of(model.objective, images.labels).classes
        fraction = held_out if held_out_file is None else 0.0
        model.initialize(train.images, train.labels, classes and classes.labels, held_out=fraction)
        check_labels(model, images.labels)
    if held_out_file is None:
        return None
    part = read_part(model, held_out_file, images.layout, model.classes)
    run["held_out"] = (part.images, part.labels)
    return part


def _check_sizes(model: ConvNet, shape: tuple[int, ...]) -> None:
    """Raise ValueError if the convolutions leave nothing of images of a shape."""
    try:
        ConvolutionStack(**model.settings.shared_with(ConvolutionSettings), image_shape=shape)
    except ValueError as error:
        raise ValueError(
            f"{error}; fewer --channels, a smaller --kernel or --pool, or --padding same leave more"
        ) from error


def described(model: ConvNet) -> str:
    """Architecture in a few words."""
    settings = model.settings
    several = "s" * (len(settings.channels) != 1)
    parts = [f"convolution{several} of {_listed(settings.channels)} channels"] if settings.channels else []
    if settings.hidden:
        parts.append(f"hidden layer{'s' * (len(settings.hidden) != 1)} of {_listed(settings.hidden)} units")
    return ", ".join(parts) or "a linear model"


def _counted(images: TrainingImages, model: ConvNet) -> str:
    """How many images of which form there are."""
    assert model.model is not None
    count = len(images.train.pixels)
    *size, channels = model.model.image_shape
    colours = {1: "grey", 3: "in colour"}.get(channels, f"of {channels} channels")
    classes = f", {len(model.classes.labels)} classes" if model.classes else ""
    classes = classes if OBJECTIVES[model.objective].classifies else ", a regression"
    return f"{images.name}, {count:,} images of {in_pixels(tuple(size))}, {colours}{classes}"


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
