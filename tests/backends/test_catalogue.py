import importlib.util
import json
import sys

import pytest

import portnn
from portnn.backends import backends
from portnn.backends.choosing import INSTALL, MODULES

KEYS = ["name", "available", "version", "devices", "dtypes", "reason", "install"]


@pytest.fixture
def only_numpy(monkeypatch):
    """Let no other array library look installed."""
    find_spec = importlib.util.find_spec
    hidden = {module.partition(".")[0] for module in MODULES.values()} - {"numpy"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *on: None if name in hidden else find_spec(name, *on))


def test_the_backend_under_test_is_available(backend, monkeypatch):
    monkeypatch.setattr(sys.modules["portnn.backends.catalogue"], "MODULES", {backend.name: MODULES[backend.name]})
    (status,) = backends()
    assert list(status) == KEYS
    assert status["name"] == backend.name
    assert status["available"] is True
    assert status["version"][0].isdigit()
    assert status["devices"]
    assert all(isinstance(device, str) and "(" not in device.partition(" ")[0] for device in status["devices"])
    assert status["dtypes"] == ["float32", "float64"]
    assert status["reason"] is None
    assert status["install"] is None


@pytest.mark.host
def test_every_library_is_listed_and_those_that_are_missing_say_how_to_install_them(only_numpy):
    found = backends()
    assert [status["name"] for status in found] == list(MODULES)
    assert found[0]["available"] is True
    assert found[0]["devices"] == ["cpu"]
    for status in found[1:]:
        assert status == {
            "name": status["name"], "available": False, "version": None, "devices": [], "dtypes": [],
            "reason": "not installed", "install": INSTALL[status["name"]],
        }  # fmt: skip


@pytest.mark.host
def test_the_catalogue_is_plain_json(only_numpy):
    found = backends()
    assert json.loads(json.dumps(found)) == found


@pytest.mark.host
def test_a_library_that_is_installed_but_broken_gives_its_reason(only_numpy, monkeypatch):
    catalogue = sys.modules["portnn.backends.catalogue"]

    def broken(name):
        raise portnn.MissingBackendError(f"{name} does not work here: no driver")

    monkeypatch.setattr(catalogue, "installed", lambda name: True)
    monkeypatch.setattr(catalogue, "backend", broken)
    monkeypatch.setattr(catalogue, "_version", lambda name: "1.0")
    for status in backends():
        assert (status["available"], status["version"]) == (False, "1.0")
        assert status["reason"] == f"{status['name']} does not work here: no driver"
        assert status["install"] == INSTALL[status["name"]]
