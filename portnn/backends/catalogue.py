"""`backends`: every array library portnn knows, and which work here."""

from __future__ import annotations

from typing import TypedDict

from portnn.backends.choosing import MissingBackendError, backend, one_line
from portnn.backends.libraries import LIBRARIES, Library


class BackendStatus(TypedDict):
    """Status of one library in `backends`; plain JSON types."""

    name: str
    available: bool
    version: str | None
    gpus: list[str]
    devices: list[str]
    dtypes: list[str]
    nccl: bool
    reason: str | None
    install: str | None


def backends() -> list[BackendStatus]:
    """Every backend with version, devices and dtypes, or why it is not available and how to install it.

    Each installed library is imported and tried, which can take seconds.

    Returns
    -------
    list of dict
        Keys `name`, `available`, `version`, `gpus` (vendors of the GPUs that it drives, here or elsewhere), `devices`,
        `dtypes`, `nccl` (whether NCCL can join its GPUs here), `reason`, `install`.

    Examples
    --------
    >>> import portnn
    >>> next(status["available"] for status in portnn.backends() if status["name"] == "numpy")
    True
    """
    return [_status(library) for library in LIBRARIES.values()]


def _status(library: Library) -> BackendStatus:
    status = BackendStatus(
        name=library.name,
        available=False,
        version=None,
        gpus=list(library.gpus),
        devices=[],
        dtypes=[],
        nccl=False,
        reason="not installed",
        install=library.install,
    )
    if not library.installed():
        return status
    status["version"] = library.version()
    try:
        found = backend(library.name)
    except (MissingBackendError, ValueError) as error:
        return {**status, "reason": one_line(error)}
    return {
        **status,
        "available": True,
        "devices": library.devices(xp=found.xp),
        "dtypes": library.dtypes(found.device, xp=found.xp),
        "nccl": library.has_nccl(),
        "reason": None,
        "install": None,
    }
