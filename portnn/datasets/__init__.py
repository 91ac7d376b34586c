"""Data that is generated or already on the machine."""

from portnn.datasets.documentation import python_documentation

__all__ = ["python_documentation"]
