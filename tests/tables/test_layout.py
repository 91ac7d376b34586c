"""Layouts: which columns are features and targets, here and in other files."""

from __future__ import annotations

import pytest

from portnn.tables import Layout

pytestmark = pytest.mark.host


def test_a_layout_finds_its_columns_in_another_file() -> None:
    layout = Layout.of(("a", "b", "kind"), 3, ["kind"], {"encoding": "latin-1"}, "t.csv")
    assert Layout.from_json(layout.to_json()) == layout
    assert (layout.feature_names, layout.target_names) == (("a", "b"), ("kind",))
    assert layout.find(("kind", "x", "b", "a"), 4, "u.csv", targets=True) == ((3, 2), (0,))
    assert layout.find(("b", "a"), 2, "u.csv", targets=False) == ((1, 0), None)
    assert layout.find(None, 2, "u.csv", targets=False) == ((0, 1), None)
    assert layout.find(None, 3, "u.csv", targets=True) == ((0, 1), (2,))
    middle = Layout.of(None, 3, ["2"], {}, "t.csv")
    assert middle.find(None, 3, "u.csv", targets=False) == ((0, 2), None)
    for names, width, targets, message in (
        (("a", "c"), 2, False, "u.csv has no column 'b'; it has 'a', 'c'"),
        (("a", "b"), 2, True, "u.csv has no column 'kind'"),
        (None, 2, True, "u.csv has 2 columns, but the model expects 3 with its targets"),
        (None, 4, False, "u.csv has 4 columns, but the model expects 2 features"),
    ):
        with pytest.raises(ValueError, match=message):
            layout.find(names, width, "u.csv", targets=targets)


def test_targets_are_named_or_numbered() -> None:
    names = ("3", "b", "c")
    assert Layout.of(names, 3, [], {}, "t").targets == (2,)
    assert Layout.of(names, 3, ["3"], {}, "t").targets == (0,)  # a name takes precedence over a number
    assert Layout.of(names, 3, ["2", "3"], {}, "t").targets == (1, 0)
    for wanted, message in (
        (["d"], "t has no column 'd'; its columns are '3', 'b', 'c', numbered from 1 to 3"),
        (["0"], "t has no column '0'"),
        (["b", "2"], "t: a target is named twice: 'b', '2'"),
        (["1", "b", "c"], "all 3 columns are targets"),
    ):
        with pytest.raises(ValueError, match=message):
            Layout.of(names, 3, wanted, {}, "t")
