"""Generated input: the same examples in every run, so that a failure is a change of the code and not of chance."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "portnn",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("portnn")
