"""Tables in any dtype, byte order and layout give what plain native ones give; what is no real number is refused."""

import datetime

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.backends import to_host

from .examples import EXAMPLES, POINTS, TABLES, fit, make, tables

SAME = {
    "big-endian float64": lambda x: x.astype(">f8"),
    "little-endian float64": lambda x: x.astype("<f8"),
    "longdouble": lambda x: x.astype(np.longdouble),
    "negative strides": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "columns first": np.asfortranarray,
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "read-only": lambda x: np.frombuffer(x.tobytes()).reshape(x.shape),
    "matrix": lambda x: x.view(type("Matrix", (np.ndarray,), {})),
    "unmasked": np.ma.masked_array,
    "objects": lambda x: x.astype(object),
    "lists": lambda x: x.tolist(),
}
"""Forms of a table that hold the same numbers."""


@pytest.mark.parametrize("form", SAME.values(), ids=SAME)
@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_any_form_trains_as_the_plain_one(name, form, backend):
    x, y = EXAMPLES[name].data
    weight = np.linspace(1.0, 2.0, len(x))
    plain = fit(make(name, backend, dtype="float64"), data=(x, y, weight))
    other = fit(make(name, backend, dtype="float64"), data=(form(x), y, form(weight)))
    assert tables(other) == tables(plain)
    if plain.classes is None:  # products of another memory layout may differ in the last digit
        assert_allclose(to_host(other.predict(form(x))), to_host(plain.predict(x)), rtol=1e-12)
    else:
        assert np.array_equal(to_host(other.predict(form(x))), to_host(plain.predict(x)))
    assert_allclose(other.evaluate(form(x), y, form(weight)), plain.evaluate(x, y, weight), rtol=1e-12)


@pytest.mark.parametrize("dtype", [">f4", ">i4", ">u2", ">i8", "f2", ">f2", "?"])
def test_other_numbers_are_those_of_float64(dtype, backend):
    x = (10 * POINTS).astype(dtype)
    y = EXAMPLES["LinearRegression"].data[1]
    with np.errstate(invalid="ignore"):
        plain = fit(make("LinearRegression", backend, dtype="float64"), data=(x.astype(np.float64), y))
    other = fit(make("LinearRegression", backend, dtype="float64"), data=(x, y))
    assert tables(other) == tables(plain)


@pytest.mark.host
@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i8", ">i2"])
def test_the_byte_order_of_x_names_no_other_backend(dtype):
    x = (10 * POINTS).astype(dtype)
    plain = fit(make("LinearRegression", None), data=(x.astype(x.dtype.newbyteorder("=")), POINTS[:, 0]))
    other = fit(make("LinearRegression", None), data=(x, POINTS[:, 0]))
    assert str(other.backend) == str(plain.backend)
    assert tables(other) == tables(plain)


@pytest.mark.host
@pytest.mark.parametrize("dtype", [">i8", ">u4", ">f4", ">f8", "longdouble"])
def test_labels_of_any_byte_order_are_native_labels(dtype, tmp_path):
    y = np.arange(40) % 3
    model = fit(make("MLP"), data=(POINTS, y.astype(dtype)))
    plain = fit(make("MLP"), data=(POINTS, y))
    assert tables(model) == tables(plain)
    assert model.classes.labels.dtype.isnative
    model.save(tmp_path / "model.safetensors")
    again = portnn.load(tmp_path / "model.safetensors")
    assert np.array_equal(again.predict(POINTS), plain.predict(POINTS))
    assert again.evaluate(POINTS, y.astype(dtype)) == plain.evaluate(POINTS, y)


DAYS = np.arange(120).reshape(40, 3).astype("M8[D]")
NO_DAY = np.datetime64("NaT", "D")
NO_NUMBERS = {
    "dates": (DAYS, r"datetime64\[D\]"),
    "dates that lack one": (np.where(np.arange(120).reshape(40, 3) == 7, NO_DAY, DAYS), "datetime64"),
    "time spans": (DAYS - DAYS[0], r"timedelta64\[D\]"),
    "complex": (POINTS + 0j, "complex128"),
    "text": (POINTS.astype(str), "<U"),
    "bytes": (POINTS.astype("S"), r"\|S"),
    "records": (np.zeros((40, 3), dtype=[("a", float)]), r"\[\('a', '<f8'\)\]"),
    "Python's dates": ([[datetime.date(2026, 1, 1)] * 3] * 40, "object and holds a date"),
    "text among objects": (np.full((40, 3), "1", dtype=object), "object and holds a str"),
    "None": (np.full((40, 3), None), "object and holds a NoneType"),
}
"""Data that are no real numbers, and the dtype that the message names."""


