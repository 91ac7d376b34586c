"""English text that ships with CPython: the topics of its documentation."""

from __future__ import annotations


def python_documentation() -> str:
    """Text of `pydoc_data.topics`: 460,000 to 510,000 characters, depending on the version of Python.

    Returns
    -------
    str

    Raises
    ------
    RuntimeError
        If this Python was built without the module.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise RuntimeError("this Python lacks pydoc_data.topics; give a text file instead") from error
    return "\n".join(topics[name] for name in sorted(topics))
