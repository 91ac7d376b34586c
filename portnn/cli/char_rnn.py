"""`portnn char-rnn`: train, sample from and evaluate character RNNs."""

from __future__ import annotations

import math
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.options import BackendName, Device, Dtype, Json, Seed, print_json
from portnn.datasets import python_documentation
from portnn.estimators import CharRNN, load, recipe
from portnn.training import CheckpointError, StepEvent, load_checkpoint

app = typer.Typer(help="Train character RNNs on text and sample from them.", no_args_is_help=True)

DEFAULTS: dict[str, Any] = {
    "level": "char",
    "min_count": 1,
    "cell": "lstm",
    "hidden_size": 128,
    "num_layers": 1,
    "dropout": 0.0,
    "init_scale": None,
    "seq_length": 64,
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": 5e-3,
    "schedule": "constant",
    "clip_norm": 5.0,
    "clip_value": None,
    "smoothing": None,
    "evaluate_every": 200,
    "checkpoint_every": 200,
}
"""Settings of a run that neither an option, a recipe nor the run to resume says."""

NETWORK = ("cell", "hidden_size", "num_layers", "dropout", "level", "min_count", "init_scale")
STEPS = 1200
"""Length of a run where none is said."""


def _option(text: str, name: str) -> Any:
    default = DEFAULTS.get(name)
    return typer.Option(help=f"{text} [default: {default}]" if default is not None else text, show_default=False)


