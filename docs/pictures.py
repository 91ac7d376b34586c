"""Pictures for the gallery: the studies write PNG files into the current folder, and these are collected here."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from sphinx_gallery.scrapers import figure_rst
from sphinx_gallery.sorting import ExplicitOrder

order = ExplicitOrder(
    [f"{name}.py" for name in ("circuit", "neuron", "rbf", "softmax", "ring", "digits", "spiral")] + ["*"]
)

_start = 0


def note_start(gallery_conf: dict[str, Any], script: str) -> None:
    """Remember when a script starts: pictures that are older are not its own."""
    global _start
    _start = time.time_ns()


def written_pictures(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Move the PNG files that a block of code wrote, in the order of writing, to the gallery's images.

    Parameters
    ----------
    block : tuple
        The block that has just run, in the folder of its script.
    block_vars : dict
        `image_path_iterator` gives the paths that the images are to have.
    gallery_conf : dict
        `src_dir` is the root of the documentation.

    Returns
    -------
    str
        reStructuredText that shows them, described by the names of the files; empty if there are none.
    """
    folder = Path(block_vars["src_file"]).parent
    written = [(path.stat().st_mtime_ns, path) for path in folder.glob("*.png")]
    images, names = [], []
    for _, path in sorted(pair for pair in written if pair[0] >= _start):
        image = next(block_vars["image_path_iterator"])
        shutil.move(path, image)
        images.append(image)
        names.append(path.stem.replace("_", " "))
    return figure_rst(images, gallery_conf["src_dir"], ", ".join(names))
