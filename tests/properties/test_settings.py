"""Numbers of every type as settings: the same plain value, the same refusal, and the same after a checkpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

import array_api_strict
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import portnn
from portnn.estimators.registry import ESTIMATORS, estimator_class
from portnn.settings import Settings, declared, finite, not_negative, positive


@dataclass(frozen=True, kw_only=True)
class Numbers(Settings):
    """One setting of each kind of number."""

    whole: Annotated[int, not_negative, "Whole."] = 0
    real: Annotated[float, finite, "Real."] = 0.0
    maybe: Annotated[float | None, positive, "Perhaps."] = None
    several: Annotated[tuple[int, ...], positive, "Several."] = ()
    flag: Annotated[bool, "On or off."] = False


WHOLE = [int, np.int64, np.uint64, np.array, lambda n: array_api_strict.asarray(n, dtype=array_api_strict.int64)]
REAL = [float, np.float64, Fraction, Decimal, np.array, lambda x: array_api_strict.asarray(x)]


@given(st.integers(0, 2**62), st.sampled_from(WHOLE))
def test_a_whole_number_of_any_type_is_the_same_int(value, kind):
    settings = Numbers(whole=kind(value), real=kind(value))
    assert (type(settings.whole), settings.whole) == (int, value)
    assert (type(settings.real), settings.real) == (float, float(value))
    assert Numbers(**json.loads(json.dumps(settings.to_json()))) == settings


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(REAL))
def test_a_real_number_of_any_type_is_the_same_float(value, kind):
    settings = Numbers(real=kind(value))
    assert (type(settings.real), settings.real) == (float, value)
    assert Numbers(**json.loads(json.dumps(settings.to_json()))) == settings


@given(st.floats(), st.sampled_from([float, np.float64, np.array]))
def test_what_is_no_number_of_the_range_is_refused_whatever_its_type(value, kind):
    for name, fits in (("real", np.isfinite(value)), ("maybe", np.isfinite(value) and value > 0.0), ("whole", False)):
        try:
            found = getattr(Numbers(**{name: kind(value)}), name)
        except ValueError as error:
            assert not fits
            assert str(error).startswith(f"{name} must be ")
        else:
            assert fits
            assert found == value


@given(st.lists(st.integers(1, 10**6), max_size=5), st.sampled_from([list, tuple, np.array, iter]))
def test_several_whole_numbers_may_come_in_anything(values, kind):
    values_given = np.array(values, dtype=np.int32) if kind is np.array else kind(values)
    settings = Numbers(several=values_given)
    assert settings.several == tuple(values)
    assert all(type(value) is int for value in settings.several)


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(),
    st.text(max_size=300),
    st.binary(max_size=300),
    st.complex_numbers(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.dates(),
)


@given(st.sampled_from(sorted(ESTIMATORS)), st.data())
def test_a_setting_is_taken_or_refused_in_one_short_line(name, data):
    """What is taken can be recorded; what is refused is named."""
    kind = estimator_class(name).SETTINGS
    setting = data.draw(st.sampled_from([each for each in declared(kind).values() if not each.transient]))
    value = data.draw(anything)
    try:
        model = estimator_class(name)(**{setting.name: value})
    except (TypeError, ValueError) as error:
        message = str(error)
        assert len(message) < 400
        assert "\n" not in message
    else:
        record = json.loads(json.dumps(model.settings.to_json()))
        assert kind(**kind.among(record)).to_json() == model.settings.to_json()


@given(st.integers(), st.sampled_from([int, np.array]))
def test_seeds(value, kind):
    if value >= 0 and value.bit_length() < 63:
        assert portnn.backends.seed_of(kind(value)) == value
    elif value < 0 and value.bit_length() < 63:
        try:
            portnn.backends.seed_of(kind(value))
        except ValueError as error:
            assert str(error) == f"seed must be 0 or a positive whole number, got {value}"
        else:
            raise AssertionError(value)
