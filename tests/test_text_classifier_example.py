"""The classifier with the ops alone runs on the library under test once its import line names that library."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from portnn.backends import Backend, to_host

EXAMPLE = Path(__file__).parent.parent / "examples" / "text_classifier.py"
IMPORT = "import numpy as xp "
SCALE = "standard_normal(n) / 1000"
DATA = "list(encoded(train)), list(encoded(test))"


@pytest.fixture
def run(monkeypatch, capsys):
    """Parameters after an epoch of a few sentences, from weights large enough to learn at once."""
    source = EXAMPLE.read_text(encoding="utf-8")
    assert source.count(IMPORT) == source.count(SCALE) == source.count(DATA) == 1

    def trained(line: str):
        script = source.replace(IMPORT, f"{line} ").replace(SCALE, SCALE.replace("1000", "10"))
        script = script.replace(DATA, "list(encoded(train))[:8], list(encoded(test))[:3]")
        monkeypatch.setattr(sys, "argv", [str(EXAMPLE), "1"])
        names = {"__name__": "__main__"}
        exec(compile(script, EXAMPLE, "exec"), names)
        return names["params"], capsys.readouterr().out

    return trained


def test_the_import_line_decides_the_library(backend: Backend, run) -> None:
    name = backend.xp.__name__
    importable = hasattr(importlib.import_module(name), "asarray")  # of MLX, portnn has a namespace of its own
    params, printed = run(f"import {name} as xp" if importable else f"xp = __import__('portnn').backend('{name}').xp")
    expected, expected_print = run("import numpy as xp")
    assert all(type(param) is type(backend.asarray(np.zeros(1))) for param in params)
    assert printed == expected_print
    for param, other in zip(map(to_host, params), expected, strict=True):
        tolerance = 1e-12 if param.dtype == np.float64 else 1e-4
        np.testing.assert_allclose(param, other, rtol=0, atol=tolerance)
