"""`backends`: every array library portnn knows, and what can be had here."""

from __future__ import annotations

import importlib.metadata
from typing import Any, TypedDict

from portnn.backends.choosing import DTYPES, INSTALL, MODULES, MissingBackendError, backend, installed, one_line


class BackendStatus(TypedDict):
    """What `backends` tells of one library; plain JSON types."""

    name: str
    available: bool
    version: str | None
    devices: list[str]
    dtypes: list[str]
    reason: str | None
    install: str | None


def backends() -> list[BackendStatus]:
    """Every backend with version, devices and dtypes, or why it is not there and how to install it.

    Each installed library is imported and tried, which can take seconds.

    Returns
    -------
    list of dict
        Keys `name`, `available`, `version`, `devices`, `dtypes`, `reason`, `install`.

    Examples
    --------
    >>> import portnn
    >>> [status["name"] for status in portnn.backends()]
    ['numpy', 'cupy', 'torch', 'jax', 'array-api-strict']
    """
    return [_status(name) for name in MODULES]


def _status(name: str) -> BackendStatus:
    status = BackendStatus(name=name, available=False, version=None, devices=[], dtypes=[], reason=None, install=None)
    if not installed(name):
        return {**status, "reason": "not installed", "install": INSTALL[name]}
    try:
        found = backend(name)
    except (MissingBackendError, ValueError) as error:
        return {**status, "version": _version(name), "reason": one_line(error), "install": INSTALL[name]}
    return {
        **status,
        "available": True,
        "version": _version(name),
        "devices": _devices(name, found.xp),
        "dtypes": list(DTYPES),
    }


def _version(name: str) -> str | None:
    if name == "cupy":  # its distribution is called after the CUDA version
        for distribution in ("cupy-cuda12x", "cupy-cuda13x", "cupy"):
            try:
                return importlib.metadata.version(distribution)
            except importlib.metadata.PackageNotFoundError:
                continue
        return None
    return importlib.metadata.version(name)


def _devices(name: str, xp: Any) -> list[str]:
    if name == "cupy":
        count = xp.cuda.runtime.getDeviceCount()
        names = (xp.cuda.runtime.getDeviceProperties(i)["name"].decode() for i in range(count))
        return [f"cuda:{i} ({device})" for i, device in enumerate(names)]
    if name == "torch":
        import torch

        return ["cpu", *(f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count()))]
    if name == "jax":
        import jax

        return [f"{device.platform}:{device.id}" for device in jax.devices()]
    if name == "array-api-strict":
        return [
            str(device).removeprefix("array_api_strict.Device('").removesuffix("')")
            for device in xp.__array_namespace_info__().devices()
        ]
    return ["cpu"]
