"""Kernels: how many each step of each model launches, counted where any look at a value is an error.

On a GPU a small step takes as long as its launches. PyTorch's device `meta` computes shapes alone, so a step that
passes there asks for no value and never waits, and its kernels can be counted on any machine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from portnn.backends import Backend, backend
from portnn.backends.libraries.torch import PyTorch
from portnn.checking.device_steps import device_steps
from portnn.checking.model_cases import TrainingCase, training_cases
from portnn.optimizers import optimizer


class KernelCount(NamedTuple):
    """Kernels that one step launches.

    Attributes
    ----------
    case, step : str
        Name of the training case, and "training", "evaluation" or "sampling".
    kernels : dict of str to int
        Launches by operation.
    """

    case: str
    step: str
    kernels: dict[str, int]

    @property
    def total(self) -> int:
        """Launches in all."""
        return sum(self.kernels.values())


def meta_backend() -> Backend:
    """PyTorch on its device `meta`, in float32.

    Raises
    ------
    MissingBackendError
        If PyTorch is not installed.
    """
    torch = backend(PyTorch.name)
    return dataclasses.replace(torch, device=torch.library.device("meta", xp=torch.xp))


def kernel_counts(cases: Iterator[TrainingCase] | None = None) -> Iterator[KernelCount]:
    """Count the kernels of every step of every training case, with Adam and gradients clipped to a norm.

    Raises
    ------
    MissingBackendError
        If PyTorch is not installed.
    RuntimeError, NotImplementedError
        If a step looks at a value.
    """
    meta = meta_backend()
    for case in training_cases() if cases is None else cases:
        for name, step in device_steps(case, meta, optimizer("adam")):
            with PyTorch().counted_kernels() as launched:
                step()
            yield KernelCount(case.name, name, dict(launched.most_common()))
