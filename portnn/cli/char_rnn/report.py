"""What a training run prints: samples on the way and a report at the end."""

from __future__ import annotations

import math
import shlex

from portnn.cli.options import print_json
from portnn.cli.ranks import by_first
from portnn.cli.runs import draw_curve
from portnn.estimators import CharRNN
from portnn.text import tokenizer
from portnn.training import RunFolder, StepEvent, say


class SampleCallback:
    """Show a text sample at intervals. It has its own seed, so it does not change the run."""

    def __init__(self, model: CharRNN, every: int) -> None:
        self.model, self.every = model, every

    def __call__(self, event: StepEvent) -> None:
        """Show a sample if one is due."""
        if event.step % self.every == 0:
            self.model.params = event.params
            text = self.model.sample(200, temperature=0.7, seed=event.step)
            say("  | " + text.strip().replace("\n", "\n  | "))


@by_first
def report(model: CharRNN, folder: RunFolder, as_json: bool) -> None:
    """Report what a run learned, how fast, where its files are and how to sample."""
    run, unit = model.history, tokenizer(model.settings.level).noun
    assert run is not None
    best = folder.best if folder.best.exists() else None
    bits = None if run.held_out_loss is None else run.held_out_loss / math.log(2.0)
    drawn, trouble = draw_curve(folder, folder.metrics, title="Character RNN")
    command = shlex.join(
        ["portnn", "char-rnn", "sample", str(best or folder.last), "--length", "500", "--temperature", "0.7"]
    )
    if as_json:
        print_json(
            {
                "steps": run.step,
                "held_out_nats": run.held_out_loss,
                "held_out_bits": bits,
                "best_held_out_nats": run.best_held_out_loss,
                "unit": unit,
                "tokens_per_second": run.tokens_per_second,
                "seconds": run.seconds,
                "checkpoint": str(folder.last),
                "best_checkpoint": best and str(best),
                "metrics": str(folder.metrics),
                "loss_curve": str(folder.curve) if drawn else None,
                "sample_command": command,
            }
        )
        return
    if bits is None:
        print("learned     not measured: too little text was held out")
    else:
        print(
            f"learned     {run.held_out_loss:.3f} nats, {bits:.3f} bits per {unit} on held-out text "
            f"(best {run.best_held_out_loss:.3f} nats)"
        )
    print(f"speed       {run.tokens_per_second:,.0f} {unit}s/s over {run.seconds:.0f} s of training, {run.step} steps")
    print(f"checkpoint  {folder.last}" + (f", lowest held-out loss {best}" if best else ""))
    print(f"metrics     {folder.metrics}")
    print(f"loss curve  {folder.curve if drawn else trouble}")
    print(f"sample      {command}")
