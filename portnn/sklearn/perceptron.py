"""`Perceptron`: what is true of estimators whose network is a multilayer perceptron, and of no other."""

from __future__ import annotations

from typing import Any, ClassVar

from portnn.backends import Array
from portnn.estimators import MLP
from portnn.models import layer_parameters
from portnn.sklearn.learner import Learner


class Perceptron(Learner):
    """A portnn.MLP behind scikit-learn's interface; see `MLPClassifier` for parameters and attributes."""

    TRAINED: ClassVar[str] = "mlp_"

    mlp_: MLP

    @property
    def coefs_(self) -> list[Array]:
        """Weights of every layer (n_in, n_out), in the library and on the device of X."""
        return [layer_parameters(self._trained.params, layer)[0] for layer in range(self._trained.model.depth)]

    @property
    def intercepts_(self) -> list[Array]:
        """Biases of every layer (n_out,), in the library and on the device of X."""
        return [layer_parameters(self._trained.params, layer)[1] for layer in range(self._trained.model.depth)]

    @property
    def n_layers_(self) -> int:
        """Number of layers, including the inputs."""
        return len(self._trained.model.sizes)

    def __sklearn_tags__(self) -> Any:
        """Tags that tell scikit-learn what this estimator supports."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _new(self, chosen: Any, **shared: Any) -> MLP:
        return MLP(chosen.hidden_layer_sizes, **shared)
