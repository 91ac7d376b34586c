"""What a training run on a table reports at its end."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from typing import Any

import numpy as np

from portnn.cli.evaluations import as_record, in_words
from portnn.cli.options import print_json
from portnn.cli.ranks import by_first
from portnn.cli.runs import draw_curve, print_run
from portnn.estimators import MLP, load
from portnn.objectives import OBJECTIVES
from portnn.tables import Table, split_ids
from portnn.training import RunFolder


@by_first
def report(
    model: MLP,
    table: Table,
    kept: Table | None,
    folder: RunFolder,
    settings: dict[str, Any],
    *,
    file: Path,
    test: Path | None,
    as_json: bool,
) -> None:
    """Report what a run learned, how fast, where its files are and how to predict with them.

    Parameters
    ----------
    model : MLP
    table : Table
        Trained on, except for the rows that were held out.
    kept : Table, optional
        Rows for a test, which neither trained nor chose the checkpoint.
    folder : RunFolder
    settings : dict
        Of the run.
    file : Path
        To predict next.
    test : Path, optional
        File that holds the rows for the test, if they are not of the table trained on.
    as_json : bool
    """
    run = model.history
    assert run is not None
    assert table.y is not None
    assert model.backend is not None
    patience = settings.get("patience")
    best = folder.best if folder.best.exists() else None
    checkpoint = best or folder.last
    reported = load(checkpoint, backend=model.backend)
    _, ids = split_ids(len(table.x), settings.get("held_out", 0.0), seed=model.settings.seed)
    rows, measured_on = (ids, "held-out") if len(ids) else (slice(None), "training")
    evaluation = reported.evaluate(table.x[rows], table.y[rows])
    tested = None if kept is None else reported.evaluate(kept.x, kept.y)
    chose = best is not None and measured_on == "held-out"
    ended_early = patience is not None and run.waited >= patience
    objective = OBJECTIVES[model.objective]
    in_nats = objective.unit == "nats"
    ylabel = f"{objective.loss_name} [{objective.unit} per row]" if objective.unit else objective.loss_name
    drawn, trouble = draw_curve(folder, folder.metrics, title="Feed-forward network", bits=in_nats, ylabel=ylabel)
    command = shlex.join(["portnn", "mlp", "predict", str(checkpoint), str(file)])
    if as_json:
        print_json(
            {
                "steps": run.step,
                "ended_by_patience": ended_early,
                "measured_on": measured_on,
                "chose_checkpoint": chose,
                **as_record(model.objective, evaluation),
                "test": tested and {**as_record(model.objective, tested), "file": test and str(test)},
                "last_held_out_loss": run.held_out_loss,
                "rows_per_second": run.tokens_per_second,
                "seconds": run.seconds,
                "checkpoint": str(folder.last),
                "best_checkpoint": best and str(best),
                "metrics": str(folder.metrics),
                "loss_curve": str(folder.curve) if drawn else None,
                "predict_command": command,
            }
        )
        return
    chosen = f", by which {checkpoint.name} was chosen" if chose else ""
    print(f"learned     {in_words(model.objective, evaluation, measured_on)}{chosen}")
    if tested:
        print(f"tested      {in_words(model.objective, tested, 'test')}, which neither trained nor chose it")
    print_run(
        run,
        folder,
        unit="rows",
        patience=patience if ended_early else None,
        best=f", lowest held-out loss {best}" if best else "",
        curve=folder.curve if drawn else trouble,
    )
    print(f"predict     {command}")


def write_csv(table: Table, folder: RunFolder) -> Path:
    """Write a generated table to the folder of its run, so that there is a file to predict; return its path."""
    path = folder.beside("spiral.csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(table.feature_names or ()), *(table.target_names or ())])
        writer.writerows([*x, y] for x, y in zip(table.x.tolist(), np.asarray(table.y).tolist(), strict=True))
    return path
