"""`portnn word2vec train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.declared_options import with_options
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.runs import Overwrite, Resume, choose, recipe_help
from portnn.cli.word2vec.report import report
from portnn.cli.word2vec.vector_files import format_of
from portnn.datasets import python_documentation
from portnn.estimators import Word2Vec
from portnn.training import RunFolder


@with_options(Word2Vec.SETTINGS, Word2Vec.RUN)
def train(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Text files and folders; .gz, .bz2 and .xz too; - is standard input.",
            show_default="the documentation that ships with Python, by the recipe short-text",
        ),
    ] = None,
    *,
    given: dict[str, Any],
    recipe: Annotated[str | None, typer.Option(help=recipe_help(Word2Vec))] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    out: Annotated[Path, typer.Option(help="File for the vectors; metrics and the loss curve lie beside it.")] = Path(
        "vectors.safetensors"
    ),
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Learn word vectors from text and report what was learned.

    Example: portnn word2vec train corpus.txt --out vectors.safetensors
    """
    if format_of(out) in ("text", "binary"):
        raise typer.BadParameter(f"--out {out}: training writes .safetensors; portnn word2vec export makes {out} of it")
    folder = RunFolder(out)
    recipe = recipe or (None if files else "short-text")
    chosen = choose(Word2Vec, given, folder, recipe=recipe, resume=resume, overwrite=overwrite)
    place = {"backend": backend, "device": device, **({} if dtype is None else {"dtype": dtype})}
    model = Word2Vec(**{**chosen.model, **place})
    settings = model.settings
    described = ", ".join(map(str, files)) if files else "the documentation that ships with Python"
    kind = "skip-gram" if settings.sg else "CBOW"
    print(f"{kind}, {settings.vector_size} values, on {model.backend}: {described}", file=sys.stderr)
    source: Any = python_documentation() if not files else files[0] if len(files) == 1 else files
    model.fit(source, **chosen.run, out=out, resume=resume, overwrite=overwrite)
    report(model, folder, as_json)
