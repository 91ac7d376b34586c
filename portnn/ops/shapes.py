"""Shape checks: they read shapes only, so they cost nothing on a GPU and vanish under a compiler."""

from __future__ import annotations

from portnn.backends import Array


def check_ndim(operation: str, name: str, array: Array, *ndims: int) -> None:
    """Raise ValueError unless `array` has one of the numbers of dimensions given."""
    if array.ndim not in ndims:
        expected = " or ".join(map(str, ndims))
        raise ValueError(
            f"{operation}: {name} has shape {shape(array)}, expected {expected} dimension{'s' * (ndims != (1,))}"
        )


def check_inner(operation: str, *, x: Array, weight: Array) -> None:
    """Raise ValueError unless x (..., n_in) can be multiplied by weight (n_in, n_out)."""
    check_ndim(operation, "weight", weight, 2)
    if x.ndim < 1 or x.shape[-1] != weight.shape[0]:
        raise ValueError(f"{operation}: x has shape {shape(x)} but the weight expects (..., {weight.shape[0]})")


def check_shape(operation: str, name: str, array: Array, expected: tuple[int, ...], because: str) -> None:
    """Raise ValueError unless the shape is `expected`; `because` says who expects it, such as "the weights expect"."""
    if shape(array) != expected:
        raise ValueError(f"{operation}: {name} has shape {shape(array)} but {because} {expected}")


def shape(array: Array) -> tuple[int, ...]:
    """Shape as a plain tuple (some libraries have a type of their own)."""
    return tuple(array.shape)
