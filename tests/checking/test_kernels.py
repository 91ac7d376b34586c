"""Steps on PyTorch's device `meta`: none looks at a value, and none launches more kernels than is written down here."""

import numpy as np
import pytest

from portnn.checking import kernel_counts
from portnn.checking.kernels import meta_backend
from portnn.checking.model_cases import TrainingCase, training_cases
from portnn.models import FeedForward

pytestmark = [pytest.mark.host, pytest.mark.torch_oracle]

KERNELS = {
    "RecurrentLM rnn": (149, 56, 14),
    "RecurrentLM gru": (319, 156, 32),
    "RecurrentLM lstm": (305, 136, 28),
    "FeedForward identity": (97, 38, None),
    "FeedForward sigmoid": (111, 46, None),
    "FeedForward tanh": (105, 40, None),
    "FeedForward relu": (107, 42, None),
    "FeedForward rbf": (109, 44, None),
    "FeedForward cross_entropy": (78, 33, None),
    "FeedForward binary_cross_entropy": (74, 34, None),
    "FeedForward poisson": (69, 29, None),
    "FeedForward squared_error": (60, 20, None),
    "SequenceClassifier rnn": (179, 47, None),
    "SequenceClassifier gru": (249, 88, None),
    "SequenceClassifier lstm": (243, 80, None),
    "SequenceClassifier stack": (286, 95, None),
    "SequenceClassifier one-hot, last": (117, 48, None),
    "SequenceClassifier one-hot, mean": (120, 51, None),
    "SequenceClassifier one-hot, max": (122, 52, None),
    "SequenceClassifier frozen": (111, 47, None),
    "SequenceClassifier whole table": (117, 47, None),
    "SequenceClassifier several labels": (175, 48, None),
    "ImageClassifier max": (235, 70, None),
    "ImageClassifier mean, rbf": (101, 33, None),
    "ImageClassifier batch norm": (280, 86, None),
    "ImageClassifier no pool": (80, 29, None),
    "RecurrentDecoder gru": (216, 101, 20),
    "RecurrentDecoder lstm": (209, 91, 18),
    "RecurrentDecoder rnn": (131, 51, 11),
    "RecurrentDecoder every step": (175, 74, 17),
    "RecurrentDecoder encoder": (213, 76, 11),
    "WordVectors skip-gram, negative sampling": (196, 23, None),
    "WordVectors CBOW, negative sampling": (220, 39, None),
    "WordVectors CBOW sum, negative sampling": (214, 36, None),
    "WordVectors skip-gram, softmax": (183, 25, None),
    "WordVectors CBOW, softmax": (199, 36, None),
    "WordVectors CBOW sum, softmax": (193, 33, None),
}
"""Training, evaluation and sampling. `portnn gradcheck --kernels` prints today's."""


@pytest.fixture(scope="module")
def counted():
    found: dict[str, dict[str, int]] = {}
    for count in kernel_counts():
        found.setdefault(count.case, {})[count.step] = count.total
    return {
        case: tuple(steps.get(name) for name in ("training", "evaluation", "sampling")) for case, steps in found.items()
    }


def test_every_case_is_counted(counted):
    assert set(counted) == {case.name for case in training_cases()}


def test_no_step_launches_more_or_fewer_kernels_than_are_written_down(counted):
    """Fewer is an improvement: lower the figure, so that it is held."""
    unwritten = [f'"{case}": {counted[case]},' for case in counted if case not in KERNELS]
    assert not unwritten, "add to KERNELS:\n" + "\n".join(unwritten)
    assert counted == KERNELS


class Careless(FeedForward):
    """A network with a step that is not careful; the subclasses say how."""

    def loss(self, params, batch, carry, *, xp):
        loss, carry, cache = super().loss(params, batch, carry, xp=xp)
        return self.spoil(loss, batch.x, xp), carry, cache


class ReadsAValue(Careless):
    def spoil(self, loss, x, xp):
        return loss * 2.0 if float(loss) > 0.0 else loss


class SelectsByValue(Careless):
    def spoil(self, loss, x, xp):
        return loss + xp.sum(x[x > 0.0])


class CopiesToTheHost(Careless):
    def spoil(self, loss, x, xp):
        return loss + float(np.sum(x.cpu().numpy()))


class PassesOverMemoryOnceMore(Careless):
    def spoil(self, loss, x, xp):
        return loss + 0.0


def case_of(model):
    (case,) = (case for case in training_cases() if case.name == "FeedForward tanh")
    return TrainingCase(case.name, model((2, 5, 4, 3), "tanh", l2=0.01, dropout=0.25), case.batches)


@pytest.mark.parametrize("model", [ReadsAValue, SelectsByValue, CopiesToTheHost])
def test_a_look_at_a_value_is_an_error(model):
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        list(kernel_counts(iter([case_of(model)])))


def test_one_pass_more_is_counted():
    (one, _), (other, _) = (
        list(kernel_counts(iter([case_of(model)]))) for model in (FeedForward, PassesOverMemoryOnceMore)
    )
    assert other.total == one.total + 1


def test_views_are_not_counted():
    meta = meta_backend()
    x = meta.asarray(np.ones((4, 6)))
    with meta.library.counted_kernels() as launched:
        y = meta.xp.reshape(x, (6, 4)).T[1:, ...]
        assert not launched
        meta.xp.matmul(y, y.T)
    assert launched == {"aten.mm.default": 1}
