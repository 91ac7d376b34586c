"""portnn's networks as scikit-learn estimators: for pipelines, searches and cross-validation.

Needs scikit-learn (``python -m pip install "portnn[sklearn]"``), and is imported only on demand.

As in scikit-learn, X of any library is converted to NumPy, unless array API dispatch is on. Then everything follows
X: the network, its fitted attributes and its predictions are in X's library, on its device and of its dtype; y and
sample_weight are moved there. SciPy needs an environment variable before it or scikit-learn is imported::

    SCIPY_ARRAY_API=1 python train.py

    sklearn.set_config(array_api_dispatch=True)  # in train.py

Perceptrons also take a sparse X. It is then NumPy's business, and only the rows of a batch are dense at a time.

`ConvNetClassifier` takes images, as rows of pixels or with axes of their own.

`TextClassifier` takes texts, and computes in the library that its parameter `backend` names.
"""

try:
    import sklearn as _scikit_learn  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'portnn.sklearn needs scikit-learn; python -m pip install "portnn[sklearn]"', name=error.name
    ) from None

from portnn.sklearn.conv_net_classifier import ConvNetClassifier
from portnn.sklearn.mlp_classifier import MLPClassifier
from portnn.sklearn.mlp_regressor import MLPRegressor
from portnn.sklearn.softmax_classifier import SoftmaxClassifier
from portnn.sklearn.text_classifier import TextClassifier

__all__ = ["ConvNetClassifier", "MLPClassifier", "MLPRegressor", "SoftmaxClassifier", "TextClassifier"]
