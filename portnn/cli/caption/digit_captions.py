"""Captioned digits as files: features that a network of digits computes, and sentences, to train on and to test."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portnn.cli.caption.row_files import Host
from portnn.cli.conv.feature_files import write_features
from portnn.cli.conv.image_sources import naming
from portnn.cli.ranks import decided_by_first
from portnn.datasets import captioned_digits, digits, sentences_about
from portnn.datasets.captions import CELLS
from portnn.estimators import ConvNet
from portnn.training import RunFolder

PICTURES = 512
"""Pictures whose features are computed at a time."""


class DigitFiles(NamedTuple):
    """Files beside a run. Captions of the test are all sentences that are true of a picture."""

    features: Path
    captions: Path
    test_features: Path
    test_captions: Path

    @classmethod
    def beside(cls, folder: RunFolder) -> DigitFiles:
        """Where they are."""
        names = ("features.npz", "captions.tsv", "test_features.npz", "test_captions.tsv")
        return cls(*map(folder.beside, names))

    @property
    def exist(self) -> bool:
        """Whether all of them are there."""
        return all(path.exists() for path in self)


@decided_by_first
def write_digits(files: DigitFiles, net: ConvNet | None, name: str) -> None:
    """Write captioned digits, with features of the network, or of one that is trained now.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    OSError, ValueError
        If the files cannot be written, or the network is not one of such pictures.
    """
    if net is not None:
        with naming(name):
            next(_of_cells(net, np.zeros((1, 8, 8 * CELLS, 1))))  # it fails here, before there is a folder
    data = captioned_digits(4000, captions=4)
    net = net or _trained()
    for path, images in ((files.features, data.images), (files.test_features, data.test_images)):
        write_features(path, _of_cells(net, images), len(images), None, lambda _: None)
    _write_captions(files.captions, data.captions)
    _write_captions(files.test_captions, [sentences_about(shown) for shown in data.test_shown])


def _trained() -> ConvNet:
    model, run = ConvNet.recipe("digits")
    print("a network of single digits is trained first, for features of them", file=sys.stderr)
    found = digits()
    return ConvNet(**model).fit(found.images.astype(np.float32), found.labels, **run)


def _of_cells(net: ConvNet, images: NDArray[np.float64]) -> Iterator[Host]:
    """Features of the three cells of each picture, side by side."""
    for start in range(0, len(images), PICTURES):
        cells = np.split(images[start : start + PICTURES].astype(np.float32), CELLS, axis=2)
        if net.settings.channels_first:
            cells = [np.moveaxis(cell, 3, 1) for cell in cells]
        yield np.concatenate([np.asarray(net.features(cell)) for cell in cells], axis=1)


def _write_captions(path: Path, captions: Sequence[Sequence[str]]) -> None:
    lines = [f"{row}\t{caption}\n" for row, several in enumerate(captions) for caption in several]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
