"""What `import portnn` gives, what it does not do, and how its modules are arranged."""

import ast
import graphlib
import importlib
import pkgutil
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import portnn
from portnn.estimators.registry import ESTIMATORS

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
    assert {*portnn._HOMES, *portnn._MODULES} >= set(portnn.__all__) >= set(portnn._HOMES)


def documented_modules():
    """Modules that have a page, and those of single functions on the page that lists them."""
    text = (Path(__file__).parents[1] / "docs" / "api.rst").read_text(encoding="utf-8")
    functions = re.findall(r"^.. autofunction:: (portnn[.a-z]*)\.\w+$", text, re.MULTILINE)
    return [*re.findall(r"^   (portnn[.a-z]*)$", text, re.MULTILINE), *functions]


def test_the_public_modules_are_those_on_disk_and_those_documented():
    """The command line is none: nothing in it is meant to be called."""
    on_disk = {info.name for info in pkgutil.iter_modules(portnn.__path__)} - {"cli"}
    assert set(portnn._MODULES) == on_disk
    assert {name.split(".")[1] for name in documented_modules() if "." in name} == on_disk
    assert list(portnn._MODULES) == sorted(portnn._MODULES)


@pytest.mark.parametrize("name", documented_modules())
def test_every_public_module_is_an_attribute_with_no_more_than_the_package_imported(name):
    assert run_python(f"import portnn; print({name}.__name__)") == [name]


def test_editors_and_type_checkers_see_every_public_name_and_module():
    tree = ast.parse(Path(portnn.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.asname or alias.name for node in block.body for alias in node.names}
    estimators = {*ESTIMATORS, "load"}  # from the registry, by a star
    assert imported - {"*"} == {*portnn._HOMES, *portnn._MODULES} - estimators
    assert set(portnn._MODULES) <= set(dir(portnn))


WITHOUT = "import sys; sys.modules[{!r}] = None; import portnn; "
SAY = "\ntry:\n    {}\nexcept ModuleNotFoundError as error:\n    print(error)"


@pytest.mark.parametrize(
    ("library", "use", "message"),
    [
        ("sklearn", "portnn.sklearn", 'portnn.sklearn needs scikit-learn; python -m pip install "portnn[sklearn]"'),
        ("sklearn", "from portnn import sklearn", "portnn.sklearn needs scikit-learn; python -m pip install"),
        (
            "matplotlib",
            "portnn.plots.plot_loss([{'step': 1, 'loss': 1.0}])",
            'portnn.plots needs matplotlib; python -m pip install "portnn[plot]"',
        ),
        (
            "matplotlib",
            "portnn.plots.plot_confusion([0, 1], [0, 1])",
            'portnn.plots needs matplotlib; python -m pip install "portnn[plot]"',
        ),
    ],
)
def test_a_module_whose_extra_is_missing_says_how_to_install_it(library, use, message):
    said = run_python(WITHOUT.format(library) + SAY.format(use))
    assert " ".join(said).startswith(message)


def test_without_scikit_learn_the_package_can_still_be_looked_through():
    """`help`, `inspect` and editors get every name that `dir` gives."""
    look = "import inspect; print('sklearn' in dir(portnn), len(inspect.getmembers(portnn)) == len(dir(portnn)))"
    assert run_python(WITHOUT.format("sklearn") + look) == ["False", "True"]


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


def packages():
    below = [info.name for info in pkgutil.walk_packages(portnn.__path__, "portnn.") if info.ispkg]
    return ["portnn", *below]


def hidden_modules(name):
    """Submodules of a package that cannot be reached as its attributes, since something else has their name."""
    package = importlib.import_module(name)
    submodules = [info.name for info in pkgutil.iter_modules(package.__path__) if info.name != "__main__"]
    for submodule in submodules:
        importlib.import_module(f"{name}.{submodule}")
    return [each for each in submodules if not isinstance(getattr(package, each), types.ModuleType)]


@pytest.mark.parametrize("name", packages())
def test_no_export_hides_the_module_of_its_name(name):
    assert hidden_modules(name) == []


def test_a_hidden_module_is_found(tmp_path, monkeypatch):
    folder = tmp_path / "hiding"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from hiding.walk import walk\nfrom hiding.run import start\n", encoding="utf-8"
    )
    (folder / "walk.py").write_text("def walk(): ...\n", encoding="utf-8")
    (folder / "run.py").write_text("def start(): ...\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert hidden_modules("hiding") == ["walk"]
    for module in ("hiding", "hiding.walk", "hiding.run"):
        monkeypatch.delitem(sys.modules, module)


def imported_modules(root):
    """Modules of the package at `root`, and those of them that each imports, also only for type checkers."""
    sources = {".".join(path.relative_to(root.parent).with_suffix("").parts): path for path in root.rglob("*.py")}
    graph = {}
    for module, path in sources.items():
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        graph[module] = {node.module for node in nodes if isinstance(node, ast.ImportFrom)} & sources.keys()
    return graph


def test_no_imports_go_in_a_circle():
    list(graphlib.TopologicalSorter(imported_modules(Path(portnn.__file__).parent)).static_order())


def test_a_circle_of_imports_is_found(tmp_path):
    (tmp_path / "one.py").write_text(f"from {tmp_path.name}.two import b\n", encoding="utf-8")
    (tmp_path / "two.py").write_text(f"if False:\n    from {tmp_path.name}.one import a\n", encoding="utf-8")
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(imported_modules(tmp_path)).static_order())
