"""`portnn demo`: the studies, scripts that go from a formula to the code and its pictures."""

from __future__ import annotations

import ast
import contextlib
import runpy
from pathlib import Path
from typing import Annotated

import typer

from portnn.settings import brief

PACKAGE = Path(__file__).resolve().parent.parent
FOLDERS = (PACKAGE / "studies", PACKAGE.parent / "examples" / "studies")
"""Where the studies are: in an installed package, in a checkout."""

OPTIONAL = ("matplotlib", "sklearn")
INSTALL = 'python -m pip install "portnn[sklearn,plot]"'
"""Packages that only studies need, and how to install them."""


def demo(
    name: Annotated[str | None, typer.Argument(help="The study to run; without it all are listed.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for its pictures; made if it is missing.")] = Path(),
) -> None:
    """Run a study: it prints its figures and draws its pictures. Without a name, list the studies.

    Example: portnn demo ring --out pictures
    """
    known = studies()
    if name is None:
        width = max(map(len, known))
        for study, path in known.items():
            print(f"{study:{width}}  {title(path)}")
        return
    if name not in known:
        raise typer.BadParameter(f"there is no study {brief(name)}; known: {', '.join(known)}")
    out.mkdir(parents=True, exist_ok=True)
    before = pictures(out)
    with contextlib.chdir(out):
        run(name, known[name])
    print()
    for path, written in pictures(out).items():
        if before.get(path) != written:
            print(f"wrote {path}")


def studies() -> dict[str, Path]:
    """Every study by name, in the order of their numbered titles.

    Raises
    ------
    RuntimeError
        If this installation has none.
    """
    for folder in FOLDERS:
        files = sorted(folder.glob("*.py"), key=number)
        if files:
            return {path.stem: path for path in files}
    raise RuntimeError(f"this installation has no studies; looked in {' and '.join(map(str, FOLDERS))}")


def title(path: Path) -> str:
    """First line of a script's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return (docstring or path.stem).splitlines()[0]


def number(path: Path) -> int:
    """Number before the title of a study."""
    return int(title(path).partition(".")[0])


def run(name: str, path: Path) -> None:
    """Run a study as a script.

    Raises
    ------
    ModuleNotFoundError
        If a package that the study needs is missing, with the command that installs it.
    RuntimeError
        If the study exited with a message.
    """
    try:
        runpy.run_path(str(path), run_name="__main__")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in OPTIONAL:
            raise
        missing = f"the study {name} needs {package}, which is not installed: {INSTALL}"
        raise ModuleNotFoundError(missing, name=error.name) from None
    except SystemExit as ended:
        if isinstance(ended.code, str):
            raise RuntimeError(f"the study {name} stopped: {ended.code}") from None
        raise


def pictures(folder: Path) -> dict[Path, int]:
    """Pictures in a folder, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in sorted(folder.glob("*.png"))}
