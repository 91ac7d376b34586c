"""`portnn caption generate`: what a trained captioner says of images."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from portnn.cli.caption.messages import in_options
from portnn.cli.caption.row_files import ROWS, Array, rows_for
from portnn.cli.checkpoints import Checkpoint, load_model
from portnn.cli.declared_options import settle_seed, with_options
from portnn.cli.options import BackendName, Device, Dtype, Json, finite
from portnn.cli.text_classifier.answers import in_one_line
from portnn.estimators import Captioner
from portnn.estimators.caption_model import Caption
from portnn.estimators.captioner_settings import GenerateSettings


@with_options(GenerateSettings)
def generate(
    checkpoint: Checkpoint,
    features: Annotated[Path, typer.Argument(help=ROWS)],
    *,
    given: dict[str, Any],
    array: Array = None,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Print a line for each image: the number of its row, a tab, and a caption; that is the form of a captions file.

    Example: portnn caption generate speaker new.npz --beam 5
    """
    settle_seed(given)
    with in_options():
        settings = GenerateSettings(**given)  # what makes no sense is refused before anything is read
        model = load_model(checkpoint, Captioner, backend=backend, device=device, dtype=dtype)
        rows = rows_for(model, features, array)
        blocks = model.caption_blocks(rows, **given)
    row = cut = 0
    bar = tqdm(
        desc="captions",
        total=len(rows),
        file=sys.stderr,
        unit=" images",
        dynamic_ncols=True,
        leave=False,
        disable=sys.stdout.isatty() or not sys.stderr.isatty(),  # on a terminal, lines show how far it is
    )
    print("[" if as_json else "", end="")
    with bar:
        for block in blocks:
            for caption in block:
                print(_json(row, caption) if as_json else _line(row, caption), end="")
                row, cut = row + 1, cut + (not caption.ended)
            sys.stdout.flush()
            bar.update(len(block))
    print("\n]\n" if as_json else "", end="")
    if cut:
        print(f"note: {cut:,} of {row:,} captions are cut at --max-length {settings.max_length}", file=sys.stderr)


def _line(row: int, caption: Caption) -> str:
    return f"{row}\t{in_one_line(caption.text)}\n"


def _json(row: int, caption: Caption) -> str:
    record = {
        "row": row,
        "caption": caption.text,
        "log_probability": caption.log_probability,
        "ended": caption.ended,
    }
    return ("," if row else "") + "\n" + json.dumps(finite(record))
