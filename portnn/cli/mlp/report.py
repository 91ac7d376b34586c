"""What a training run on a table tells at its end, and the table of mistaken classes."""

from __future__ import annotations

import csv
import shlex
from typing import Any

import numpy as np

from portnn.cli.options import print_json
from portnn.cli.runs import draw_curve
from portnn.estimators import MLP, RowEvaluation, load
from portnn.tables import Table, split_ids
from portnn.training import RunFolder


def report(
    model: MLP, table: Table, folder: RunFolder, settings: dict[str, Any], *, file: str | None, as_json: bool
) -> None:
    """Say what a run learned, how fast, where things are and how to predict."""
    run = model.history
    assert run is not None
    assert table.y is not None
    assert model.backend is not None
    patience = settings.get("patience")
    best = folder.best if folder.best.exists() else None
    chosen = best or folder.last
    _, ids = split_ids(len(table.x), settings.get("held_out", 0.0), seed=model.settings.seed)
    rows, where = (ids, "held-out") if len(ids) else (slice(None), "training")
    found = load(chosen, backend=model.backend).evaluate(table.x[rows], table.y[rows])
    ended_early = patience is not None and run.waited >= patience
    unit = unit_of(model)
    drawn, trouble = draw_curve(
        folder, folder.metrics, title="Feed-forward network", bits=bool(unit),
        ylabel="cross-entropy [nats per row]" if unit else "half the squared error",
    )  # fmt: skip
    command = shlex.join(["portnn", "mlp", "predict", str(chosen), file or write_csv(table, folder)])
    if as_json:
        print_json(
            {
                "steps": run.step,
                "ended_by_patience": ended_early,
                "measured_on": where,
                **as_record(model, found),
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
    print(f"learned     {in_words(model, found, where)}")
    print(f"speed       {run.tokens_per_second:,.0f} rows/s over {run.seconds:.1f} s of training, {run.step} steps")
    if ended_early:
        print(
            f"ended       by --patience {patience}: so many measurements without a lower loss; "
            "--resume with a larger one, or 0, goes on"
        )
    print(f"checkpoint  {folder.last}" + (f", lowest held-out loss {best}" if best else ""))
    print(f"metrics     {folder.metrics}")
    print(f"loss curve  {folder.curve if drawn else trouble}")
    print(f"predict     {command}")


def write_csv(table: Table, folder: RunFolder) -> str:
    """Write a generated table beside its run, so that there is a file to predict. Its path."""
    path = folder.path / "spiral.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(table.feature_names or ()), *(table.target_names or ())])
        writer.writerows([*x, y] for x, y in zip(table.x.tolist(), np.asarray(table.y).tolist(), strict=True))
    return str(path)


def score_name(model: MLP) -> str:
    """What the score of a model is called."""
    return "R2" if model.objective == "squared_error" else "accuracy"


def unit_of(model: MLP) -> str:
    """Unit of the loss, with a space before it; a regression's is of the target's squared deviations, or of itself."""
    return "" if model.objective == "squared_error" else " nats"


def in_words(model: MLP, found: RowEvaluation, where: str = "") -> str:
    """Loss and score on one line."""
    kind = f"{where} " if where else ""
    rows = f"{found.rows:,} {kind}row{'s' * (found.rows != 1)}"
    return f"loss {found.loss:.4f}{unit_of(model)}, {score_name(model)} {found.score:.4f} on {rows}"


def as_record(model: MLP, found: RowEvaluation) -> dict[str, Any]:
    """Loss and score for JSON."""
    return {"loss": found.loss, score_name(model).lower(): found.score, "rows": found.rows}


def confusion(model: MLP, y: Any, predicted: Any) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Class labels, and how often each (row) was taken for each (column)."""
    assert model.classes is not None
    labels = model.classes.labels
    table = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(table, (model.classes.encode(y), model.classes.encode(predicted)), 1)
    return [str(label) for label in labels.tolist()], table
