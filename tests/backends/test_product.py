"""Tests of `product` and `products`, blocks included where this processor would not use them."""

import importlib

import numpy as np
import pytest

from portnn.backends import product, products
from portnn.backends.libraries.numpy import MANY

module = importlib.import_module("portnn.backends.libraries.numpy")


@pytest.fixture(params=["whole", "blocks"])
def cut(request, monkeypatch):
    monkeypatch.setattr(module, "_small_kernels", lambda: request.param == "blocks")
    return request.param


def draw(place, *shape):
    return place(np.random.default_rng(sum(shape)).normal(size=shape))


@pytest.mark.parametrize(
    "sizes",
    [(1, 7, 5), (8, 64, 64), (16, 256, 96), (32, 300, 120), (32, 2048, 64), (32, 1024, 37), (40, 4096, 512)],
    ids=lambda sizes: "x".join(map(str, sizes)),
)
def test_product_is_matmul(backend, place, cut, sizes):
    rows, k, n = sizes
    x, weight = draw(place, rows, k), draw(place, n, k).T
    result = backend.to_host(product(weight, rows, xp=backend.xp)(x))
    want = backend.to_host(x) @ backend.to_host(weight)
    assert result.shape == want.shape
    np.testing.assert_allclose(result, want, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize(
    "sizes",
    [(1, 7, 5), (8, 64, 64), (32, 256, 256), (64, 512, 512), (32, 100, 41), (MANY - 1, 24, 9), (MANY, 24, 9)],
    ids=str,
)
@pytest.mark.parametrize("gates", [3, 4])
def test_products_are_a_product_each(backend, place, cut, sizes, gates):
    rows, k, n = sizes
    x, weight = draw(place, rows, k), draw(place, k, gates * n)
    result = backend.to_host(products(weight, gates, rows, xp=backend.xp)(x))
    want = backend.to_host(x) @ backend.to_host(weight)
    assert result.shape == (gates, rows, n)
    for gate in range(gates):
        np.testing.assert_allclose(result[gate], want[:, gate * n : (gate + 1) * n], rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("rows", [MANY - 1, MANY])
def test_products_with_a_transposed_matrix(backend, place, cut, rows):
    """As a convolution's backward pass takes them."""
    x, weight = draw(place, rows, 7), draw(place, 36, 7).T
    result = backend.to_host(products(weight, 9, rows, xp=backend.xp)(x))
    want = (backend.to_host(x) @ backend.to_host(weight)).reshape(rows, 9, 4).transpose(1, 0, 2)
    np.testing.assert_allclose(result, want, rtol=1e-12, atol=1e-12)


@pytest.mark.host
def test_of_many_rows_each_product_lies_in_one_piece():
    x, weight = draw(np.asarray, MANY, 7), draw(np.asarray, 7, 36)
    assert products(weight, 9, MANY, xp=np)(x).flags.c_contiguous
    assert not products(weight, 9, MANY - 1, xp=np)(x[1:]).flags.c_contiguous


def test_rows_of_a_wider_array(backend, place, cut):
    x, weight = draw(place, 32, 80)[:, 16:], draw(place, 64, 64)
    result = backend.to_host(product(weight, 32, xp=backend.xp)(x))
    np.testing.assert_allclose(result, backend.to_host(x) @ backend.to_host(weight), rtol=1e-12, atol=1e-11)


@pytest.mark.host
@pytest.mark.parametrize(
    ("rows", "k", "n", "expected"),
    [(32, 256, 1024, 64), (64, 512, 512, 0), (16, 512, 512, 64), (32, 100, 41, 41), (32, 300, 120, 60), (4, 64, 64, 0)],
)
def test_blocks_stay_small_and_cover_all_columns(monkeypatch, rows, k, n, expected):
    monkeypatch.setattr(module, "_small_kernels", lambda: True)
    columns = module._columns(rows, k, n)
    assert columns == expected
    assert rows * k * columns <= module.SMALL
