"""`ConvNetClassifier`: a convolutional classifier of images."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from portnn.backends import Array, namespace
from portnn.estimators import ConvNet
from portnn.models.convolution_stack import ConvolutionSettings
from portnn.settings import documented
from portnn.sklearn.classifier import Classifier
from portnn.sklearn.conv_net_parameters import ConvNetParameters
from portnn.sklearn.dispatch import entering
from portnn.sklearn.parameters import Parameters, taking


@documented(ConvNetParameters)
class ConvNetClassifier(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Classifier):  # type: ignore[misc]
    """Convolutional classifier of images, on arrays of any library.

    X is (images, features), a row of pixels for each image, or has the images' own axes: (images, height, width) or
    (images, height, width, channels). Pixels of dtype uint8 are divided by 255, and the network is of float32; others
    are taken as they are, and the network is of their dtype. float32 is the faster one.

    Before another estimator of a pipeline, it hands on what its last layer reads of the images.

    Parameters
    ----------
    {settings}

    Attributes
    ----------
    classes_ : array (n,)
    conv_net_ : portnn.ConvNet
        The network; ``conv_net_.model.image_shape`` is the shape of its images.
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_, n_iter_, t_, n_outputs_
        As in `MLPClassifier`.
    out_activation_ : {"softmax", "logistic"}
    n_features_in_ : int
        Pixels of an image times its channels.
    feature_names_in_ : array of str
        If X has column names.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.sklearn import ConvNetClassifier
    >>> images = np.zeros((20, 6, 6))
    >>> images[:10, :, 3] = 1.0  # a column
    >>> images[10:, 3, :] = 1.0  # a row
    >>> X, y = images.reshape(20, 36), ["|"] * 10 + ["-"] * 10
    >>> model = ConvNetClassifier(
    ...     channels=(4,), hidden_layer_sizes=(), shift=1, learning_rate_init=0.1, random_state=0
    ... )
    >>> model.fit(X, y).predict(np.roll(images[[0, -1]], 1, axis=(1, 2)).reshape(2, 36)).tolist()
    ['|', '-']
    >>> model.transform(X).shape
    (20, 36)
    """

    TRAINED: ClassVar[str] = "conv_net_"
    DTYPES: ClassVar[tuple[str, ...]] = (*Classifier.DTYPES, "uint8")
    PARAMETERS: ClassVar[type[Parameters]] = ConvNetParameters

    conv_net_: ConvNet

    __init__ = taking(ConvNetParameters)

    def transform(self, X: Any) -> Array:
        """What the last layer reads of each image (images, features), where X is.

        Parameters
        ----------
        X : array (images, features), (images, height, width) or (images, height, width, channels)
        """
        images = self._table(X, "transform")
        return self.conv_net_.features(images)

    def __sklearn_tags__(self) -> Any:
        """Tags that tell scikit-learn what this estimator supports."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = list(Classifier.DTYPES)
        return tags

    @property
    def _n_features_out(self) -> int:
        """What the names of features are counted by."""
        return int(self.conv_net_.model.head.sizes[-2])

    def _checked(self, X: Any, *, reset: bool) -> Array:
        """Images (images, height, width, channels); scikit-learn checks rows."""
        X = entering("X", X)
        given = X if hasattr(X, "shape") else np.asarray(X)
        axes = tuple(map(int, given.shape[1:]))
        if len(axes) > 3:
            raise ValueError(
                f"X has shape {tuple(given.shape)}, expected (images, features), (images, height, width) or (images, "
                "height, width, channels)"
            )
        if len(axes) > 1:
            X = namespace(X=given).reshape(given, (given.shape[0], math.prod(axes)))
        rows = super()._checked(X, reset=reset)
        return namespace(X=rows).reshape(rows, (rows.shape[0], *self._image_shape(axes, reset=reset)))

    def _image_shape(self, axes: tuple[int, ...], *, reset: bool) -> tuple[int, ...]:
        """Height, width and channels of images that have these axes in X: their own, or one of features."""
        known = self._chosen().image_shape if reset else self.conv_net_.model.image_shape
        if len(axes) > 1:
            if known is not None and with_channels(axes) != with_channels(known):
                raise ValueError(f"X has images of shape {axes}, expected {known}")
            return with_channels(axes)
        if known is None:
            side = math.isqrt(axes[0])
            known = (side, side)
            if side * side != axes[0]:
                raise ValueError(
                    f"X has {axes[0]} features, which make no square grey image: give image_shape=(height, width) or "
                    "(height, width, channels)"
                )
        if math.prod(known) != axes[0]:
            raise ValueError(f"X has {axes[0]} features, but images of shape {known} have {math.prod(known)}")
        return with_channels(known)

    def _new(self, chosen: Any, **shared: Any) -> ConvNet:
        convolutions = {**chosen.shared_with(ConvolutionSettings), **shared}
        convolutions["momentum"] = ConvolutionSettings.momentum  # of running means; the parameter is the solver's
        return ConvNet(**convolutions, hidden=chosen.hidden_layer_sizes)


def with_channels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Height, width and channels, of which there is one unless the shape says otherwise."""
    return (*shape, 1)[:3]
