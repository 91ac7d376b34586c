import math

import pytest

from portnn.optimizers import optimizer
from portnn.optimizers.schedules import Constant
from portnn.training import Plan, RunState

pytestmark = pytest.mark.host


@pytest.mark.parametrize(
    ("losses", "tolerance", "waited"),
    [
        ([3.0, 2.0, 1.0], 0.0, [0, 0, 0]),
        ([3.0, 3.0, 4.0, 2.9, 2.9], 0.0, [0, 1, 2, 0, 1]),
        ([3.0, 2.8, 2.6, 2.0], 0.5, [0, 1, 2, 0]),  # less than the tolerance at a time counts as waiting
        ([3.0, 2.5], 0.5, [0, 1]),
    ],
)
def test_evaluations_since_a_loss_was_lower_by_more_than_the_tolerance(losses, tolerance, waited):
    state, counts = RunState({}, {}, ()), []
    for loss in losses:
        state.wait_for(loss, tolerance)
        counts.append(state.waited)
    assert counts == waited
    assert state.lowest_loss == min(losses)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"patience": 0}, "patience must be a positive whole number, got 0"),
        ({"patience": 1.5}, "patience must be a positive whole number, got 1.5"),
        ({"patience": True}, "patience must be a positive whole number, got True"),
        ({"tolerance": -0.1}, "tolerance must be 0 or a positive number, got -0.1"),
        ({"tolerance": math.nan}, "tolerance must be 0 or a positive number, got nan"),
        ({"tolerance": math.inf}, "tolerance must be 0 or a positive number, got inf"),
    ],
)
def test_settings_that_are_none(setting, message):
    with pytest.raises(ValueError, match=message):
        Plan(optimizer=optimizer("sgd"), schedule=Constant(0.1), **setting)
