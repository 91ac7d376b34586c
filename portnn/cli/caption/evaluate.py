"""`portnn caption evaluate`: how well a trained captioner describes images."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.caption.measured import as_record, in_words, say_without_bleu
from portnn.cli.caption.messages import in_options
from portnn.cli.caption.row_files import ROWS, Array, rows_for
from portnn.cli.caption.training_captions import CAPTIONS
from portnn.cli.checkpoints import Checkpoint, load_model
from portnn.cli.declared_options import with_options
from portnn.cli.options import BackendName, Device, Dtype, Json, print_json
from portnn.cli.reading import Encoding
from portnn.estimators import Captioner
from portnn.estimators.captioner_settings import BeamSettings
from portnn.images import CaptionFile


@with_options(BeamSettings)
def evaluate(
    checkpoint: Checkpoint,
    features: Annotated[Path, typer.Argument(help=ROWS)],
    captions: Annotated[Path, typer.Argument(help=CAPTIONS)],
    *,
    given: dict[str, Any],
    array: Array = None,
    encoding: Encoding = None,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Measure how well a trained captioner describes images.

    The loss is that of the captions in the file. Of what the captioner says itself, exact is the share of images whose
    caption is one of those in the file, and BLEU-4, from 0 to 100, compares words and runs of up to four with all of
    them.

    Example: portnn caption evaluate speaker features.npz captions.tsv --beam 5
    """
    with in_options(the_features_have=f"{features} has"):
        BeamSettings(**given)  # what makes no sense is refused before anything is read
        model = load_model(checkpoint, Captioner, backend=backend, device=device, dtype=dtype)
        rows = rows_for(model, features, array)
        evaluation = model.evaluate(rows, CaptionFile(captions, encoding=encoding or "utf-8"), **given)
    left_out = len(rows) - evaluation.images
    if left_out:
        print(f"note: {left_out:,} of {len(rows):,} images have no caption and are left out", file=sys.stderr)
    say_without_bleu(evaluation)
    if as_json:
        print_json(as_record(evaluation))
    else:
        print(in_words(evaluation))
