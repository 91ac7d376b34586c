import re

import numpy as np
import pytest

from portnn.ops.shapes import check_inner, check_ndim, check_shape, shape

pytestmark = pytest.mark.host


@pytest.mark.parametrize(
    ("ndims", "expected"),
    [((1,), "1 dimension"), ((3,), "3 dimensions"), ((2, 3), "2 or 3 dimensions")],
)
def test_a_number_of_dimensions_that_is_not_expected_is_named(ndims, expected):
    message = f"op: x has shape (4, 5, 6, 7), expected {expected}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_ndim("op", "x", np.ones((4, 5, 6, 7)), *ndims)


def test_shapes_that_fit_pass():
    check_ndim("op", "x", np.ones((2, 3)), 1, 2)
    check_inner("op", x=np.ones(4), weight=np.ones((4, 5)))
    check_shape("op", "x", np.ones((2, 3)), (2, 3), "y expects")


def test_a_shape_is_a_plain_tuple(backend, place):
    assert type(shape(place(np.ones((2, 3))))) is tuple


@pytest.mark.torch_oracle
def test_a_torch_shape_is_shown_as_a_plain_tuple():
    import torch

    message = "op: h0 has shape (8, 64) but the weights expect (8, 128)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_shape("op", "h0", torch.ones(8, 64), (8, 128), "the weights expect")
