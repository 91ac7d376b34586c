"""Tables of any dtype, byte order and memory layout train a model exactly as the plain table of their numbers does."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import portnn
from portnn.backends import real_numbers

DTYPES = ["f2", "f4", "f8", "g", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
LAYOUTS = {
    "plain": lambda x: x,
    "columns first": np.asfortranarray,
    "reversed": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
    "strided": lambda x: np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3],
    "objects": lambda x: x.astype(object),
    "lists": lambda x: x.tolist(),
}


@st.composite
def tables(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES))).newbyteorder(draw(st.sampled_from("<>")))
    small = {"min_value": -8, "max_value": 8, "width": 16} if dtype.kind == "f" else {}
    elements = (
        st.floats(**small) if dtype.kind == "f" else hnp.from_dtype(np.dtype("i1" if dtype.kind == "i" else "u1"))
    )
    shape = draw(st.tuples(st.integers(2, 6), st.integers(1, 3)))
    values = draw(hnp.arrays(np.float64 if dtype.kind == "f" else np.int64, shape, elements=elements))
    return values.astype(dtype), draw(st.sampled_from(sorted(LAYOUTS)))


@given(tables())
@settings(max_examples=100)
def test_a_table_trains_as_its_numbers_do(table):
    x, layout = table
    plain = np.ascontiguousarray(x.astype(np.float64))
    y = np.arange(len(x)) % 2
    run = {"steps": 3, "batch_size": 2, "progress": False, "divergence_factor": np.inf}

    def fitted(x):
        return portnn.MLP((3,), dtype="float64", backend="numpy", standardize=True).fit(x, y, **run)

    one, other = fitted(plain), fitted(LAYOUTS[layout](x))
    for name, expected in one.params.items():
        assert np.array_equal(other.params[name], expected), name


@given(
    st.one_of(
        hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(max_dims=2, max_side=4)),
        hnp.arrays(
            object, hnp.array_shapes(max_dims=2, max_side=3), elements=st.one_of(st.floats(), st.text(), st.none())
        ),
    )
)
def test_an_array_is_real_numbers_or_refused_by_its_dtype(array):
    others = array.dtype.kind == "O" and any(not isinstance(value, float) for value in array.flat)
    try:
        found = real_numbers("X", array)
    except TypeError as error:
        assert others or array.dtype.kind not in "biufO"
        assert str(array.dtype) in str(error)
    else:
        assert array.dtype.kind in "biuf" or not others
        assert found.dtype.isnative
        assert found.dtype.itemsize <= 8
        with np.errstate(over="ignore", invalid="ignore"):
            assert np.array_equal(found, array.astype(found.dtype), equal_nan=found.dtype.kind == "f")
