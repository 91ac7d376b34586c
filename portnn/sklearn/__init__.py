"""portnn's networks as scikit-learn estimators: for pipelines, searches and cross-validation.

Needs scikit-learn, ``python -m pip install "portnn[sklearn]"``, and is imported only when asked for.

As in scikit-learn, X of any library is converted to NumPy, unless array API dispatch is on. Then everything follows
X: the network lives in X's library, on its device, in its dtype, and so do fitted attributes and predictions; y and
sample_weight are moved to X. SciPy asks for an environment variable before the first import of either::

    SCIPY_ARRAY_API=1 python train.py

    sklearn.set_config(array_api_dispatch=True)  # in train.py
"""

try:
    import sklearn as _scikit_learn  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'portnn.sklearn needs scikit-learn; python -m pip install "portnn[sklearn]"', name=error.name
    ) from None

from portnn.sklearn.mlp_classifier import MLPClassifier
from portnn.sklearn.mlp_regressor import MLPRegressor
from portnn.sklearn.softmax_classifier import SoftmaxClassifier

__all__ = ["MLPClassifier", "MLPRegressor", "SoftmaxClassifier"]
