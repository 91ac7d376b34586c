"""The example with the ops alone runs on the library under test once its import line names that library."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from portnn.backends import Backend, to_host

EXAMPLE = Path(__file__).parent.parent / "examples" / "min_char_rnn.py"
IMPORT = "import numpy as xp "
SAMPLED = "int(inputs[0]), 200)"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Five training steps with the namespace of a module: the parameters, and a sample of four characters."""
    text = tmp_path / "text.txt"
    text.write_text("hello world, how are you? " * 50, encoding="utf-8")
    source = EXAMPLE.read_text(encoding="utf-8")
    assert source.count(IMPORT) == source.count(SAMPLED) == 1

    def trained(line: str):
        script = source.replace(IMPORT, f"{line} ").replace(SAMPLED, SAMPLED.replace("200", "4"))
        monkeypatch.setattr(sys, "argv", [str(EXAMPLE), "4", str(text)])
        names = {"__name__": "__main__"}
        exec(compile(script, EXAMPLE, "exec"), names)
        return names["params"], capsys.readouterr().out.split("----")[1].strip("\n")

    return trained


def test_the_import_line_decides_the_library(backend: Backend, run) -> None:
    name = backend.xp.__name__
    importable = hasattr(importlib.import_module(name), "asarray")  # of MLX, portnn has a namespace of its own
    params, sampled = run(f"import {name} as xp" if importable else f"xp = __import__('portnn').backend('{name}').xp")
    expected, expected_sample = run("import numpy as xp")
    assert all(type(param) is type(backend.asarray(np.zeros(1))) for param in params)
    assert sampled == expected_sample
    assert len(sampled) == 4
    # Adagrad divides small gradients by their own size, and rounding with them. MLX makes float32 of NumPy's float64;
    # NumPy itself is as far off then.
    for param, other in zip(map(to_host, params), expected, strict=True):
        if param.dtype == np.float64:
            np.testing.assert_allclose(param, other, rtol=1e-8, atol=1e-8)
        else:
            assert np.mean(np.abs(param - other)) < 0.1 * np.mean(np.abs(other))
