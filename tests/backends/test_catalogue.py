import importlib.util
import json

import pytest

import portnn
from portnn.backends import backends
from portnn.backends.choosing import DTYPES
from portnn.backends.libraries import LIBRARIES, Library

KEYS = ["name", "available", "version", "gpus", "devices", "dtypes", "nccl", "reason", "install"]


@pytest.fixture
def only_numpy(monkeypatch):
    """Let no other array library look installed."""
    find_spec = importlib.util.find_spec
    hidden = {library.module.partition(".")[0] for library in LIBRARIES.values()} - {"numpy"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *on: None if name in hidden else find_spec(name, *on))


def test_the_backend_under_test_is_available(backend, monkeypatch):
    monkeypatch.setattr("portnn.backends.catalogue.LIBRARIES", {backend.name: backend.library})
    (status,) = backends()
    assert list(status) == KEYS
    assert status["name"] == backend.name
    assert status["available"] is True

    assert status["version"][0].isdigit()
    assert status["devices"]
    assert all(isinstance(device, str) and "(" not in device.partition(" ")[0] for device in status["devices"])
    assert status["dtypes"] == list(DTYPES)
    assert status["nccl"] is backend.library.has_nccl()
    assert status["reason"] is None
    assert status["install"] is None


@pytest.mark.host
def test_every_library_is_listed_and_those_that_are_missing_say_how_to_install_them(only_numpy):
    found = backends()
    assert [status["name"] for status in found] == list(LIBRARIES)
    assert found[0]["available"] is True
    assert found[0]["devices"] == ["cpu"]
    for status in found[1:]:
        library = LIBRARIES[status["name"]]
        assert (status["available"], status["version"], status["devices"], status["dtypes"]) == (False, None, [], [])
        assert (status["reason"], status["install"]) == ("not installed", library.install)
        assert status["gpus"] == list(library.gpus)


@pytest.mark.host
def test_the_catalogue_is_plain_json(only_numpy):
    found = backends()
    assert json.loads(json.dumps(found)) == found


@pytest.mark.host
def test_a_library_that_is_installed_but_broken_gives_its_reason(only_numpy, monkeypatch):
    def broken(name):
        raise portnn.MissingBackendError(f"{name} does not work here: no driver")

    monkeypatch.setattr(Library, "installed", lambda library: True)
    monkeypatch.setattr("portnn.backends.catalogue.backend", broken)
    for library in LIBRARIES.values():
        monkeypatch.setattr(type(library), "version", lambda library: "1.0")
    for status in backends():
        assert (status["available"], status["version"]) == (False, "1.0")
        assert status["reason"] == f"{status['name']} does not work here: no driver"
        assert status["install"] == LIBRARIES[status["name"]].install


@pytest.mark.host
def test_each_vendor_of_gpus_has_a_library():
    vendors = {vendor for library in LIBRARIES.values() for vendor in library.gpus}
    assert vendors == {"NVIDIA", "AMD", "Intel", "Apple"}
