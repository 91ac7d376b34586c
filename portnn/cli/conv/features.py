"""`portnn conv features`: what the last layer of a trained network sees of images, for other models to read."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from portnn.cli.checkpoints import Checkpoint, load_model
from portnn.cli.conv.feature_files import SUFFIXES, write_features
from portnn.cli.conv.image_sources import ImagesName, LabelsName, images_for, naming
from portnn.cli.options import BackendName, Device, Dtype, Json, print_json
from portnn.cli.word2vec.vector_files import refuse_existing
from portnn.estimators import ConvNet
from portnn.settings import brief


def features(
    checkpoint: Checkpoint,
    file: Annotated[
        Path, typer.Argument(help="An .npz or .npy file of images, a folder of pictures, or a single picture.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help=".npz file for the arrays features and, if there are any, labels; or .npy for features alone."
        ),
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
    images_name: ImagesName = None,
    labels_name: LabelsName = None,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Write what the last layer sees of each image, a row of numbers, for other models to read.

    Neither images nor features need to fit into memory. Pictures are resized to the size trained on.

    Example: portnn conv features net pictures/ --out features.npz
    """
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{out} has the suffix {brief(out.suffix)}; --out must end in {' or '.join(SUFFIXES)}")
    if out.exists() and file.exists() and out.samefile(file):
        raise ValueError(f"{out} is the file to read; name another with --out")
    refuse_existing(out, overwrite)
    model = load_model(checkpoint, ConvNet, backend=backend, device=device, dtype=dtype)
    images = images_for(model, file, images=images_name, labels=labels_name)
    with naming(images.name):
        blocks = model.feature_blocks(images)
    bar = tqdm(
        desc="features",
        total=len(images),
        unit=" images",
        file=sys.stderr,
        dynamic_ncols=True,
        leave=False,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        shape, kind = write_features(out, blocks, len(images), images.labels, bar.update)
    if images.labels is not None and suffix == ".npy":
        print("note: an .npy file holds one array, so labels are left out; .npz has both", file=sys.stderr)
    arrays = {"features": [list(shape), kind]}
    if images.labels is not None and suffix == ".npz":
        arrays["labels"] = [list(images.labels.shape), str(images.labels.dtype)]
    caption = shlex.join(["portnn", "caption", "train", str(out), "captions.tsv"])
    if as_json:
        shapes = {name: {"shape": s, "dtype": d} for name, (s, d) in arrays.items()}
        print_json({"file": str(out), **shapes, "caption_command": caption})
        return
    listed = ", ".join(f"{name} {tuple(shape)} {kind}" for name, (shape, kind) in arrays.items())
    print(f"{out}: {listed}")
    print(f"to caption  {caption}")
