"""`MLP(standardize_y=True)`: regressions of any scale, on every library."""

from __future__ import annotations

import numpy as np
import pytest

import portnn
from portnn.backends import to_host


@pytest.mark.parametrize("columns", [None, 2])
def test_predictions_are_in_the_units_of_y(backend, place, tmp_path, columns) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2))
    y = 1e5 * (x @ np.asarray([[1.0, 2.0], [-3.0, 0.5]]) + 4.0)
    y = y[:, 0] if columns is None else y
    model = portnn.MLP((), objective="squared_error", standardize_y=True, backend=backend)
    model.fit(place(x), place(y), epochs=300, batch_size=20, learning_rate=0.02, progress=False)
    predicted = model.predict(place(x))
    assert predicted.shape == y.shape
    np.testing.assert_allclose(to_host(predicted), y, atol=1e3)
    assert model.evaluate(place(x), place(y)).loss < 1e-4  # of squared deviations, not of squared units
    model.save(tmp_path / "m.safetensors")
    loaded = portnn.load(tmp_path / "m.safetensors")
    np.testing.assert_allclose(loaded.predict(x), to_host(predicted), rtol=1e-9)


def test_a_column_that_never_changes_is_only_shifted() -> None:
    model = portnn.MLP((), objective="squared_error", standardize_y=True)
    model.fit(np.eye(3), [7.0, 7.0, 7.0], steps=1, batch_size=3, progress=False)
    np.testing.assert_allclose(model.predict(np.eye(3)), 7.0, atol=2.0)


def test_classes_are_not_standardized() -> None:
    with pytest.raises(ValueError, match="standardize_y is for squared_error, not for cross_entropy"):
        portnn.MLP(standardize_y=True)
