from dataclasses import dataclass

from portnn.models import FeedForward
from portnn.optimizers import SGD, Adam
from portnn.training import StepSettings, make_step


def test_equal_models_share_a_compiled_step_and_no_others_do(backend):
    def step(model, optimizer=None, **clip):
        return make_step(model, optimizer or Adam(), backend, StepSettings(**clip))

    one = step(FeedForward((3, 4, 2)))
    assert (step(FeedForward((3, 4, 2))) is one) == backend.library.compiles
    assert step(FeedForward((3, 4, 2), l2=0.1)) is not one
    assert step(FeedForward((3, 4, 2)), SGD()) is not one
    assert step(FeedForward((3, 4, 2)), clip_norm=1.0) is not one


def test_what_has_no_hash_gets_a_step_of_its_own(backend):
    @dataclass(frozen=True)
    class Listed(FeedForward):
        notes: tuple = ()

    model = Listed((3, 4, 2), notes=([],))
    assert make_step(model, Adam(), backend) is not make_step(model, Adam(), backend)
