"""`portnn char-rnn sample` and `evaluate`: use a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portnn.cli.char_rnn.report import noun
from portnn.cli.checkpoints import Checkpoint, load_model
from portnn.cli.options import BackendName, Device, Dtype, Json, Seed, print_json
from portnn.estimators import CharRNN


def sample(
    checkpoint: Checkpoint = Path("portnn-out"),
    length: Annotated[int, typer.Option(help="Tokens to draw.")] = 500,
    prime: Annotated[str, typer.Option(help="Text to continue.")] = "",
    temperature: Annotated[float, typer.Option(help="0 always takes the likeliest; above 1 varies more.")] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Draw only from this many of the likeliest tokens.")] = None,
    stop: Annotated[str | None, typer.Option(help="Stop before this text.")] = None,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Print text drawn from a trained model. The same seed always gives the same text.

    Example: portnn char-rnn sample book --prime "The " --temperature 0.7
    """
    model = load_model(checkpoint, CharRNN, backend=backend, device=device, dtype=dtype)
    pieces = model.stream(length, prime=prime, temperature=temperature, top_k=top_k, stop=stop, seed=seed)
    if as_json:
        print_json({"prime": prime, "text": prime + "".join(pieces), "seed": seed})
        return
    print(prime, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


def evaluate(
    checkpoint: Checkpoint,
    files: Annotated[list[Path], typer.Argument(help="Text files to predict.")],
    encoding: Annotated[str, typer.Option(help="Encoding of the files.")] = "utf-8",
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Measure how well a trained model predicts text, in nats and bits per character.

    Example: portnn char-rnn evaluate book other.txt
    """
    model = load_model(checkpoint, CharRNN, backend=backend, device=device, dtype=dtype)
    evaluation = model.evaluate(files, encoding=encoding)
    unit = noun(model.settings.level)
    if as_json:
        print_json({**evaluation._asdict(), "unit": unit})
    else:
        print(f"{evaluation.nats:.4f} nats, {evaluation.bits:.4f} bits per {unit} over {evaluation.tokens:,} {unit}s")