@app.command()
def train(
    files: Annotated[list[Path] | None, typer.Argument(help="Text files, read one after the other.", show_default="the documentation that ships with Python")] = None,
    level: Annotated[str | None, _option("Token: char, byte (any file), word or jieba (Chinese words).", "level")] = None,
    encoding: Annotated[str, typer.Option(help="Of the files: utf-8, gb18030, latin-1 ...")] = "utf-8",
    min_count: Annotated[int | None, _option("Tokens that occur less often become one unknown token.", "min_count")] = None,
    cell: Annotated[str | None, _option("lstm, gru or rnn.", "cell")] = None,
    hidden_size: Annotated[int | None, _option("Units of each layer.", "hidden_size")] = None,
    num_layers: Annotated[int | None, _option("Recurrent layers.", "num_layers")] = None,
    seq_length: Annotated[int | None, _option("Tokens of a chunk.", "seq_length")] = None,
    batch_size: Annotated[int | None, _option("Parallel streams.", "batch_size")] = None,
    dropout: Annotated[float | None, _option("Rate at which each layer's output is dropped.", "dropout")] = None,
    optimizer: Annotated[str | None, _option("sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw.", "optimizer")] = None,
    learning_rate: Annotated[float | None, _option("Step size.", "learning_rate")] = None,
    schedule: Annotated[str | None, _option("constant, linear, exponential or cosine over the run.", "schedule")] = None,
    clip_norm: Annotated[float | None, _option("Limit of the gradients' norm; 0 for none.", "clip_norm")] = None,
    clip_value: Annotated[float | None, _option("Limit of each gradient; 0 for none.", "clip_value")] = None,
    epochs: Annotated[float | None, typer.Option(help="Length of the run in passes over the text.")] = None,
    steps: Annotated[int | None, typer.Option(help="Length of the run in steps, with --resume too: the total. [default: 1200]")] = None,
    held_out: Annotated[float, typer.Option(help="Last fraction of the text, measured and not trained on.")] = 0.05,
    sample_every: Annotated[int, typer.Option(help="Show a sample every so many steps; 0 for never.")] = 400,
    evaluate_every: Annotated[int | None, _option("Measure the held-out loss every so many steps.", "evaluate_every")] = None,
    checkpoint_every: Annotated[int | None, _option("Save every so many steps.", "checkpoint_every")] = None,
    recipe_name: Annotated[str | None, typer.Option("--recipe", help="Settings under one name: min-char-rnn.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, with its settings.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, metrics and the loss curve.")] = Path("portnn-out"),
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Train a character RNN and say what it learned.

    Example: portnn char-rnn train book.txt --cell gru --hidden-size 256 --epochs 5 --out book
    """
    given = {
        name: value
        for name, value in locals().items()
        if name in DEFAULTS and value is not None
    }
    for name in ("clip_norm", "clip_value"):
        if given.get(name) == 0:
            given[name] = None
    last = out / "last.safetensors"
    saved: dict[str, Any] = {}
    if last.exists() and resume:
        facts = load_checkpoint(last)[1]
        if "fit" not in facts:
            raise CheckpointError(f"{last} holds a model but no training state, so there is nothing to resume")
        saved = {**facts["model"], **facts["corpus"], **facts["fit"]}
        dtype = dtype or facts["dtype"]
    elif last.exists() and not overwrite:
        raise ValueError(f"{out} holds a run already; --resume goes on with it, --overwrite replaces it, or name another --out")
    preset = {**DEFAULTS, **(recipe(recipe_name) if recipe_name else {})}
    settings = {name: given.get(name, saved.get(name, preset[name])) for name in DEFAULTS}

    model = CharRNN(
        **{name: settings.pop(name) for name in NETWORK},
        seed=saved.get("seed", seed), backend=backend, device=device, dtype=dtype or "float32",
    )  # fmt: skip
    if overwrite:
        for name in ("last.safetensors", "best.safetensors", "metrics.jsonl", "loss.png"):
            (out / name).unlink(missing_ok=True)
    if steps is None and epochs is None:
        steps = saved.get("steps", STEPS)
    source = files if files else python_documentation()
    described = ", ".join(map(str, files)) if files else "the documentation that ships with Python"
    print(f"{model.network['cell']} of {model.network['hidden_size']} units on {model.backend}: {described}", file=sys.stderr)
    model.fit(
        source,
        steps=steps, epochs=epochs, encoding=encoding, held_out=held_out, out=out, resume=resume,
        callbacks=[SampleCallback(model, sample_every)] if sample_every > 0 else [],
        **settings,
    )  # fmt: skip
    report(model, out, as_json)


class SampleCallback:
    """Show a text sample now and then. It draws from a seed of its own, so it does not change the run."""

    def __init__(self, model: CharRNN, every: int) -> None:
        self.model, self.every = model, every

    def __call__(self, event: StepEvent) -> None:
        """Sample, if it is time."""
        if event.step % self.every == 0:
            from tqdm import tqdm

            self.model.params = event.params
            text = self.model.sample(200, temperature=0.7, seed=event.step)
            tqdm.write("  | " + text.strip().replace("\n", "\n  | "), file=sys.stderr)


def report(model: CharRNN, out: Path, as_json: bool) -> None:
    """Say what a run learned, how fast, where things are and how to sample."""
    run = model.history
    noun = {"char": "character", "byte": "byte"}.get(model.level, "token")
    curve = draw_curve(out)
    command = ["portnn", "char-rnn", "sample", str(out / "best.safetensors"), "--length", "500", "--temperature", "0.7"]
    result = {
        "steps": run.step,
        "held_out_nats": run.held_out_loss,
        "held_out_bits": None if run.held_out_loss is None else run.held_out_loss / math.log(2.0),
        "best_held_out_nats": run.best_held_out_loss,
        "unit": noun,
        "tokens_per_second": run.tokens_per_second,
        "seconds": run.seconds,
        "checkpoint": str(out / "last.safetensors"),
        "best_checkpoint": str(out / "best.safetensors"),
        "metrics": str(out / "metrics.jsonl"),
        "loss_curve": curve,
        "sample_command": shlex.join(command),
    }
    if as_json:
        print_json(result)
        return
    if run.held_out_loss is None:
        command[3] = result["checkpoint"]
        print("learned     not measured: no text was held out")
    else:
        print(
            f"learned     {run.held_out_loss:.3f} nats, {result['held_out_bits']:.3f} bits per {noun} on held-out text "
            f"(best {run.best_held_out_loss:.3f} nats)"
        )
    print(f"speed       {run.tokens_per_second:,.0f} {noun}s/s over {run.seconds:.0f} s of training, {run.step} steps")
    print(f"checkpoint  {result['checkpoint']}, lowest held-out loss {result['best_checkpoint']}")
    print(f"metrics     {result['metrics']}")
    print(f"loss curve  {curve or 'not drawn: ' + chr(39) + 'python -m pip install matplotlib' + chr(39) + ' and train again'}")
    print(f"sample      {shlex.join(command)}")


def draw_curve(out: Path) -> str | None:
    """Draw loss.png, where matplotlib is there."""
    from portnn.plots import plot_loss

    try:
        figure = plot_loss(out, title="Character RNN")
    except ModuleNotFoundError:
        return None
    figure.savefig(out / "loss.png", dpi=144)
    return str(out / "loss.png")


@app.command()
def sample(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint, such as portnn-out/best.safetensors.")],
    length: Annotated[int, typer.Option(help="Tokens to draw.")] = 500,
    prime: Annotated[str, typer.Option(help="Text to go on from.")] = "",
    temperature: Annotated[float, typer.Option(help="0 always takes the likeliest; above 1 varies more.")] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Draw among so many likeliest tokens only.")] = None,
    stop: Annotated[str | None, typer.Option(help="End before this text.")] = None,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Print text drawn from a trained model. One seed gives the same text run after run.

    Example: portnn char-rnn sample portnn-out/best.safetensors --prime "The " --temperature 0.7
    """
    model = load(checkpoint, backend=backend, device=device, dtype=dtype)
    pieces = model.stream(length, prime=prime, temperature=temperature, top_k=top_k, stop=stop, seed=seed)
    if as_json:
        print_json({"prime": prime, "text": prime + "".join(pieces), "seed": seed})
        return
    print(prime, end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint, such as portnn-out/best.safetensors.")],
    files: Annotated[list[Path], typer.Argument(help="Text files to predict.")],
    encoding: Annotated[str, typer.Option(help="Of the files.")] = "utf-8",
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Say how well a trained model predicts text, in nats and bits per character.

    Example: portnn char-rnn evaluate portnn-out/best.safetensors other.txt
    """
    model = load(checkpoint, backend=backend, device=device, dtype=dtype)
    found = model.evaluate(files, encoding=encoding)
    noun = {"char": "character", "byte": "byte"}.get(model.level, "token")
    if as_json:
        print_json({**found._asdict(), "unit": noun})
    else:
        print(f"{found.nats:.4f} nats, {found.bits:.4f} bits per {noun} over {found.tokens:,} {noun}s")
