"""What a training run of a captioner reports at its end."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from portnn.cli.caption.digit_captions import DigitFiles
from portnn.cli.caption.measured import as_record, in_words, say_without_bleu
from portnn.cli.caption.row_files import rows_for
from portnn.cli.caption.training_captions import TrainingCaptions
from portnn.cli.options import print_json
from portnn.cli.ranks import by_first
from portnn.cli.runs import draw_curve, print_run
from portnn.estimators import Captioner, load
from portnn.images import CaptionFile
from portnn.training import RunFolder


@by_first
def report(
    model: Captioner,
    folder: RunFolder,
    settings: dict[str, Any],
    data: TrainingCaptions,
    *,
    array: str | None,
    as_json: bool,
) -> None:
    """Report what a run learned, how fast, where its files are and how to go on.

    Parameters
    ----------
    model : Captioner
    folder : RunFolder
    settings : dict
        Of the run.
    data : TrainingCaptions
    array : str or None
        Name of the array trained on, if it was given.
    as_json : bool
    """
    run = model.history
    assert run is not None
    assert model.backend is not None
    best = folder.best if folder.best.exists() else None
    checkpoint = best or folder.last
    reported = load(checkpoint, backend=model.backend)
    rows, said, measured_on = data.measured(settings["held_out"], model.settings.seed)
    evaluation = reported.evaluate(rows, said)
    digits = DigitFiles.beside(folder) if data.digits else None
    tested = None
    if digits:
        tested = reported.evaluate(rows_for(reported, digits.test_features, None), CaptionFile(digits.test_captions))
    patience = settings.get("patience")
    ended_early = patience is not None and run.waited >= patience
    chose = best is not None and measured_on == "held-out"
    drawn, trouble = draw_curve(folder, folder.metrics, title="Captioner", ylabel="loss [nats per word]")
    commands = _commands(checkpoint, data, digits, array)
    say_without_bleu(evaluation)
    if as_json:
        print_json(
            {
                "steps": run.step,
                "ended_by_patience": ended_early,
                "measured_on": measured_on,
                "chose_checkpoint": chose,
                **as_record(evaluation),
                "test": tested and as_record(tested),
                "last_held_out_loss": run.held_out_loss,
                "captions_per_second": run.tokens_per_second,
                "seconds": run.seconds,
                "checkpoint": str(folder.last),
                "best_checkpoint": best and str(best),
                "metrics": str(folder.metrics),
                "loss_curve": str(folder.curve) if drawn else None,
                "digits": digits and [str(path) for path in digits],
                **{f"{name}_command": command for name, command in commands.items()},
            }
        )
        return
    chosen = f", by which {checkpoint.name} was chosen" if chose else ""
    print(f"learned     {in_words(evaluation, measured_on)}{chosen}")
    if tested:
        print(f"tested      {in_words(tested, 'test')}, with every sentence that is true of each")
    print_run(
        run,
        folder,
        unit="captions",
        patience=patience if ended_early else None,
        best=f", best on held-out images {best}" if chose else "",
        curve=folder.curve if drawn else trouble,
    )
    if digits:
        print(f"digits      {', '.join(map(str, digits))}")
    for name, command in commands.items():
        print(f"{name:<12}{command}")


def _commands(checkpoint: Path, data: TrainingCaptions, digits: DigitFiles | None, array: str | None) -> dict[str, str]:
    """Commands that come next, by name."""
    rows = digits.test_features if digits else data.rows_file
    captions = digits.test_captions if digits else data.captions_file
    options = ["--beam", "5", *(["--array", array] if array else [])]
    return {
        "generate": _command("generate", checkpoint, rows, *options),
        "evaluate": _command("evaluate", checkpoint, rows, captions, *options),
    }


def _command(*words: Any) -> str:
    return shlex.join(["portnn", "caption", *map(str, words)])
