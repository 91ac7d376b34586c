"""Search for the best settings of a network on several machines: scikit-learn's grid search on a Dask cluster.

    python examples/grid_search_dask.py

Needs Dask (python -m pip install "portnn[sklearn]" "dask[distributed]"). scikit-learn leaves its fits to joblib, and
joblib can send them to Dask's workers. portnn's estimators can be pickled, so they go there like any other. The best
settings are then trained here, on all rows.

The cluster is made here, too: two worker processes on this machine. For one that exists, two lines change: the one with
LocalCluster goes, and the next becomes Client("tcp://scheduler:8786") as client. Its workers need portnn, with the same
versions of Python and packages as here: python -m pip install "portnn[sklearn]".

A worker fits as many networks at once as it has threads, here one. BLAS adds no threads of its own: Dask starts workers
with OPENBLAS_NUM_THREADS=1, and the same for MKL and OpenMP, unless these variables are already set or the worker has
no nanny (dask worker --no-nanny).
"""

from collections import Counter

import joblib
from distributed import Client, LocalCluster, get_task_stream
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from threadpoolctl import threadpool_info

from portnn.sklearn import MLPClassifier

GRID = {"hidden_layer_sizes": [(16,), (64,)], "alpha": [0.01, 1.0, 10.0]}


def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, test_size=0.3, stratify=y, random_state=0)


def grid_search(n_jobs=None):
    network = MLPClassifier(learning_rate_init=0.01, early_stopping=True, random_state=0)
    return GridSearchCV(network, GRID, cv=3, n_jobs=n_jobs)


def blas_threads():
    return max(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")


if __name__ == "__main__":  # the workers of LocalCluster import this file, and are to make no cluster of their own
    X, X_test, y, y_test = digits()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        with joblib.parallel_config(backend="dask"), get_task_stream(client) as ran:
            search = grid_search().fit(X, y)

        seconds = Counter()
        for task in ran.data:
            parts = (part for part in task["startstops"] if part["action"] == "compute")
            seconds[task["worker"]] += sum(part["stop"] - part["start"] for part in parts)
        threads = client.run(blas_threads, workers=list(seconds))

    for params, accuracy in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        print(f"accuracy {accuracy:.4f} with {params}")
    print(f"best: {search.best_params_}, on digits that no fit has seen {search.score(X_test, y_test):.4f}")
    for worker in sorted(seconds):
        print(f"{worker} fitted for {seconds[worker]:.2f} s, BLAS threads: {threads[worker]}")
