"""What every declared setting has: a sentence, a range, and a place that reads it."""

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
SOURCES = "\n".join(path.read_text() for path in Path(portnn.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_has_a_sentence(setting):
    assert re.fullmatch(r"[`\"A-Z(0].*[.)]|.*\.\.\.", setting.sentence), setting.sentence


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_number_has_a_range(setting):
    if {int, float} & set(setting.kinds):
        assert setting.mark(Range) or setting.mark(By), f"{setting.name} takes any number"


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_read_somewhere(name):
    assert re.search(rf"\.{name}\b|[\"']{name}[\"']", SOURCES), f"nothing reads {name}"
