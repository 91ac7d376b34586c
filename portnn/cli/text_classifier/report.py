"""What a training run of a text classifier reports at its end."""

from __future__ import annotations

import shlex
from typing import Any

from portnn.cli.evaluations import as_record, in_words
from portnn.cli.options import print_json
from portnn.cli.ranks import by_first
from portnn.cli.runs import draw_curve, print_run
from portnn.cli.text_classifier.training_texts import TrainingTexts, write_sentences
from portnn.estimators import TextClassifier, load
from portnn.objectives import OBJECTIVES
from portnn.tables import LabelledTexts
from portnn.training import RunFolder

EXAMPLE = "not bad at all"
"""A text of the words that portnn's own sentences have."""


@by_first
def report(
    model: TextClassifier,
    folder: RunFolder,
    settings: dict[str, Any],
    texts: TrainingTexts,
    test: LabelledTexts | None,
    *,
    both: bool,
    as_json: bool,
) -> None:
    """Report what a run learned, how fast, where its files are and how to go on.

    Parameters
    ----------
    model : TextClassifier
    folder : RunFolder
    settings : dict
        Of the run.
    texts : TrainingTexts
    test : LabelledTexts, optional
        Texts for a test, which neither trained nor chose the checkpoint.
    both : bool
        Measure training texts even if others are held out.
    as_json : bool
    """
    run, objective = model.history, model.model.objective
    assert run is not None
    assert model.backend is not None
    best = folder.best if folder.best.exists() else None
    checkpoint = best or folder.last
    reported = load(checkpoint, backend=model.backend)
    held_out = "held-out" in model.evaluators
    measured_on = "held-out" if held_out else "training"
    evaluation = model.evaluators[measured_on](reported.params)
    training = model.evaluators["training"](reported.params) if both and held_out else None
    tested = None if test is None else reported.evaluate(test)
    patience = settings.get("patience")
    ended_early = patience is not None and run.waited >= patience
    chose = best is not None and held_out
    ylabel = f"{OBJECTIVES[objective].loss_name} [{OBJECTIVES[objective].unit} per text]"
    drawn, trouble = draw_curve(folder, folder.metrics, title="Text classifier", ylabel=ylabel)
    # What is next: texts of one's own, and a file with labels, best one that training has not seen.
    sentences = None if texts.files else write_sentences(folder)
    asked = [] if texts.files else [EXAMPLE]
    known = [test.name] if test is not None else [str(texts.held_out_file)] if texts.held_out_file else []
    files = known or ([str(sentences[1])] if sentences else [str(file) for file in texts.files])
    command = ["portnn", "text-classifier"]
    predict = shlex.join([*command, "predict", str(checkpoint), *asked])
    evaluate = shlex.join([*command, "evaluate", str(checkpoint), *files, "--confusion"])
    if as_json:
        print_json(
            {
                "steps": run.step,
                "ended_by_patience": ended_early,
                "measured_on": measured_on,
                "chose_checkpoint": chose,
                **as_record(objective, evaluation, "text"),
                "training": training and as_record(objective, training, "text"),
                "test": tested and {**as_record(objective, tested, "text"), "file": test and test.name},
                "last_held_out_loss": run.held_out_loss,
                "texts_per_second": run.tokens_per_second,
                "seconds": run.seconds,
                "checkpoint": str(folder.last),
                "best_checkpoint": best and str(best),
                "metrics": str(folder.metrics),
                "loss_curve": str(folder.curve) if drawn else None,
                "sentences": sentences and [str(path) for path in sentences],
                "predict_command": predict,
                "evaluate_command": evaluate,
            }
        )
        return
    chosen = f", by which {checkpoint.name} was chosen" if chose else ""
    print(f"learned     {in_words(objective, evaluation, measured_on, 'text')}{chosen}")
    if training:
        print(f"            {in_words(objective, training, 'training', 'text')}")
    if tested:
        print(f"tested      {in_words(objective, tested, 'test', 'text')}, which neither trained nor chose it")
    print_run(
        run,
        folder,
        unit="texts",
        patience=patience if ended_early else None,
        best=f", best on held-out texts {best}" if chose else "",
        curve=folder.curve if drawn else trouble,
    )
    if sentences:
        print(f"sentences   {sentences[0]}, {sentences[1]}")
    print(f"predict     {predict}")
    print(f"evaluate    {evaluate}")
