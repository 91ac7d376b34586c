"""What a training run of a convolutional network reports at its end."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from portnn.cli.conv.training_images import Part, TrainingImages, write_digits
from portnn.cli.evaluations import as_record, in_words
from portnn.cli.options import print_json
from portnn.cli.ranks import by_first
from portnn.cli.runs import draw_curve, print_run
from portnn.estimators import ConvNet, load
from portnn.objectives import OBJECTIVES
from portnn.tables import split_ids
from portnn.training import RunFolder


@by_first
def report(
    model: ConvNet,
    folder: RunFolder,
    settings: dict[str, Any],
    images: TrainingImages,
    held_out: Part | None,
    tested: Part | None,
    *,
    file: Path | None,
    as_json: bool,
) -> None:
    """Report what a run learned, how fast, where its files are and how to go on.

    Parameters
    ----------
    model : ConvNet
    folder : RunFolder
    settings : dict
        Of the run.
    images : TrainingImages
    held_out : Part, optional
        Images of a file that were held out, if it was no fraction.
    tested : Part, optional
        Images for a test, which neither trained nor chose the checkpoint.
    file : Path, optional
        Trained on.
    as_json : bool
    """
    run, objective = model.history, model.objective
    assert run is not None
    assert model.backend is not None
    best = folder.best if folder.best.exists() else None
    checkpoint = best or folder.last
    reported = load(checkpoint, backend=model.backend)
    measured, measured_on = _measured(model, images.train, held_out, settings)
    evaluation = reported.evaluate(measured.images, measured.labels)
    test = None if tested is None else reported.evaluate(tested.images, tested.labels)
    patience = settings.get("patience")
    ended_early = patience is not None and run.waited >= patience
    chose = best is not None and measured_on == "held-out"
    known = OBJECTIVES[objective]
    ylabel = f"{known.loss_name} [{known.unit} per image]" if known.unit else known.loss_name
    title, in_nats = "Convolutional network", known.unit == "nats"
    drawn, trouble = draw_curve(folder, folder.metrics, title=title, bits=in_nats, ylabel=ylabel)
    # What is next: a file with labels, best one that training has not seen.
    digits = write_digits(images.kept, folder) if file is None and images.kept else None
    labelled = next((part.file for part in (tested, held_out) if part is not None and part.file), None)
    commands = _commands(checkpoint, folder, digits or file, labelled or digits or file, known.classifies)
    if as_json:
        print_json(
            {
                "steps": run.step,
                "ended_by_patience": ended_early,
                "measured_on": measured_on,
                "chose_checkpoint": chose,
                **as_record(objective, evaluation, "image"),
                "test": test and {**as_record(objective, test, "image"), "file": tested and _path(tested.file)},
                "last_held_out_loss": run.held_out_loss,
                "images_per_second": run.tokens_per_second,
                "seconds": run.seconds,
                "checkpoint": str(folder.last),
                "best_checkpoint": _path(best),
                "metrics": str(folder.metrics),
                "loss_curve": str(folder.curve) if drawn else None,
                "digits": _path(digits),
                **{f"{name}_command": command for name, command in commands.items()},
            }
        )
        return
    chosen = f", by which {checkpoint.name} was chosen" if chose else ""
    print(f"learned     {in_words(objective, evaluation, measured_on, 'image')}{chosen}")
    if test:
        print(f"tested      {in_words(objective, test, 'test', 'image')}, which neither trained nor chose it")
    print_run(
        run,
        folder,
        unit="images",
        patience=patience if ended_early else None,
        best=f", best on held-out images {best}" if chose else "",
        curve=folder.curve if drawn else trouble,
    )
    if digits:
        print(f"digits      {digits}, those of the test")
    for name, command in commands.items():
        print(f"{name:<12}{command}")


def _measured(model: ConvNet, train: Part, held_out: Part | None, settings: dict[str, Any]) -> tuple[Part, str]:
    """Images to measure the checkpoint on, and what they are."""
    if held_out is not None:
        return held_out, "held-out"
    _, ids = split_ids(len(train.pixels), settings["held_out"], seed=model.settings.seed)
    return (train.take(ids), "held-out") if len(ids) else (train, "training")


def _commands(
    checkpoint: Path, folder: RunFolder, file: Path | None, labelled: Path | None, classifies: bool
) -> dict[str, str]:
    """Commands that come next, by name."""
    confusion = ["--confusion"] if classifies else []
    return {
        "predict": _command("predict", checkpoint, file),
        "evaluate": _command("evaluate", checkpoint, labelled, *confusion),
        "features": _command("features", checkpoint, file, "--out", folder.beside("features.npz")),
    }


def _command(*words: Any) -> str:
    return shlex.join(["portnn", "conv", *map(str, words)])


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
