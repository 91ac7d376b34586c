"""Configuration of the documentation: `nox -s docs`."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path

from numpydoc.xref import DEFAULT_LINKS
from sphinx.application import Sphinx

import portnn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for pictures.py and mathml.py

# A name that several of these offer has its page with the first.
PACKAGES = re.findall(r"^   (portnn\S*)$", (HERE / "api.rst").read_text("utf-8"), re.MULTILINE)


def classes_of(package: str) -> list[str]:
    """Public classes of a package, which types in docstrings may name."""
    module = importlib.import_module(package)
    return [name for name in module.__all__ if inspect.isclass(getattr(module, name))]


def elsewhere() -> list[str]:
    """Names, package and all, that are documented with `portnn` itself, or by array-api-compat."""
    modules = {package: importlib.import_module(package) for package in PACKAGES if package != "portnn"}
    offered = [
        f"{package}.{name}"
        for package, module in modules.items()
        for name in portnn.__all__
        if getattr(module, name, None) is getattr(portnn, name)
    ]
    return [*offered, "portnn.backends.device", "portnn.backends.is_array"]


project = "portnn"
author = "the portnn developers"
version = release = portnn.__version__
html_title = f"{project} {version}"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "mathml",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["portnn.css"]
html_show_sphinx = html_show_copyright = False
html_math_renderer = "mathml"
html_copy_source = False

nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r"[a-z]\w*"),  # arguments and fields have no page of their own
    ("py:obj", r"(?!portnn\.)[a-z]\w*\..*"),  # nor do other packages
]
# A name in single backticks becomes a link if it can be imported and is documented.
default_role = "autolink"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False  # the public names are those in __all__
# What `portnn` itself offers has its page there, and none in the package that defines it.
autosummary_context = {"elsewhere": elsewhere()}
# Docstrings state types with shapes, so the signatures need no annotations.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
# Only types of portnn become links in docstrings.
DEFAULT_LINKS.clear()  # numpydoc's own lead to Python's documentation, whose index is not available offline
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {name: f"{package}.{name}" for package in reversed(PACKAGES) for name in classes_of(package)}
# Unknown sections, sections out of order, unknown parameters.
numpydoc_validation_checks = {"GL06", "GL07", "PR02"}

sphinx_gallery_conf = {
    "examples_dirs": ["../examples/studies", "../examples/notebook"],
    "gallery_dirs": ["studies", "notebook"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "pictures.order",
    "image_scrapers": ("pictures.written_pictures", "pictures.shown_picture"),
    "reset_modules": ("matplotlib", "pictures.note_start"),
    "plot_gallery": True,
    "run_stale_examples": True,  # so that an unchanged study shows what portnn does now
    "abort_on_example_error": True,
    "capture_repr": (),  # but in a notebook, which says so
    "ignore_repr_types": r"ShownFigure",  # the picture is enough
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "download_all_examples": False,
}


def skip_foreign(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out members inherited from other packages, which document them."""
    home = getattr(obj, "__module__", None) or "portnn"
    return None if home.split(".")[0] == "portnn" else True


def setup(app: Sphinx) -> None:
    """Connect the hooks above."""
    app.connect("autodoc-skip-member", skip_foreign)
