"""What `import portnn` gives, and what it does not do."""

import subprocess
import sys

import pytest

import portnn

pytestmark = pytest.mark.host


def run_python(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_importing_the_package_imports_no_array_library():
    libraries = {"numpy", "cupy", "torch", "jax", "array_api_strict", "array_api_compat", "matplotlib", "sklearn"}
    loaded = run_python("import portnn, sys; print(*sys.modules)")
    assert "portnn" in loaded
    assert not libraries & set(loaded)


def test_listing_the_names_imports_nothing_either():
    assert "numpy" not in run_python("import portnn, sys; dir(portnn); print(*sys.modules)")


def test_choosing_numpy_imports_no_other_array_library():
    loaded = run_python("import portnn, sys; portnn.backend('numpy'); print(*sys.modules)")
    assert "numpy" in loaded
    assert not {"cupy", "torch", "jax", "array_api_strict", "matplotlib"} & set(loaded)


@pytest.mark.parametrize("name", portnn.__all__)
def test_every_public_name_resolves(name):
    value = getattr(portnn, name)
    assert callable(value) or name == "ops"
    assert getattr(portnn, name) is value


def test_dir_lists_every_public_name():
    assert set(portnn.__all__) | {"__version__"} <= set(dir(portnn))
    assert dir(portnn) == sorted(dir(portnn))


def test_public_names_have_a_home():
    assert len(set(portnn.__all__)) == len(portnn.__all__)
    assert set(portnn._HOMES) == set(portnn.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'portnn' has no attribute 'nonsense'$"):
        _ = portnn.nonsense


def test_the_version_is_a_version():
    assert portnn.__version__.split(".")[0].isdigit()


def test_the_call_backends_and_the_package_of_that_name_live_together():
    """`portnn.backends()` works whether or not the package `portnn.backends` has been imported before."""
    program = "{}; import portnn; print(portnn.backends()[0]['name'])"
    hide = "import importlib.util as u; f = u.find_spec; u.find_spec = lambda n, *p: f(n, *p) if n == 'numpy' else None"
    for first in ("import portnn", "import portnn.backends", "import portnn; portnn.backend('numpy')"):
        assert run_python(program.format(f"{hide}; {first}")) == ["numpy"]
