"""Train a network with a SciPy optimizer, which needs a vector of parameters, its loss and its gradient.

    python examples/scipy_minimize.py

Needs SciPy (python -m pip install scipy). For comparison, portnn's own gradient descent then trains the same network
from the same weights.
"""

from scipy.optimize import minimize

import portnn
from portnn.datasets import spiral

X, y = spiral()


def network():
    return portnn.MLP((20, 20), "tanh", l2=1e-3, seed=1).initialize(X, y)


model = network()


def loss_and_gradient(vector):
    model.unpack(vector)
    return model.loss_and_gradient(X, y)


result = minimize(loss_and_gradient, model.pack(), jac=True, method="L-BFGS-B", options={"maxiter": 500})
model.unpack(result.x)
print(f"L-BFGS: loss {result.fun:.4f}, accuracy {model.score(X, y):.3f} after {result.nfev} evaluations")

descent = network().fit(X, y, steps=result.nfev, batch_size=len(X), optimizer="sgd", learning_rate=0.1, progress=False)
print(f"SGD:    loss {descent.loss_and_gradient(X, y)[0]:.4f}, accuracy {descent.score(X, y):.3f} after as many steps")
