"""Documents and tools that cannot read the registry name every library in it."""

import re
import tomllib
from pathlib import Path

import pytest

from portnn.backends.libraries import LIBRARIES

pytestmark = pytest.mark.host

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OTHERS = [library for library in LIBRARIES.values() if library.name != "numpy"]
each = pytest.mark.parametrize("library", OTHERS, ids=lambda library: library.name)


@each
def test_its_extra_exists(library):
    for extra in re.findall(r"portnn\[(.+?)\]", library.install):
        assert extra in PROJECT["project"]["optional-dependencies"]


@each
def test_a_session_runs_the_suite_on_it(library):
    assert re.search(rf"\"{library.name}\"", (ROOT / "noxfile.py").read_text())


@each
def test_type_checks_and_import_contracts_know_its_module(library):
    top = library.module.partition(".")[0]
    (overrides,) = PROJECT["tool"]["mypy"]["overrides"]
    assert f"{top}.*" in overrides["module"]
    for contract in PROJECT["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "forbidden":
            assert top in contract["forbidden_modules"], contract["name"]


@each
@pytest.mark.parametrize("document", ["README.md", "docs/index.md", "docs/idea.md"])
def test_documents_name_it(library, document):
    assert re.search(rf"\b({library.name}|{type(library).__name__})\b", (ROOT / document).read_text(), re.IGNORECASE)
