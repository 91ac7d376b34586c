"""What `portnn text-classifier train` trains on and measures: texts of files, or sentences that portnn makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import typer

from portnn.datasets import sentiment_sentences
from portnn.estimators import TextClassifier
from portnn.estimators.text_labels import TextLabels
from portnn.tables import LabelledTexts, TextLayout
from portnn.training import RunFolder


class TrainingTexts(NamedTuple):
    """Texts to train on, and those that are measured.

    Attributes
    ----------
    given : tuple
        Texts, and labels of those in memory, as `TextClassifier.fit` takes them.
    held_out : object
        As `fit` takes it; None if nothing was said.
    name : str
    layout : TextLayout or None
        For reading other files like the one trained on.
    files : tuple of Path
        Those that were given, without the one held out.
    held_out_file : Path or None
    """

    given: tuple[Any, ...]
    held_out: Any
    name: str
    layout: TextLayout | None = None
    files: tuple[Path, ...] = ()
    held_out_file: Path | None = None

    def measured_on(self, file: Path) -> TrainingTexts:
        """The same with the texts of a file held out."""
        return self._replace(held_out=self.like(file), held_out_file=file)

    def like(self, file: Path) -> LabelledTexts:
        """Another file, read like the one trained on."""
        return LabelledTexts(file, layout=self.layout)

    def tested_on(self, file: Path, saved: dict[str, Any] | None) -> LabelledTexts:
        """File to test on at the end of the run; what could fail then fails here.

        Raises
        ------
        OSError, ValueError
            If it cannot be read, or holds a label that training does not see.
        """
        test = self.like(file)
        labels = self._labels() if saved is None else TextLabels.from_json(saved["labels"])
        for row, (_, label) in enumerate(test):
            labels.encode_written(label, lambda row=row: test.place(row))
        return test

    def _labels(self) -> TextLabels:
        source, *labels = self.given
        if labels:
            return TextLabels.of(labels[0], several=False)
        several = source.multi_label
        written = {each for _, label in source for each in (label if several else (label,))}
        return TextLabels.written(written, several=several)


def from_files(
    files: list[Path],
    columns: dict[str, Any],
    reading: dict[str, Any],
    model: TextClassifier,
    saved: dict[str, Any] | None,
) -> TrainingTexts:
    """Texts of files; a resumed run reads them as it did before.

    Raises
    ------
    OSError, ValueError
        If they cannot be read.
    """
    layout = None if saved is None or saved.get("layout") is None else TextLayout.from_json(saved["layout"])
    several = model.settings.multi_label
    texts = LabelledTexts(files, **columns, **reading, multi_label=several, layout=layout)
    return TrainingTexts((texts,), None, texts.name, texts.layout, tuple(files))


def generated(options: dict[str, Any]) -> TrainingTexts:
    """Sentences that portnn makes, and others to hold out.

    Raises
    ------
    typer.BadParameter
        If there are options for reading files.
    """
    if options:
        raise typer.BadParameter(f"--{next(iter(options))} says how to read a file, so give one too")
    train, test = sentiment_sentences()
    return TrainingTexts((train.texts, train.labels), (test.texts, test.labels), "short sentences that portnn makes")


def write_sentences(folder: RunFolder) -> tuple[Path, Path]:
    """Write the sentences that portnn makes to the folder of their run, so that there are files to go on with.

    Returns
    -------
    train, test : Path
        Of lines such as ``not bad at all, tab, 1``.
    """
    paths = folder.beside("train.tsv"), folder.beside("test.tsv")
    for path, (texts, labels) in zip(paths, sentiment_sentences(), strict=True):
        lines = [f"{text}\t{label}\n" for text, label in zip(texts, labels.tolist(), strict=True)]
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
    return paths
