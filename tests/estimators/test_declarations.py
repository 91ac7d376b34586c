"""What every declared setting has: a sentence, a range, and a place that reads it."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import portnn
from portnn.estimators.registry import ESTIMATORS, estimator_class
from portnn.optimizers import OPTIMIZERS, optimizer
from portnn.optimizers.schedules import SCHEDULES
from portnn.settings import By, declared
from portnn.settings.ranges import Range

pytestmark = pytest.mark.host

CLASSES = [estimator_class(name) for name in ESTIMATORS]
KINDS = {kind for of in CLASSES for kind in (of.SETTINGS, of.RUN)}
KINDS |= {*SCHEDULES.values(), *(type(optimizer(name)) for name in OPTIMIZERS)}
DECLARED = {setting.name: setting for kind in KINDS for setting in declared(kind).values()}
SETTINGS = {name: DECLARED[name] for name in sorted(DECLARED)}
EACH = {f"{kind.__name__}.{name}": (kind, name) for kind in sorted(KINDS, key=repr) for name in declared(kind)}
HOLDERS = {"settings", "chosen", "plan"}
"""What settings are called where they are used. In the file that declares them, they are `self`."""


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_has_a_sentence(setting):
    assert re.fullmatch(r"[`\"A-Z(0].*[.)]|.*\.\.\.", setting.sentence), setting.sentence


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_number_has_a_range(setting):
    if {int, float} & set(setting.kinds):
        assert setting.mark(Range) or setting.mark(By), f"{setting.name} takes any number"


def attributes_read(path):
    """What a file reads as ``name.attribute`` or ``....name.attribute``: pairs of name and attribute."""
    for node in ast.walk(ast.parse(Path(path).read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield getattr(node.value, "attr", getattr(node.value, "id", None)), node.attr


READ = {
    attribute
    for path in Path(portnn.__file__).parent.rglob("*.py")
    for name, attribute in attributes_read(path)
    if name in HOLDERS
}


@pytest.mark.parametrize(("kind", "name"), EACH.values(), ids=EACH)
def test_a_setting_is_read_somewhere(kind, name):
    files = {inspect.getfile(each) for each in kind.__mro__ if each.__module__.startswith("portnn")}
    itself = {attribute for file in files for owner, attribute in attributes_read(file) if owner == "self"}
    assert name in READ | itself, f"nothing reads {name}"
