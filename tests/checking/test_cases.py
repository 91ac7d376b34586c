"""The cases cover every op, and each of them would notice a wrong gradient."""

import numpy as np
import pytest

from portnn import ops
from portnn.backends import tree_map
from portnn.checking import GradientError, cases, check_gradients, check_parity, training_cases
from portnn.models import ACTIVATIONS, CELLS, OBJECTIVES

OPS = sorted(name.removesuffix("_backward") for name in ops.__all__ if name.endswith("_backward"))
LAYERS = {
    **{f"RecurrentLM {cell}": {cell, "linear", "cross_entropy", "dropout"} for cell in CELLS},
    **{f"FeedForward {name}": {name, "linear", "cross_entropy", "dropout"} for name in ACTIVATIONS},
    **{f"FeedForward {name}": {name, "linear"} for name in OBJECTIVES},
    **{
        f"WordVectors {name}, {loss}": {
            "embedding",
            op,
            *(() if name == "skip-gram" else ("window_mean",)),
            *(("logistic_pairs",) if loss == "negative sampling" and name != "skip-gram" else ()),
        }
        for loss, op in (("negative sampling", "negative_sampling"), ("softmax", "window_softmax"))
        for name in ("skip-gram", "CBOW", "CBOW sum")
    },
}
QUICK = [case.name for case in cases() if not case.name not in LAYERS and not case.name.startswith(tuple(CELLS))]


def of(name):
    """Cases that rest on an op."""
    return [case for case in cases() if name in LAYERS.get(case.name, {case.name.split(" ")[0]})]


@pytest.mark.host
def test_every_op_and_every_model_has_cases_and_all_have_names_of_their_own():
    names = [case.name for case in cases()]
    assert len(set(names)) == len(names)
    assert set(OPS) == {name.split(" ")[0] for name in names if name not in LAYERS}
    assert [case.name for case in training_cases()] == list(LAYERS)


@pytest.mark.host
def test_cases_are_the_same_every_time():
    for one, other in zip(cases(), cases(), strict=True):
        assert one.name == other.name
        assert all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)


# The other cases are checked beside their ops and models, in tests/ops and tests/models.
@pytest.mark.host
def test_every_case_passes_well_below_the_tolerance():
    for case in cases():
        assert max(comparison.error for comparison in check_gradients(case.function, case.arrays)) < 2e-6, case.name


@pytest.mark.host
@pytest.mark.parametrize("name", OPS)
def test_a_gradient_that_is_off_by_a_thousandth_makes_every_case_of_its_op_fail(monkeypatch, name):
    backward = getattr(ops, f"{name}_backward")

    def wrong(*args, **options):
        return tree_map(lambda gradient: gradient * 1.001, backward(*args, **options))

    monkeypatch.setattr(ops, f"{name}_backward", wrong)
    for registry in (ops.ACTIVATIONS, OBJECTIVES):
        for key, record in registry.items():
            if record.backward is backward:
                monkeypatch.setitem(registry, key, record._replace(backward=wrong))
    rest_on_it = of(name)
    assert rest_on_it
    for case in rest_on_it:
        with pytest.raises(GradientError):
            check_gradients(case.function, case.arrays, directions=2 if case.name.startswith("RecurrentLM") else None)


@pytest.mark.host
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("field", ["x", "h0", "weight_ih", "weight_hh", "bias_ih", "bias_hh"])
def test_a_wrong_gradient_of_any_one_argument_of_a_recurrent_op_is_found_and_named(monkeypatch, cell, field):
    backward = getattr(ops, f"{cell}_backward")

    def wrong(*args, **options):
        found = backward(*args, **options)
        if field in ("x", "h0"):
            return found._replace(**{field: getattr(found, field) * 1.001})
        return found._replace(weights=found.weights._replace(**{field: getattr(found.weights, field) * 1.001}))

    monkeypatch.setattr(ops, f"{cell}_backward", wrong)
    case = next(case for case in cases() if case.name == cell)
    with pytest.raises(GradientError, match=rf"^gradient of {field}\[.*wrong in all: {field}$"):
        check_gradients(case.function, case.arrays)


@pytest.mark.parametrize("name", QUICK)
def test_every_library_agrees_with_numpy_on_single_ops(backend, name):
    """Recurrent ops and models agree over whole training runs."""
    case = next(case for case in cases() if case.name == name)
    (difference,) = check_parity(case.function, case.arrays, [backend])
    assert difference.error < 1e-12


def test_every_library_agrees_with_numpy_in_float32(backend32):
    case = next(case for case in cases() if case.name == "RecurrentLM lstm")
    (difference,) = check_parity(case.function, case.arrays, [backend32])
    assert difference.error < 1e-5
