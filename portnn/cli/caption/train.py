"""`portnn caption train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.caption.digit_captions import DigitFiles, write_digits
from portnn.cli.caption.messages import in_options
from portnn.cli.caption.report import report
from portnn.cli.caption.row_files import ROWS, Array
from portnn.cli.caption.training_captions import CAPTIONS, TrainingCaptions, in_short, of_files
from portnn.cli.checkpoints import checkpoint_of, load_model
from portnn.cli.declared_options import with_options
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.reading import Encoding
from portnn.cli.runs import Out, Overwrite, Resume, choose, recipe_help
from portnn.estimators import Captioner, ConvNet, load
from portnn.training import RunFolder

HELD_OUT = 0.1
"""Fraction of the images that is held out, unless that is said."""


@with_options(Captioner.SETTINGS, Captioner.RUN)
def train(
    features: Annotated[
        Path | None, typer.Argument(help=ROWS, show_default="digits that portnn captions, by the recipe digits")
    ] = None,
    captions: Annotated[Path | None, typer.Argument(help=CAPTIONS)] = None,
    *,
    given: dict[str, Any],
    net: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint or run's folder of portnn conv train: learn from images, through this network, which is "
            "trained along. Without files: the network of digits, otherwise trained first."
        ),
    ] = None,
    array: Array = None,
    encoding: Encoding = None,
    held_out: Annotated[
        float | None,
        typer.Option(
            help="Fraction of the images that is measured and not trained on, with all their captions; by it the best "
            f"checkpoint is chosen. [default: {HELD_OUT}]",
            metavar="<float>",
        ),
    ] = None,
    recipe: Annotated[str | None, typer.Option(help=recipe_help(Captioner))] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    out: Out = Path("portnn-out"),
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Train a recurrent network that says in words what images show, and report what it learned.

    Example: portnn caption train features.npz captions.tsv --patience 3 --out speaker

    Example: portnn caption train pictures/ captions.tsv --net net --out speaker
    """
    if features is not None and captions is None:
        raise typer.BadParameter("give a file of captions, too: portnn caption train features.npz captions.tsv")
    if features is None and (array or encoding):
        raise typer.BadParameter(f"--{'array' if array else 'encoding'} says how to read a file, so give one too")
    folder = RunFolder(out)
    recipe = recipe or (None if features else "digits")
    if held_out is not None:
        given["held_out"] = held_out
    with in_options(the_features_have=f"{features} has"):
        chosen = choose(Captioner, given, folder, recipe=recipe, resume=resume, overwrite=overwrite)
        run, saved = chosen.run, chosen.saved
        run.setdefault("held_out", HELD_OUT)
        Captioner.RUN(**run)  # what makes no sense is refused before anything is read
        place = {"backend": backend, "device": device, **({} if dtype is None else {"dtype": dtype})}
        model = Captioner(**{**chosen.model, **place})
        network = None
        if net is not None:
            net = checkpoint_of(net)
            network = load_model(net, ConvNet, backend="numpy", device=None, dtype=None)
        through = network if features else None
        if saved and through is None:
            model = _continued(model, folder)
        if features is not None and captions is not None:
            data = of_files(model, through, features, captions, array, encoding)
        else:
            data = _digits(model, folder, network, str(net), anew=not resume)
        print(f"{described(model, through)} on {model.backend}: {in_short(data)}", file=sys.stderr)
        model.fit(data.rows, data.captions, **run, features=through, out=out, resume=resume, overwrite=overwrite)
    report(model, folder, run, data, array=array, as_json=as_json)


def _continued(model: Captioner, folder: RunFolder) -> Captioner:
    """The model of a run to resume, which knows its network, with the settings that were asked for."""
    settings = model.settings
    continued: Captioner = load(folder.last, backend=model.backend or "numpy")
    continued.settings = settings
    return continued


def _digits(model: Captioner, folder: RunFolder, net: ConvNet | None, name: str, *, anew: bool) -> TrainingCaptions:
    """Captioned digits, in files beside the run; a resumed run finds them there."""
    files = DigitFiles.beside(folder)
    if anew or not files.exist:
        write_digits(files, net, name)
    return of_files(model, None, files.features, files.captions, None, None)._replace(digits=True)


def described(model: Captioner, net: ConvNet | None) -> str:
    """Architecture in a few words."""
    settings = model.settings
    layers = f"{settings.num_layers} layers of " if settings.num_layers > 1 else ""
    through = ", through a convolutional network" if net or model.image_input else ""
    return f"{settings.cell}, {layers}{settings.hidden_size} units, words of {settings.embedding_size} entries{through}"
