"""Settings of windows: which words predict which, and against how many negatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from portnn.settings import FIXED, Flags, Settings, Shown, finite, not_negative, positive

BLOCKS = {True: (16, 40), False: (32, 32)}
"""Default positions of a block and negatives that they share, for skip-gram and for CBOW."""


@dataclass(frozen=True, kw_only=True)
class WindowSettings(Settings):
    """How a stream of word ids becomes pairs of words; `portnn.Word2Vec` has the same settings."""

    window: Annotated[
        int, positive, FIXED, "Largest number of words on either side; windows stop at the ends of sentences."
    ] = 5
    sg: Annotated[
        bool, FIXED, Flags("--sg", "--cbow"), "Skip-gram; otherwise CBOW, which is faster, and worse on small texts."
    ] = True
    negative: Annotated[
        int,
        not_negative,
        FIXED,
        "Negatives for each positive pair; 0 for a full softmax, whose time grows with the vocabulary.",
    ] = 5
    sample: Annotated[
        float,
        not_negative,
        FIXED,
        "Drop words at random if their share of the text is larger than this; 0 keeps all. Useful: 1e-3 to 1e-5.",
    ] = 1e-3
    shrink_windows: Annotated[
        bool,
        FIXED,
        Flags("--shrink-windows", "--whole-windows"),
        "Draw each position's window from 1 to `window`, so that near words count more.",
    ] = True
    ns_exponent: Annotated[float, finite, FIXED, "Draw negatives by the words' counts raised to this power."] = 0.75
    block_size: Annotated[
        int | None, positive, FIXED, Shown("16, CBOW 32"), "Positions in a block, which share their negatives."
    ] = None
    shared_negatives: Annotated[
        int | None, positive, FIXED, Shown("40, CBOW 32"), "Negatives that the positions of a block share."
    ] = None

    @property
    def block(self) -> tuple[int, int]:
        """Positions of a block, and negatives that they share: as set, or the default for skip-gram or CBOW."""
        size, negatives = BLOCKS[self.sg]
        return self.block_size or size, self.shared_negatives or negatives
