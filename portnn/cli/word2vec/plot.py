"""`portnn word2vec plot`: words on a map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.declared_options import with_options
from portnn.cli.options import Json, print_json
from portnn.cli.word2vec.vector_files import FormSettings, Table, VectorFile, load_vectors, refuse_existing
from portnn.text.standard_input import STDIN

FREQUENT = 30


@with_options(FormSettings)
def plot(
    file: VectorFile,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS", help="Words to draw; --words may be left out.")
    ] = None,
    *,
    given: dict[str, Any],
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
) -> None:
    """Draw words on the two axes along which their vectors differ most. Needs matplotlib.

    Example: portnn word2vec plot vectors.safetensors --words the a an movie ordinary but and
    """
    from portnn.plots import plot_words

    # An option takes one value, so in "--words the a an" the other words arrive as arguments; before the file, the
    # second word arrives in its place.
    arguments = [str(file), *(more or ())]
    file = the_file(arguments) if words else file
    arguments.remove(str(file))
    out = default_picture(file) if out is None else out
    refuse_existing(out, overwrite)
    wv = load_vectors(file, table, given)
    shown = list(dict.fromkeys([*(words or ()), *arguments])) or wv.index_to_key[:FREQUENT]
    for word in shown:
        wv.get_index(word)  # an error names words of similar spelling
    out.parent.mkdir(parents=True, exist_ok=True)
    plot_words(wv, shown, title=title).savefig(out, dpi=144)
    if as_json:
        print_json({"file": str(out), "words": shown})
    else:
        print(f"{out}: {len(shown)} word{'s' * (len(shown) > 1)}")


def the_file(arguments: list[str]) -> Path:
    """File among the arguments, the rest of which are words: the last, if it exists and the first does not."""
    first, last = arguments[0], arguments[-1]
    return Path(last if Path(last).exists() and not Path(first).exists() else first)


def default_picture(file: Path) -> Path:
    """A PNG beside the vectors."""
    return Path("vectors.png") if str(file) == STDIN else file.with_suffix(".png")
