"""What `portnn caption train` trains on, and some of it to measure with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from portnn.cli.caption.row_files import Host, input_of, read_rows
from portnn.cli.conv.image_sources import naming
from portnn.estimators import Captioner, ConvNet
from portnn.images import CaptionFile
from portnn.tables import split_ids

CAPTIONS = "Captions: a line for each, with the number of its row, from 0, a tab, and the words."

MEASURED = 2000
"""Images whose captions are compared at the end of a run, at most: so many are enough, and soon said."""


class TrainingCaptions(NamedTuple):
    """Rows and the captions about them.

    Attributes
    ----------
    rows : ndarray
        Features (n, width), or images.
    captions : CaptionFile
    rows_file, captions_file : Path
    digits : bool
        Whether they are captioned digits that portnn made.
    """

    rows: Host
    captions: CaptionFile
    rows_file: Path
    captions_file: Path
    digits: bool = False

    def measured(self, held_out: float, seed: int | None) -> tuple[Host, list[list[str]], str]:
        """Rows to measure a checkpoint on, their captions, and what they are."""
        _, ids = split_ids(len(self.rows), held_out, seed=seed)
        for chosen, what in ((ids[:MEASURED], "held-out"), (np.arange(len(self.rows))[:MEASURED], "training")):
            said = self._captions_of(chosen)
            if any(said):
                return self.rows[chosen], said, what
        return self.rows, self._captions_of(np.arange(len(self.rows))), "training"  # the first ones have no captions

    def _captions_of(self, chosen: Host) -> list[list[str]]:
        said: list[list[str]] = [[] for _ in chosen]
        places = {row: place for place, row in enumerate(chosen.tolist())}
        if places:
            for _, row, caption in self.captions.read():
                if row in places:
                    said[places[row]].append(caption)
        return said


def of_files(
    model: Captioner, net: ConvNet | None, rows: Path, captions: Path, array: str | None, encoding: str | None
) -> TrainingCaptions:
    """What files hold; everything that could fail later fails here.

    Raises
    ------
    OSError, ValueError
        If they cannot be read, or do not fit the network.
    """
    takes = model.image_input if net is None else input_of(net)
    if takes is None:
        hint = "--net CHECKPOINT trains through a network of them, and portnn conv features computes features of them"
    elif net is None:
        hint = "the run to resume trains through a network"
    else:
        hint = "without --net the model is trained on features"
    found = read_rows(rows, takes, array, hint=hint)
    if takes is not None:
        assert model.backend is not None
        with naming(str(rows)):
            takes.place(found, model.backend)
    elif model.model is not None and found.shape[1] != model.model.feature_size:
        raise ValueError(
            f"{rows}: features have {found.shape[1]} entries, but the run to resume has {model.model.feature_size}"
        )
    return TrainingCaptions(found, CaptionFile(captions, encoding=encoding or "utf-8"), rows, captions)


def in_short(data: TrainingCaptions) -> str:
    """What there is, in a few words."""
    count, *form = data.rows.shape
    what = f"rows of {form[0]:,} features" if len(form) == 1 else f"images of {' x '.join(map(str, form))}"
    return f"{data.rows_file}, {count:,} {what}"
