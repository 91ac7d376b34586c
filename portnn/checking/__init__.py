"""Checks of gradients and of parity between array libraries, for portnn's functions and for your own."""

from portnn.checking.gradients import Comparison, GradientError, check_gradients
from portnn.checking.guards import frozen, without_stalls
from portnn.checking.kernels import KernelCount, kernel_counts
from portnn.checking.model_cases import TrainingCase, training_cases
from portnn.checking.op_cases import Case, cases
from portnn.checking.parity import Difference, ParityError, check_losses, check_parity, relative, training_losses

__all__ = [
    "Case",
    "Comparison",
    "Difference",
    "GradientError",
    "KernelCount",
    "ParityError",
    "TrainingCase",
    "cases",
    "check_gradients",
    "check_losses",
    "check_parity",
    "frozen",
    "kernel_counts",
    "relative",
    "training_cases",
    "training_losses",
    "without_stalls",
]
