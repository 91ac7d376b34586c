"""Pictures of the gallery: the PNG files that studies write to the current folder, and what a notebook would show."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from sphinx_gallery.scrapers import figure_rst
from sphinx_gallery.sorting import ExplicitOrder

STUDIES = (
    "circuit",
    "neuron",
    "rbf",
    "softmax",
    "ring",
    "digits",
    "spiral",
    "memory",
    "sentence",
    "convolution",
    "caption",
)
order = ExplicitOrder([f"{name}.py" for name in STUDIES] + ["*"])

_start = 0
_shown: Any = None


def note_start(gallery_conf: dict[str, Any], script: str) -> None:
    """Record when a script starts: older pictures are not its own."""
    global _start
    _start = time.time_ns()


def written_pictures(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Move the PNG files that a block of code wrote to the images of the gallery, in the order of writing.

    Parameters
    ----------
    block : tuple
        The block that has just run, in the folder of its script.
    block_vars : dict
        `image_path_iterator` yields the paths for the images.
    gallery_conf : dict
        `src_dir` is the root of the documentation.

    Returns
    -------
    str
        reStructuredText that shows them, with the names of the files as descriptions; empty without pictures.
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


def shown_picture(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Picture of the last expression of a block, if it is a figure; arguments and result as of `written_pictures`."""
    global _shown
    last = block_vars["example_globals"].get("___")  # it stays until another block ends in an expression
    if last is _shown or not hasattr(last, "_repr_png_"):
        return ""
    _shown = last
    image = next(block_vars["image_path_iterator"])
    Path(image).write_bytes(last._repr_png_())
    return figure_rst([image], gallery_conf["src_dir"], last.axes[0].get_title())
