from portnn.models import FeedForward
from portnn.optimizers import Adam
from portnn.training import make_step


def test_equal_models_share_a_step(backend):
    settings = (Adam(), backend)
    step = make_step(FeedForward((3, 4, 2)), *settings)
    assert make_step(FeedForward((3, 4, 2)), *settings) is step
    assert make_step(FeedForward((3, 4, 2), l2=0.1), *settings) is not step
    assert make_step(FeedForward((3, 4, 2)), *settings, clip_norm=1.0) is not step
