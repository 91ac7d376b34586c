"""Data that is generated or already on the machine."""

from portnn.datasets.documentation import python_documentation
from portnn.datasets.rings import rings
from portnn.datasets.spiral import spiral

__all__ = ["python_documentation", "rings", "spiral"]
