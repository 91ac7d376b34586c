"""Configuration of the documentation: `nox -s docs`."""

from __future__ import annotations

import sys
from pathlib import Path

import portnn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for pictures.py

project = "portnn"
author = "the portnn developers"
version = release = portnn.__version__
html_title = f"{project} {version}"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["portnn.css"]
html_show_sphinx = False
html_copy_source = False

nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r"[a-z]\w*"),  # arguments and fields have no page of their own
    ("py:obj", r"(numpy|pathlib|pydoc_data)\..*"),  # nor have other packages here
]
# A name in single backticks becomes a link where it can be imported and is documented.
default_role = "autolink"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False  # the public names are those in __all__
# What `portnn` itself offers has its page there and no second one where it is defined; the two others are
# array-api-compat's, which documents them.
autosummary_context = {"elsewhere": [*portnn.__all__, "device", "is_array"]}
# Docstrings state types with shapes; annotations would only repeat them in the signatures.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
# Unknown sections, sections out of order, unknown parameters.
numpydoc_validation_checks = {"GL06", "GL07", "PR02"}

sphinx_gallery_conf = {
    "examples_dirs": "../examples/studies",
    "gallery_dirs": "studies",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "pictures.order",
    "image_scrapers": ("pictures.written_pictures",),
    "reset_modules": ("matplotlib", "pictures.note_start"),
    "plot_gallery": True,
    "run_stale_examples": True,  # a study whose text has not changed shows what portnn does now all the same
    "abort_on_example_error": True,
    "capture_repr": (),
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "download_all_examples": False,
    "notebook_extensions": set(),
}
