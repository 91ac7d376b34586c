"""What is piped into a command on word vectors: a file of vectors or questions, or words."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from portnn.text.standard_input import STDIN, read_standard_input

NAME = "standard input"


def refuse_twice(*given: object) -> None:
    """Refuse several arguments that stand for standard input.

    Raises
    ------
    ValueError
        If more than one is "-".
    """
    if sum(str(argument) == STDIN for argument in given) > 1:
        raise ValueError(f'"{STDIN}", {NAME}, can be read only once')


def name_of(path: Path) -> str:
    """What messages call a path."""
    return NAME if str(path) == STDIN else str(path)


@contextlib.contextmanager
def on_disk(path: Path) -> Iterator[Path]:
    """Path that can be opened again and again: what comes through a pipe is kept in a file inside the block."""
    if str(path) != STDIN and (path.is_file() or path.is_dir() or not path.exists()):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="portnn-") as folder:
        kept = Path(folder, "piped")
        kept.write_bytes(read_standard_input() if str(path) == STDIN else path.read_bytes())
        try:
            yield kept
        except ValueError as error:
            if str(kept) not in str(error):
                raise
            raise ValueError(str(error).replace(str(kept), name_of(path))) from None


def words_given(words: Sequence[str]) -> list[str]:
    """Words of the command line; "-" stands for those in standard input, one a line."""
    if STDIN not in words:
        return list(words)
    text = read_standard_input().decode("utf-8-sig", "surrogateescape")
    piped = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if not piped:
        raise ValueError(f"{NAME} holds no words")
    return [each for word in words for each in (piped if word == STDIN else [word])]
