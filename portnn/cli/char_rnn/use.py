"""`portnn char-rnn sample` and `evaluate`: use a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.checkpoints import Checkpoint, load_model
from portnn.cli.declared_options import settle_seed, with_options
from portnn.cli.options import BackendName, Device, Dtype, Json, print_json
from portnn.estimators import CharRNN
from portnn.estimators.sampling import SampleSettings
from portnn.text import tokenizer

BETWEEN = "\n----\n"
"""What separates the texts that `--count` asks for."""


@with_options(SampleSettings)
def sample(
    checkpoint: Checkpoint = Path("portnn-out"),
    *,
    given: dict[str, Any],
    length: Annotated[int, typer.Option(help="Tokens to draw.")] = 500,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Print text drawn from a trained model. The same seed always gives the same text.

    Example: portnn char-rnn sample book --prime "The " --temperature 0.7
    """
    model = load_model(checkpoint, CharRNN, backend=backend, device=device, dtype=dtype)
    settle_seed(given)
    settings = SampleSettings(length, **given)
    if settings.count is not None:
        texts = model.sample(length, **given)
        if as_json:
            print_json({"prime": settings.prime, "texts": texts, "seed": settings.seed})
        else:
            print(BETWEEN.join(texts))
        return
    pieces = model.stream(length, **given)
    if as_json:
        print_json({"prime": settings.prime, "text": settings.prime + "".join(pieces), "seed": settings.seed})
        return
    print(settings.prime, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


def evaluate(
    checkpoint: Checkpoint,
    files: Annotated[
        list[Path], typer.Argument(help="Text files and folders to predict, compressed or not; - is standard input.")
    ],
    encoding: Annotated[str, typer.Option(help="Encoding of the files.")] = "utf-8",
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Measure how well a trained model predicts text, in nats and bits per character, byte or word.

    Example: portnn char-rnn evaluate book other.txt
    """
    model = load_model(checkpoint, CharRNN, backend=backend, device=device, dtype=dtype)
    evaluation = model.evaluate(files, encoding=encoding)
    unit = tokenizer(model.settings.level).noun
    if as_json:
        print_json({**evaluation._asdict(), "unit": unit})
    else:
        print(f"{evaluation.nats:.4f} nats, {evaluation.bits:.4f} bits per {unit} over {evaluation.tokens:,} {unit}s")
