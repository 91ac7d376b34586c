"""Paths of a corpus: the files of a folder, and texts that are taken for paths."""

from __future__ import annotations

import os
from pathlib import Path

from portnn.settings import brief

LONGEST = 4096
SHORT = 60


def files_in(folder: Path) -> list[Path]:
    """Files in a folder and its subfolders, in the order of their names, except those whose name starts with a dot.

    Raises
    ------
    ValueError
        If there are none.
    """
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    paths = [folder / name for name in sorted(names, key=lambda n: n.parts) if not name.name.startswith(".")]
    if not paths:
        raise ValueError(f'corpus "{folder}" is a folder without files')
    return paths


def names_path(text: str | bytes) -> bool:
    """Whether there is a file or a folder with this text as its name."""
    # A name of impossible characters is no error of `exists`.
    return 0 < len(text) <= LONGEST and os.path.exists(os.path.expanduser(text))


def quoted(text: str | bytes) -> str:
    """A text for messages, which never hold a whole corpus: in quotes if it is as short as a name, else its length."""
    return repr(text) if len(text) <= SHORT else f"of length {len(text):,}"


def refuse_path(text: str | bytes) -> None:
    """Refuse a text that is the name of a file or a folder, which is then what was meant.

    Raises
    ------
    ValueError
        If there is a file or a folder of that name.
    """
    if names_path(text):
        name = os.fsdecode(text)
        kind = "folder" if os.path.isdir(os.path.expanduser(name)) else "file"
        raise ValueError(
            f"source is the text {brief(text)}, which names a {kind}; give pathlib.Path({brief(name)}) to read that"
        )
