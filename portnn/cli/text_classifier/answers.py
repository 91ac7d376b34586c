"""What a classifier answers, and how it is shown: in columns, as JSON, and what should be known about it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from portnn.cli.options import finite
from portnn.cli.text_classifier.explaining import MOST, lines_of, record_of
from portnn.estimators import Explanation, TextClassifier
from portnn.objectives import OBJECTIVES

SHOWN = 10
"""Unknown words that a note names."""


class Answer(NamedTuple):
    """Answer to a text.

    Attributes
    ----------
    text : str
    labels : list
        The likeliest; of several yes-or-no questions those that are answered by yes.
    numbers : list of int
        Places of `labels` among all labels.
    probabilities : list of float
        Of all labels.
    """

    text: str
    labels: list[Any]
    numbers: list[int]
    probabilities: list[float]


class Answers:
    """Answers of a model, shown as they come.

    Parameters
    ----------
    model : TextClassifier
    proba : bool
        Show the probability of every label.
    explains : bool
        Show each word's part.
    repeats : bool
        Show the texts, too.
    as_json : bool
    """

    def __init__(
        self, model: TextClassifier, *, proba: bool, explains: bool, repeats: bool = True, as_json: bool = False
    ) -> None:
        assert model.labels is not None
        self.model, self.proba, self.explains = model, proba, explains
        self.repeats, self.as_json = repeats, as_json
        self.names, self.several = model.labels.names, model.labels.several
        self.notes = Notes(model)
        self._shown = 0

    def __call__(self, texts: Sequence[str]) -> Iterator[Answer]:
        """Answer texts."""
        outputs = self.model.outputs(texts)
        objective = OBJECTIVES[self.model.model.objective]
        assert objective.probabilities is not None
        predicted, probabilities = objective.predict(outputs), objective.probabilities(outputs).tolist()
        self.notes.add(texts)
        for text, chosen, row in zip(texts, predicted.tolist(), probabilities, strict=True):
            numbers = [n for n, yes in enumerate(chosen) if yes] if self.several else [int(chosen)]
            yield Answer(text, [self.names[n] for n in numbers], numbers, row)

    def begin(self) -> None:
        """Print what comes before the first answer."""
        if self.as_json:
            print("[", end="")
        elif self.proba:
            names = ["label", "probability", *(in_one_line(f"p_{name}") for name in self.names)]
            print("\t".join([*names, *["text"] * self.repeats]))

    def show(self, answer: Answer) -> None:
        """Print an answer."""
        if self.as_json:
            print(",\n" if self._shown else "\n", json.dumps(finite(self.record(answer))), sep="", end="")
        else:
            print("\t".join([*self.columns(answer), *[in_one_line(answer.text)] * self.repeats]))
            if self.explains:
                for line in self._explained(answer, lines_of):
                    print(line)
        self._shown += 1

    def end(self) -> None:
        """Print what comes after the last answer, and say what should be known."""
        if self.as_json:
            print("\n]")
        self.notes.say()

    def columns(self, answer: Answer) -> list[str]:
        """Label and probability, and the probability of every label if that is asked for; of several labels, lists."""
        labels = [str(label) for label in answer.labels]
        own = [f"{answer.probabilities[n]:.4f}" for n in answer.numbers]
        every = [f"{p:.6f}" for p in answer.probabilities] if self.proba else []
        return [in_one_line(",".join(labels)), ",".join(own), *every]

    def record(self, answer: Answer) -> dict[str, Any]:
        """An answer for JSON."""
        own = [answer.probabilities[n] for n in answer.numbers]
        found: dict[str, Any] = {"text": answer.text}
        found |= (
            {"labels": answer.labels, "probability": own}
            if self.several
            else {"label": answer.labels[0], "probability": own[0]}
        )
        if self.proba:
            found["probabilities"] = dict(zip(map(str, self.names), answer.probabilities, strict=True))
        if self.explains:
            found |= self._explained(answer, record_of)
        return {**found, "unknown_words": self.model.unknown_words([answer.text])}

    def _explained(self, answer: Answer, form: Callable[[Explanation], Any]) -> Any:
        """An explanation in some form; of a text that is too long, nothing."""
        words = len(self.model.tokens(answer.text))
        if min(words, self.model.settings.max_length or words) > MOST:
            self.notes.unexplained += 1
            return {}
        return form(self.model.explain(answer.text))


class Notes:
    """What should be known about texts that were answered: unknown words, no words at all, a text that is cut."""

    def __init__(self, model: TextClassifier) -> None:
        self.model = model
        self._forget()

    def _forget(self) -> None:
        self.texts = self.empty = self.cut = self.unexplained = 0
        self.unknown: dict[str, None] = {}
        self.more = 0

    def add(self, texts: Sequence[str]) -> None:
        """Look at texts."""
        assert self.model.vocabulary is not None
        index, most = self.model.vocabulary.index, self.model.settings.max_length
        self.texts += len(texts)
        for text in texts:
            words = self.model.tokens(text)
            self.empty += not words
            self.cut += most is not None and len(words) > most
            for word in words[:most]:
                if word in index or word in self.unknown:
                    continue
                if len(self.unknown) < SHOWN:
                    self.unknown[word] = None
                else:
                    self.more += 1

    def say(self) -> None:
        """Say it on stderr, and start anew."""
        told = []
        if self.unknown:
            more = f" and {self.more:,} more" if self.more else ""
            told.append(f"unknown words: {', '.join(map(in_one_line, self.unknown))}{more}")
        one, of_all = self.texts == 1, f"of {self.texts:,} texts"
        if self.empty:
            has = "the text has" if one else f"{self.empty:,} {of_all} have"
            told.append(f"{has} no words; an unknown word is read instead")
        if self.cut:
            texts = "the text" if one else f"{self.cut:,} {of_all}"
            told.append(f"of {texts}, only the first {self.model.settings.max_length:,} words are read")
        if self.unexplained:
            has = "the text has" if one else f"{self.unexplained:,} {of_all} have"
            told.append(f"{has} more than {MOST} words, too many to explain")
        for note in told:
            print(f"note: {note}", file=sys.stderr)
        self._forget()


def in_one_line(text: str) -> str:
    """Text without tabs and line ends, which separate columns and answers."""
    return re.sub(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]", " ", text)
