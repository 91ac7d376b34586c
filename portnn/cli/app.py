"""The application: its command groups, and how errors are shown."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from portnn import __version__
from portnn.cli import demo, gradcheck, info
from portnn.cli.ranks import end_all, is_first, is_shared, join
from portnn.estimators.registry import ESTIMATORS
from portnn.training import DivergenceError, Interrupted

EXPECTED = (ValueError, TypeError, OSError, RuntimeError, MemoryError, ArithmeticError, ModuleNotFoundError)
"""Errors shown in one line: bad input, a full disk, a missing library, a device without memory."""


class Commands(TyperGroup):
    """Turns errors of commands into one line on stderr and an exit status.

    0 done; 1 an error; 2 wrong usage; 3 a run that diverged; 130 and 143 stopped by SIGINT and SIGTERM, with a
    checkpoint saved if a run was in progress.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except DivergenceError as error:
            fail(str(error), 3)
        except Interrupted as error:
            fail(f"{error}; --resume continues from there", 128 + error.signal)
        except KeyboardInterrupt:
            fail("stopped", 128 + signal.SIGINT)
        except BrokenPipeError:
            # The reader of our output is gone; Python would complain again when it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(1) from None
        except (typer.Exit, typer.Abort):
            raise
        except EXPECTED as error:
            if os.environ.get("PORTNN_DEBUG"):
                raise
            fail(message(error), 1)


app = typer.Typer(
    name="portnn",
    cls=Commands,
    help="Neural networks written once, for every array library.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
for entry in ESTIMATORS.values():
    if entry.command is not None:
        group = importlib.import_module(f"portnn.cli.{entry.command.replace('-', '_')}")
        app.add_typer(group.app, name=entry.command)
app.command("demo")(demo.demo)
app.command("info")(info.info)
app.command("gradcheck")(gradcheck.gradcheck)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"portnn {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def run() -> None:
    """Run the application and exit with its status; see `Commands`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A file or pipe gets the same bytes on every system; a terminal that lacks a letter must not fail us.
            as_file = {} if stream is sys.stderr or stream.isatty() else {"encoding": "utf-8", "newline": "\n"}
            stream.reconfigure(errors="backslashreplace", **as_file)
    if sys.argv[2:3] == ["train"] or sys.argv[1:2] == ["info"]:
        try:
            join()
        except EXPECTED as error:
            fail(message(error), 1)
    elif not is_first():
        raise SystemExit(0)  # other commands are for one process
    app(prog_name="portnn")


def message(error: BaseException) -> str:
    """One line for an error, without the number of an OSError."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError) and not text:
        text = "out of memory"
    return " ".join(text.split()) or type(error).__name__


def fail(text: str, status: int) -> NoReturn:
    """Print what went wrong on stderr and exit, with all ranks of the job if there is one."""
    if is_shared():
        end_all(text, status)
    print(f"portnn: {text}", file=sys.stderr)
    raise SystemExit(status)
