"""How well images are captioned: in words, and for JSON."""

from __future__ import annotations

import math
import sys
from typing import Any

from portnn.estimators.caption_evaluation import CaptionEvaluation


def in_words(evaluation: CaptionEvaluation, measured_on: str = "") -> str:
    """Loss and scores on one line, with the number of images and what they are."""
    count = evaluation.images
    scores = f"exact {evaluation.exact:.4f}"
    if evaluation.bleu is not None:
        scores += f", BLEU-4 {evaluation.bleu:.2f}"
    images = " ".join(filter(None, (f"{count:,}", measured_on, f"image{'s' * (count != 1)}")))
    loss = f"loss {evaluation.loss:.4f} nats per word, perplexity {_perplexity(evaluation):.4g}"
    return f"{loss}, {scores} on {images}"


def as_record(evaluation: CaptionEvaluation) -> dict[str, Any]:
    """Loss, scores and numbers of captions and images for JSON."""
    loss, *rest = evaluation._asdict().items()
    return {**dict([loss]), "perplexity": _perplexity(evaluation), **dict(rest)}


def say_without_bleu(evaluation: CaptionEvaluation) -> None:
    """Say on stderr how to get BLEU, if it was not computed."""
    if evaluation.bleu is None:
        print('note: BLEU needs sacrebleu; python -m pip install "portnn[captions]"', file=sys.stderr)


def _perplexity(evaluation: CaptionEvaluation) -> float:
    try:
        return math.exp(evaluation.loss)
    except OverflowError:
        return math.inf
