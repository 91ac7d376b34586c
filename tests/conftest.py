"""One array library a test run, chosen by --backend; what is asked for and is not there is an error."""

from __future__ import annotations

import dataclasses
import gc
import importlib.util
import os

os.environ["SCIPY_ARRAY_API"] = "1"  # SciPy reads it when it is first imported, and JAX imports SciPy

import numpy as np
import pytest

import portnn
from portnn.backends import Backend
from portnn.backends.libraries import LIBRARIES
from portnn.checking import cases, check_gradients, frozen
from portnn.cli.gradcheck import DIRECTIONS

BESIDE = {
    "torch_oracle": ("torch", "comparisons with it"),
    "gensim_oracle": ("gensim", "comparisons with it"),
    "cupy_signatures": ("cupy", "checks against its signatures"),
}
"""Markers of tests that need a library beside the one under test: its module, and what they are."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--backend", default="numpy", help="array library under test")
    parser.addoption("--device", default=None, help="its device")


def pytest_configure(config: pytest.Config) -> None:
    name, device = config.getoption("--backend"), config.getoption("--device")
    library = LIBRARIES.get(name)
    if device is None and library is not None:
        device = library.proof_devices[0]
    config.narrow = library is not None and device in library.narrow_devices
    try:
        config.portnn_backend = portnn.backend(name, device=device, dtype="float32" if config.narrow else "float64")
    except (portnn.MissingBackendError, ValueError) as error:
        raise pytest.UsageError(f"--backend {name}: {error}") from error
    config.portnn_backend.library.be_strict()


def pytest_report_header(config: pytest.Config) -> list[str]:
    lines = [f"backend under test: {config.portnn_backend}"]
    for marker, (module, what) in BESIDE.items():
        if not is_installed(module):
            lines.append(f"{module} is not installed: {what} ({marker}) are left out")
    if not config.portnn_backend.library.on_host:
        lines.append("tests of the host alone are left out: they run with --backend numpy")
    if not config.portnn_backend.library.scikit_learn:
        lines.append("tests of scikit-learn's array API dispatch are left out: it does not know this library")
    if config.narrow:
        lines.append("tests in float64 are left out: the device does not know it; those in float32 (backend32) run")
    return lines


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    absent = [marker for marker, (module, _) in BESIDE.items() if not is_installed(module)]
    if not config.portnn_backend.library.on_host:
        absent.append("host")
    if not config.portnn_backend.library.scikit_learn:
        absent.append("scikit_learn_dispatch")
    here = config.portnn_backend.name
    left_out = [
        item
        for item in items
        if any(item.get_closest_marker(marker) for marker in absent)
        or any(here not in marker.args for marker in item.iter_markers("only"))
        or (config.narrow and ("backend32" not in item.fixturenames or "backend" in item.fixturenames))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    gc.freeze()  # thousands of tests that live as long as the process need not be looked through again and again


def is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Backend:
    """Array library under test, float64."""
    return request.config.portnn_backend


@pytest.fixture(scope="session")
def backend32(request: pytest.FixtureRequest) -> Backend:
    """Array library under test, float32."""
    return dataclasses.replace(request.config.portnn_backend, dtype="float32")


@pytest.fixture(scope="session")
def check_case(backend: Backend):
    """Check the gradients of the case of a name, on the library under test: as `portnn gradcheck` does.

    It differences them entry by entry on NumPy, and along a few directions where that would take minutes.
    """
    by_name = {case.name: case for case in cases()}
    directions = None if backend.library.on_host else DIRECTIONS
    return lambda name: check_gradients(by_name[name].function, by_name[name].arrays, on=backend, directions=directions)


@pytest.fixture
def place(backend: Backend):
    """Move a host array to the library under test; on NumPy it cannot be written into."""
    return lambda array: frozen(backend.asarray(np.asarray(array)))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def no_cache_of_the_user(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("PORTNN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True)
def the_same_in_any_order():
    """scikit-learn draws from NumPy's one generator where no random_state is given."""
    np.random.seed(0)  # noqa: NPY002
