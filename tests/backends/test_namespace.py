import numpy as np
import pytest

import portnn
from portnn.backends import library_name, namespace, portable


@portable
def double(x, rest=(), *, factor=2.0, xp=None):
    """Stand for any portable function: give the namespace it got, and a result."""
    return xp, x * factor


def test_the_namespace_is_that_of_all_arrays(backend, place):
    assert namespace(x=place([1.0]), y=place([1, 2])) is backend.xp
    assert library_name(backend.xp) == backend.name


@pytest.mark.parametrize("value", [1.0, [1.0], None, "x"], ids=str)
def test_what_is_no_array_is_named(place, value):
    with pytest.raises(TypeError, match=rf"^y is {type(value).__name__}, expected an array$"):
        namespace(x=place([1.0]), y=value)


def test_no_array_at_all_is_an_error():
    with pytest.raises(TypeError, match=r"^no array was given$"):
        namespace()


@pytest.mark.host
def test_arrays_of_two_libraries_are_named():
    import array_api_strict as strict

    message = r"^x belongs to numpy but y to array-api-strict; all arrays must come from one library$"
    with pytest.raises(TypeError, match=message):
        namespace(x=np.ones(2), y=strict.ones(2))


@pytest.mark.host
def test_arrays_on_two_devices_are_named():
    import array_api_strict as strict

    first, second = (strict.ones(2, device=strict.Device(name)) for name in ("device1", "device2"))
    message = r"^x is on device \S+device1\S+ but y on \S+device2\S+; all arrays must be on one device$"
    with pytest.raises(ValueError, match=message):
        namespace(x=first, y=second)


def test_a_portable_function_finds_its_namespace_from_the_arrays(backend, place):
    for arguments, options in (((place([3.0]),), {}), ((), {"x": place([3.0])}), ((place([3.0]),), {"xp": None})):
        xp, y = double(*arguments, **options)
        assert xp is backend.xp
        assert backend.to_host(y).tolist() == [6.0]


def test_a_portable_function_takes_the_namespace_it_is_given(place):
    marker = object()
    assert double(place([3.0]), xp=marker)[0] is marker


def test_options_that_are_no_arrays_do_not_matter(backend, place):
    xp, y = double(place([3.0]), factor=5.0)
    assert xp is backend.xp
    assert backend.to_host(y).tolist() == [15.0]


@pytest.mark.host
def test_arrays_inside_tuples_are_looked_at_and_named_by_their_path():
    import array_api_strict as strict

    with pytest.raises(TypeError, match=r"^x belongs to numpy but rest\.1\.0 to array-api-strict;"):
        double(np.ones(2), (np.ones(2), (strict.ones(2),)))


def test_a_portable_function_keeps_its_name_and_documentation():
    assert double.__name__ == "double"
    assert double.__doc__.startswith("Stand for")


def test_the_arrays_tell_the_backend(backend, backend32):
    for chosen in (backend, backend32):
        found = portnn.backend_of(weight=chosen.asarray([1.0]), ids=chosen.asarray([1]))
        assert (found.name, found.xp, found.dtype) == (chosen.name, chosen.xp, chosen.dtype)
        assert found.asarray([1.0]).dtype == chosen.asarray([1.0]).dtype


def test_a_backend_needs_floats(place):
    with pytest.raises(TypeError, match=r"^ids has dtype \S*int(32|64), expected float32 or float64$"):
        portnn.backend_of(ids=place([1, 2]))


@pytest.mark.host
def test_whoever_hands_the_namespace_in_pays_for_no_lookup(monkeypatch):
    def looked_up(**arrays):
        raise AssertionError("looked up")

    monkeypatch.setattr("portnn.backends.namespaces.namespace", looked_up)
    double(np.ones(2), xp=np)
    with pytest.raises(AssertionError, match="looked up"):
        double(np.ones(2))
