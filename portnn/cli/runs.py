"""A training run seen from the command line: its settings, the one to continue, and the picture of its loss."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from portnn.cli.declared_options import settle_seed
from portnn.cli.ranks import decided_by_first, is_shared
from portnn.estimators.running import load_run
from portnn.settings import declared
from portnn.training import MPI, RunFolder, RunState

Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in --out, with its settings.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for checkpoints, metrics and the loss curve.")]


class Chosen(NamedTuple):
    """Settings of a run: of the estimator and of its `fit`, and what the checkpoint to continue says, if any."""

    model: dict[str, Any]
    run: dict[str, Any]
    saved: dict[str, Any] | None


def recipe_help(estimator: Any) -> str:
    """Help of the option that names a recipe."""
    return f"Named set of settings: {', '.join(estimator.RECIPES)}."


@decided_by_first
def choose(
    estimator: Any, given: dict[str, Any], folder: RunFolder, *, recipe: str | None, resume: bool, overwrite: bool
) -> Chosen:
    """Settings of a run: those given, else those of the run to continue, else those of the recipe.

    Raises
    ------
    ValueError
        If another run is writing to the folder, the folder holds a run and neither `resume` nor `overwrite` was given,
        or the recipe is unknown.
    """
    if resume and overwrite:
        raise typer.BadParameter("--resume continues a run, --overwrite replaces it: give one of them")
    if given.get("steps") is not None and given.get("epochs") is not None:
        raise typer.BadParameter("give --steps or --epochs, not both")
    with folder.locked():  # so that it is refused before any data are read; training locks it anew
        if folder.holds_run and not (resume or overwrite):
            raise ValueError(
                f"{folder.path} already holds a run: --resume it, --overwrite it, or name another with --out"
            )
        saved = _saved(estimator, folder) if resume else None
    if saved is not None and given.get("seed", 0) is None:
        given = {name: value for name, value in given.items() if name != "seed"}  # it was drawn when the run began
    settle_seed(given)
    if is_shared():
        given = {**given, "workers": _of_all_ranks(given.get("workers"))}
    model, run = estimator.recipe(recipe) if recipe and saved is None else ({}, {})
    if saved is not None:
        # In the checkpoint, the data have settled the length of the run; the rest is as requested.
        model = estimator.SETTINGS.among(saved["settings"]) | {"dtype": saved["dtype"]}
        run = estimator.RUN.among(saved["fit"])
        run.pop("workers")  # resuming takes those of the checkpoint where possible
    if {"steps", "epochs"} & given.keys():
        run = {name: value for name, value in run.items() if name not in ("steps", "epochs")}
    if recipe and saved is None:
        in_effect = {name: value for name, value in {**model, **run}.items() if name not in given}
        print(f"recipe {recipe}: {_listed(in_effect)}", file=sys.stderr)
    of_model = {name for name, setting in declared(estimator.SETTINGS).items() if not setting.transient}
    return Chosen(
        {**model, **{name: value for name, value in given.items() if name in of_model}},
        {**run, **{name: value for name, value in given.items() if name in declared(estimator.RUN)}},
        saved,
    )


def _of_all_ranks(workers: object) -> str:
    """The setting of a run that mpiexec has started."""
    if workers not in (None, MPI):
        raise ValueError(f"--workers {workers} starts processes of its own; mpiexec has started those of this run")
    return MPI


def _saved(estimator: Any, folder: RunFolder) -> dict[str, Any] | None:
    """What the checkpoint of the run to continue says; None if there is none yet."""
    if not folder.last.exists():
        print(f"no checkpoint in {folder.path} yet: the run starts", file=sys.stderr)
        return None
    _, facts = load_run(folder, estimator.__name__)
    print(f"resuming the run in {folder.path} after step {facts['run']['step']}", file=sys.stderr)
    return facts


def _listed(settings: dict[str, Any]) -> str:
    def shown(value: Any) -> str:
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        return f"{value:g}" if isinstance(value, float) else str(value)

    return ", ".join(f"{name} {shown(value)}" for name, value in settings.items())


def draw_curve(folder: RunFolder, runs: Any, **look: Any) -> tuple[bool, str]:
    """Draw the loss curve of what `portnn.plots.plot_loss` takes.

    Returns
    -------
    drawn : bool
    trouble : str
        Why not; a missing picture does not make a run fail.
    """
    from portnn.plots import plot_loss

    try:
        plot_loss(runs, **look).savefig(folder.curve, dpi=144)
    except ModuleNotFoundError:
        return False, 'not drawn: matplotlib is not installed; python -m pip install "portnn[plot]"'
    except OSError as error:
        return False, f"not drawn: cannot write {folder.curve}: {error.strerror or error}"
    return True, ""


def print_run(
    run: RunState, folder: RunFolder, *, unit: str, patience: int | None, best: str, curve: Path | str
) -> None:
    """Print how fast a run was, how it ended, and where its files are.

    Parameters
    ----------
    run : RunState
    folder : RunFolder
    unit : str
        What the speed counts.
    patience : int or None
        What the run ended by; None if it took all its steps.
    best : str
        What is said of the best checkpoint after the last one.
    curve : Path or str
        Picture of the losses, or why there is none.
    """
    print(f"speed       {run.tokens_per_second:,.0f} {unit}/s over {run.seconds:.1f} s of training, {run.step} steps")
    if patience is not None:
        print(
            f"ended       by --patience: no lower loss in the last {patience} measurement{'s' * (patience != 1)}; "
            "--resume with a larger number, or none, to continue"
        )
    print(f"checkpoint  {folder.last}{best}")
    print(f"metrics     {folder.metrics}")
    print(f"loss curve  {curve}")
