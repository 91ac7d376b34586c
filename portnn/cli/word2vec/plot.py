"""`portnn word2vec plot`: words on a map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.checkpoints import CheckpointError
from portnn.cli.checkpoints import checkpoint_of
from portnn.cli.declared_options import with_options
from portnn.cli.options import Json, print_json
from portnn.cli.word2vec.standard_input import refuse_twice, words_given
from portnn.cli.word2vec.vector_files import VECTORS, FormSettings, Table, load_vectors, refuse_existing
from portnn.settings import brief
from portnn.text.standard_input import STDIN
from portnn.training import checkpoint_at

FREQUENT = 30


@with_options(FormSettings)
def plot(
    file: Annotated[Path, typer.Argument(help=VECTORS)],
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS", help="Words to draw; --words may be left out; - for those in stdin."),
    ] = None,
    words: Annotated[
        list[str] | None,
        typer.Option("--words", help=f"Words to draw: all up to the next option. [default: the {FREQUENT} first]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Picture to write: .png, .pdf or .svg. [default: a PNG beside the vectors]")
    ] = None,
    table: Table = "input",
    title: Annotated[str | None, typer.Option(help="Title of the picture.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the picture.")] = False,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Draw words on the two axes along which their vectors differ most. Needs matplotlib.

    Example: portnn word2vec plot vectors.safetensors --words the a an movie ordinary but and
    """
    from portnn.plots import plot_words

    file, shown = file_and_words(file, more or [], words or [])
    refuse_twice(file, *shown)
    shown = words_given(shown)
    if out is None:
        out = Path("vectors.png") if str(file) == STDIN else file.with_suffix(".png")
    refuse_existing(out, overwrite)
    wv = load_vectors(file, given, table)
    shown = list(dict.fromkeys(shown)) or wv.index_to_key[:FREQUENT]
    for word in shown:
        wv.get_index(word)  # an error names words of similar spelling
    out.parent.mkdir(parents=True, exist_ok=True)
    plot_words(wv, shown, title=title).savefig(out, dpi=144)
    if as_json:
        print_json({"file": str(out), "words": shown})
    else:
        print(f"{out}: {len(shown)} word{'s' * (len(shown) > 1)}")


def file_and_words(first: Path, more: list[str], words: list[str]) -> tuple[Path, list[str]]:
    """Tell the file of vectors from the words to draw.

    An option takes one value, so the other words of "--words the a an" arrive as arguments, before or after the file.

    Raises
    ------
    ValueError
        If none of several arguments is a file, or more than one is and the first need not be the one.
    """
    given = [str(first), *more]
    files = [argument for argument in given if argument == STDIN or has_checkpoint(argument)]
    if not more or (not words and files[:1] == given[:1]):
        return checkpoint_of(first), [*words, *more]
    if not files:
        raise ValueError(f"no file of vectors: none of {', '.join(map(brief, given))} exists")
    if len(files) > 1:
        named = " and ".join(map(brief, files))
        raise ValueError(f"{named} are files: which holds the vectors? Name it first and leave out --words")
    given.remove(files[0])
    return checkpoint_of(Path(files[0])), [*words, *given]


def has_checkpoint(argument: str) -> bool:
    """Whether there is a file of this name, or the folder of a run."""
    try:
        return checkpoint_at(argument).exists()
    except CheckpointError:
        return False