@pytest.mark.host
@pytest.mark.parametrize(("x", "dtype"), NO_NUMBERS.values(), ids=NO_NUMBERS)
@pytest.mark.parametrize("name", TABLES)
def test_what_is_no_real_number_is_refused_by_its_dtype(name, x, dtype):
    y = EXAMPLES[name].data[1]
    with pytest.raises(TypeError, match=rf"^X has dtype {dtype}"):
        fit(make(name), data=(x, y))
    model = fit(make(name))
    for ask in (model.predict, model.hidden, lambda x: model.evaluate(x, y), lambda x: model.partial_fit(x, y)):
        with pytest.raises(TypeError, match=rf"^X has dtype {dtype}"):
            ask(x)
    with pytest.raises(TypeError, match=rf"^sample_weight has dtype {dtype}"):
        fit(make(name), data=(POINTS, y, np.asarray(x)[:, 0]))


@pytest.mark.host
@pytest.mark.parametrize(("x", "dtype"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_values_to_predict_are_real_numbers(x, dtype):
    with pytest.raises(TypeError, match=rf"^y has dtype {dtype}"):
        fit(make("LinearRegression"), data=(POINTS, np.asarray(x)[:, 0]))


@pytest.mark.host
def test_dates_are_no_class_labels():
    for labels in (DAYS[:, 0], DAYS[:, 0] - DAYS[0, 0], POINTS[:, 0] + 0j):
        with pytest.raises(TypeError, match=rf"^y has dtype {labels.dtype.name.replace('[', '.').replace(']', '.')}"):
            fit(make("MLP"), data=(POINTS, labels))


@pytest.mark.host
@pytest.mark.parametrize("name", TABLES)
def test_masked_entries_are_refused_wherever_they_are(name):
    x, y = EXAMPLES[name].data
    hidden = np.arange(40) == 7
    masked_y, masked_weight = np.ma.masked_array(y, hidden), np.ma.masked_array(np.ones(40), hidden)
    for data, what in (((x, masked_y), "y"), ((x, y, masked_weight), "sample_weight")):
        with pytest.raises(ValueError, match=rf"^{what} has masked entries, from which nothing can be learned"):
            fit(make(name), data=data)
        with pytest.raises(ValueError, match=rf"^{what} has masked entries"):
            fit(make(name)).evaluate(*data)
    with pytest.raises(ValueError, match=r"^y has masked entries"):
        fit(make(name), held_out=(x, masked_y))


def test_half_precision_is_computed_with_in_float32(backend):
    xp, y = backend.xp, EXAMPLES["LinearRegression"].data[1]
    for dtype in filter(None, (getattr(xp, name, None) for name in ("float16", "bfloat16"))):
        half = xp.astype(backend.asarray(POINTS), dtype)
        single = xp.astype(half, xp.float32)
        model, plain = (fit(make("LinearRegression", None), data=(x, y)) for x in (half, single))
        assert (model.backend.name, model.backend.dtype) == (backend.name, "float32")
        assert tables(model) == tables(plain)
        model, plain = (
            fit(make("LinearRegression"), data=(POINTS, to_host(x[:, 0]), to_host(xp.abs(x[:, 1]))))
            for x in (half, single)
        )
        assert tables(model) == tables(plain)


def test_complex_numbers_of_any_library_are_refused(backend):
    if not hasattr(backend.xp, "complex64"):
        return  # a library without them
    x = backend.xp.astype(backend.asarray(POINTS), backend.xp.complex64)
    for chosen in (None, backend):
        with pytest.raises(TypeError, match=r"^X has dtype .*complex64, expected real numbers$"):
            fit(make("MLP", chosen), data=(x, np.arange(40) % 2))


def test_a_list_of_arrays_is_a_table(backend):
    x, y = EXAMPLES["LinearRegression"].data
    rows, values = [backend.asarray(row) for row in x], [backend.asarray(value) for value in y]
    assert tables(fit(make("LinearRegression"), data=(rows, values))) == tables(
        fit(make("LinearRegression"), data=(x.astype(backend.dtype), y.astype(backend.dtype)))
    )


@pytest.mark.host
def test_what_is_drawn_is_real_numbers():
    from portnn import plots

    model = fit(make("LogisticRegression"), data=(POINTS[:, :2], POINTS[:, 0] > 0.0))
    days = DAYS[:, :2]
    for draw in (
        lambda: plots.plot_decision_boundary(model, days, np.arange(40) % 2),
        lambda: plots.plot_hidden_projection(days, np.arange(40) % 2),
        lambda: plots.plot_images(days[:, None]),
        lambda: plots.plot_descent(lambda w: w, days),
        lambda: plots.plot_loss((days[:, 0], np.ones(40))),
        lambda: plots.plot_gradient_magnitudes(days[:, 0], {"one": np.ones(40)}),
        lambda: plots.plot_confusion(days[:, 0], days[:, 0]),
        lambda: plots.plot_cost_surface(lambda a, b: a.astype("M8[D]"), (0.0, 1.0), (0.0, 1.0)),
    ):
        with pytest.raises(TypeError, match=r"has dtype datetime64\[D\]"):
            draw()
