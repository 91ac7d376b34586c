"""Divergence: a loss that is not finite, or explodes, stops the run before it can spoil a checkpoint."""

from __future__ import annotations

import math


class DivergenceError(ArithmeticError):
    """The loss is not finite or has exploded.

    Attributes
    ----------
    step : int
    loss, learning_rate : float
    gradient_norm : float or None
        None if it was not computed.
    """

    def __init__(self, step: int, loss: float, learning_rate: float, gradient_norm: float | None) -> None:
        self.step, self.loss = step, loss
        self.learning_rate, self.gradient_norm = learning_rate, gradient_norm
        super().__init__(step, loss, learning_rate, gradient_norm)  # from which another process makes it again

    def __str__(self) -> str:
        # Without a norm, gradients came in rows: those of one row are summed over the batch, so its size matters.
        norm, remedy = "", "smaller batches"
        if self.gradient_norm is not None:
            norm, remedy = f", gradient norm {self.gradient_norm:.4g}", "clip_norm"
        return (
            f"training diverged at step {self.step}: loss {self.loss:.4g}, learning rate {self.learning_rate:.4g}"
            f"{norm}; try a smaller learning rate or {remedy}"
        )


class DivergenceWatch:
    """Compares every loss with the first one.

    Parameters
    ----------
    factor : float
        A loss above this multiple of the first (or of 1, if the first is smaller) has exploded.
    first : float, optional
        The first loss, if an earlier run has computed it.
    """

    def __init__(self, factor: float = 5.0, first: float | None = None) -> None:
        self.factor, self.first = factor, first

    def check(self, step: int, loss: float, learning_rate: float, gradient_norm: float | None) -> None:
        """Raise DivergenceError if the loss or the gradient norm is not finite, or the loss has exploded."""
        if self.first is None and math.isfinite(loss):
            self.first = loss
        limit = self.factor * max(self.first or 0.0, 1.0)
        if not (math.isfinite(loss) and math.isfinite(gradient_norm or 0.0)) or loss > limit:
            raise DivergenceError(step, loss, learning_rate, gradient_norm)
