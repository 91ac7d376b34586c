"""The cases cover every op, and each of them would notice a wrong gradient."""

import numpy as np
import pytest

from portnn import models, ops
from portnn.backends import tree_map
from portnn.checking import GradientError, cases, check_gradients, check_parity
from portnn.checking.model_cases import MODEL_CASES
from portnn.objectives import OBJECTIVES
from portnn.ops import ACTIVATIONS, CELLS, IMAGE_POOLINGS, POOLINGS

OPS = sorted(name.removesuffix("_backward") for name in ops.__all__ if name.endswith("_backward"))
RECURRENT = (*CELLS, *(f"RecurrentLM {cell}" for cell in CELLS))
QUICK = [case.name for case in cases() if not case.name.startswith(RECURRENT)]


@pytest.fixture(scope="module")
def backwards():
    """Ops whose backward each case calls."""
    called: set[str] = set()

    def recorded(name, backward):
        def record(*args, **options):
            called.add(name)
            return backward(*args, **options)

        return record

    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for name in OPS:
            put_in_place(patch, name, recorded(name, getattr(ops, f"{name}_backward")))
        for case in cases():
            called.clear()
            case.function(case.arrays, xp=np)
            found[case.name] = set(called)
    return found


def put_in_place(patch, name, backward):
    """Replace the backward of an op, among the ops and in the registries."""
    original = getattr(ops, f"{name}_backward")
    patch.setattr(ops, f"{name}_backward", backward)
    for registry in (ACTIVATIONS, CELLS, IMAGE_POOLINGS, OBJECTIVES, POOLINGS):
        for key, record in registry.items():
            if record.backward is original:
                patch.setitem(registry, key, record._replace(backward=backward))


@pytest.mark.host
def test_all_cases_have_names_of_their_own():
    names = [case.name for case in cases()]
    assert len(set(names)) == len(names)


@pytest.mark.host
def test_every_op_has_cases_of_its_own(backwards):
    alone = {name.split(" ")[0] for name, called in backwards.items() if called == {name.split(" ")[0]}}
    assert alone == set(OPS), "the cases of ops are in portnn/checking/op_cases.py"


@pytest.mark.host
def test_every_case_calls_a_backward(backwards):
    assert all(backwards.values())


@pytest.mark.host
def test_every_model_has_training_cases():
    """Whatever the package of models exports that has a loss and gradients."""
    exported = {getattr(models, name) for name in models.__all__ if name != "Model"}
    assert {kind for kind in exported if hasattr(kind, "loss") and hasattr(kind, "gradients")} == set(MODEL_CASES)


@pytest.mark.host
def test_cases_are_the_same_every_time():
    for one, other in zip(cases(), cases(), strict=True):
        assert one.name == other.name
        assert all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)


LARGE = ("Recurrent", "Image", "Sequence")
"""Cases of so many entries that they are checked along random directions here."""


# The other cases are checked beside their ops and models, in tests/ops and tests/models.
@pytest.mark.host
def test_every_case_passes_well_below_the_tolerance():
    """Large ones along random directions; `portnn gradcheck` goes through them entry by entry."""
    for case in cases():
        directions = 3 if case.name.startswith(LARGE) else None
        found = check_gradients(case.function, case.arrays, directions=directions)
        assert max(comparison.error for comparison in found) < 2e-6, case.name


@pytest.mark.host
@pytest.mark.parametrize("name", OPS)
def test_a_gradient_that_is_off_by_a_thousandth_makes_every_case_of_its_op_fail(monkeypatch, backwards, name):
    backward = getattr(ops, f"{name}_backward")

    def wrong(*args, **options):
        return tree_map(lambda gradient: gradient * 1.001, backward(*args, **options))

    put_in_place(monkeypatch, name, wrong)
    for case in cases():
        if name not in backwards[case.name]:
            continue
        with pytest.raises(GradientError):
            check_gradients(case.function, case.arrays, directions=2 if case.name.startswith(LARGE) else None)


def spoilt(gradients, cell, argument):
    """Gradients of a recurrent op of which that of one argument is off by a thousandth."""
    if argument == "x":
        return gradients._replace(x=gradients.x * 1.001)
    if argument in ops.Weights._fields:
        wrong = getattr(gradients.weights, argument) * 1.001
        return gradients._replace(weights=gradients.weights._replace(**{argument: wrong}))
    pairs = zip(cell.states, gradients.states, strict=True)
    return gradients._replace(states=tuple(g * 1.001 if argument == f"state {s}" else g for s, g in pairs))


ARGUMENTS = [
    (cell, name)
    for cell, record in CELLS.items()
    for name in ("x", *(f"state {state}" for state in record.states), *ops.Weights._fields)
]


@pytest.mark.host
@pytest.mark.parametrize(("cell", "argument"), ARGUMENTS)
def test_a_wrong_gradient_of_any_one_argument_of_a_recurrent_op_is_found_and_named(monkeypatch, cell, argument):
    right = CELLS[cell]
    put_in_place(monkeypatch, cell, lambda *args, **options: spoilt(right.backward(*args, **options), right, argument))
    case = next(case for case in cases() if case.name == cell)
    with pytest.raises(GradientError, match=rf"^gradient of {argument}\[.*wrong in all: {argument}$"):
        check_gradients(case.function, case.arrays)


@pytest.mark.parametrize("name", QUICK)
def test_every_library_agrees_with_numpy_on_ops_and_models(backend, name):
    """A stack has all that its cells can do; recurrent language models agree over whole training runs."""
    case = next(case for case in cases() if case.name == name)
    (difference,) = check_parity(case.function, case.arrays, [backend])
    assert difference.error < 1e-12


def test_every_library_agrees_with_numpy_in_float32(backend32):
    case = next(case for case in cases() if case.name == "RecurrentLM lstm")
    (difference,) = check_parity(case.function, case.arrays, [backend32])
    assert difference.error < 1e-5
