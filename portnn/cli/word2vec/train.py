"""`portnn word2vec train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.runs import saved_facts
from portnn.cli.word2vec.report import report
from portnn.cli.word2vec.vector_files import format_of
from portnn.datasets import python_documentation
from portnn.estimators import Word2Vec
from portnn.training import RunFolder

DEFAULTS: dict[str, Any] = {
    "vector_size": 100,
    "window": 5,
    "sg": True,
    "negative": 5,
    "cbow_mean": True,
    "sample": 1e-3,
    "min_count": 5,
    "max_vocab_size": None,
    "ns_exponent": 0.75,
    "shrink_windows": True,
    "alpha": 0.025,
    "min_alpha": 1e-4,
    "epochs": 5.0,
    "phrases": 0,
    "phrase_threshold": 10.0,
    "level": "word",
    "lines": True,
    "lowercase": True,
    "batch_size": None,
    "block_size": None,
    "shared_negatives": None,
    "seed": 0,
    "dtype": "float32",
    "encoding": "utf-8",
    "optimizer": "sgd",
    "checkpoint_every": None,
}
"""Settings of a run that neither an option nor the run to resume says."""

DOCUMENTATION = {"lines": False, "epochs": 20.0}
"""Other defaults for the text that ships with Python: it is short, and its lines are no sentences."""

FIT = ("encoding", "optimizer", "checkpoint_every")
"""Those of `Word2Vec.fit`; the others are of `Word2Vec`."""


def _option(text: str, name: str, *names: str) -> Any:
    default = DEFAULTS[name]
    shown = text if default is None or "[default:" in text else f"{text} [default: {default}]"
    return typer.Option(*names, help=shown, show_default=False)


def train(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Text files and folders; .gz, .bz2 and .xz too.",
            show_default="the documentation that ships with Python",
        ),
    ] = None,
    vector_size: Annotated[int | None, _option("Values of a vector.", "vector_size")] = None,
    window: Annotated[int | None, _option("Most words on either side of a word.", "window")] = None,
    sg: Annotated[
        bool | None, _option("Skip-gram, or CBOW, which is faster. [default: --sg]", "sg", "--sg/--cbow")
    ] = None,
    negative: Annotated[
        int | None, _option("Words drawn against each pair; 0: full softmax, for small vocabularies.", "negative")
    ] = None,
    cbow_mean: Annotated[
        bool | None,
        _option("CBOW predicts from the mean or the sum. [default: mean]", "cbow_mean", "--cbow-mean/--cbow-sum"),
    ] = None,
    sample: Annotated[
        float | None, _option("Words of a larger share of the text are thinned out; 0: none.", "sample")
    ] = None,
    min_count: Annotated[int | None, _option("Rarer words get no vector.", "min_count")] = None,
    max_vocab_size: Annotated[int | None, _option("Most words kept, the rarest go.", "max_vocab_size")] = None,
    ns_exponent: Annotated[
        float | None, _option("Negatives are drawn with the words' counts to this power.", "ns_exponent")
    ] = None,
    shrink_windows: Annotated[
        bool | None,
        _option(
            "Draw each window's size, or take it whole. [default: draw]",
            "shrink_windows",
            "--shrink-windows/--whole-windows",
        ),
    ] = None,
    alpha: Annotated[float | None, _option("Learning rate at the beginning.", "alpha")] = None,
    min_alpha: Annotated[float | None, _option("Learning rate at the end.", "min_alpha")] = None,
    epochs: Annotated[
        float | None,
        _option("Passes over the text, with --resume too: in all. [default: 5; without files 20]", "epochs"),
    ] = None,
    phrases: Annotated[int | None, _option("Times that pairs of words such as new york are joined.", "phrases")] = None,
    phrase_threshold: Annotated[
        float | None, _option("Score above which a pair is joined.", "phrase_threshold")
    ] = None,
    level: Annotated[
        str | None, _option("Words are: word, space (tokenized already), char or jieba (Chinese).", "level")
    ] = None,
    lines: Annotated[
        bool | None,
        _option("A line is a sentence, or the text runs on. [default: --lines]", "lines", "--lines/--running-text"),
    ] = None,
    lowercase: Annotated[
        bool | None,
        _option("Make words lowercase, or keep them. [default: --lowercase]", "lowercase", "--lowercase/--keep-case"),
    ] = None,
    encoding: Annotated[str | None, _option("Of the files: utf-8, gb18030, latin-1 ...", "encoding")] = None,
    batch_size: Annotated[
        int | None,
        _option("Positions of a step. [default: what the vocabulary bears, up to 512, CBOW 2048]", "batch_size"),
    ] = None,
    block_size: Annotated[
        int | None, _option("Positions that share negatives. [default: 16, CBOW 32]", "block_size")
    ] = None,
    shared_negatives: Annotated[
        int | None, _option("Negatives of a block. [default: 40, CBOW 32]", "shared_negatives")
    ] = None,
    optimizer: Annotated[str | None, _option("sgd, adagrad or adam.", "optimizer")] = None,
    checkpoint_every: Annotated[
        int | None, _option("Save every so many steps. [default: once an epoch]", "checkpoint_every")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, with its settings.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")] = False,
    out: Annotated[Path, typer.Option(help="File for the vectors; metrics and the loss curve lie beside it.")] = Path(
        "vectors.safetensors"
    ),
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    seed: Annotated[int | None, _option("Seed of all random numbers.", "seed")] = None,
    as_json: Json = False,
) -> None:
    """Learn word vectors from text and say what was learned.

    Example: portnn word2vec train corpus.txt --out vectors.safetensors
    """
    given = {name: value for name, value in locals().items() if name in DEFAULTS and value is not None}
    if resume and overwrite:
        raise typer.BadParameter("--resume goes on with a run, --overwrite replaces it: give one of them")
    if format_of(out) in ("text", "binary"):
        raise typer.BadParameter(f"--out {out}: training writes .safetensors; portnn word2vec export makes {out} of it")
    folder = RunFolder(out)
    if folder.holds_run and not (resume or overwrite):
        raise ValueError(f"{out} holds a run already: --resume it, --overwrite it, or name another file with --out")
    saved = saved_settings(folder) if resume else {}
    settings = {**DEFAULTS, **({} if files else DOCUMENTATION), **saved, **given}
    steps = None if "epochs" in given else saved.get("steps")
    model = Word2Vec(**{name: settings[name] for name in DEFAULTS if name not in FIT}, backend=backend, device=device)
    described = ", ".join(map(str, files)) if files else "the documentation that ships with Python"
    kind = "skip-gram" if settings["sg"] else "CBOW"
    print(f"{kind}, {settings['vector_size']} values, on {model.backend}: {described}", file=sys.stderr)
    source: Any = python_documentation() if not files else files[0] if len(files) == 1 else files
    model.fit(
        source, **{name: settings[name] for name in FIT}, steps=steps, out=out, resume=resume, overwrite=overwrite
    )
    report(model, folder, as_json)


def saved_settings(folder: RunFolder) -> dict[str, Any]:
    """Settings of the run to resume; none, where it has not come to its first checkpoint."""
    facts = saved_facts(folder, "Word2Vec")
    if facts is None:
        return {}
    # "negative" of the model only says whether there are any.
    return {**facts["model"], **facts["corpus"], **facts["settings"], **facts["fit"], "dtype": facts["dtype"]}
