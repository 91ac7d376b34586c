"""Messages in terms of the command line: arguments of Python by their options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from portnn.estimators import Captioner
from portnn.estimators.captioner_settings import GenerateSettings
from portnn.settings import declared

SAID = {
    "`partial` leaves them out": "--partial leaves them out",
    "say with name which array is to be read": "say with --array which one is to be read",
    "say with images and labels which arrays are to be read": "say with --array which one is to be read",
    "but name is": "but --array is",
    "but images is": "but --array is",
    "a beam follows the likeliest captions and a temperature draws": "--beam follows the likeliest captions and "
    "--temperature draws",
    "so give a temperature, too": "so give --temperature, too",
}
"""What messages advise in Python, and on the command line."""

NAMES = {name for kind in (Captioner.SETTINGS, Captioner.RUN, GenerateSettings) for name in declared(kind)}
"""Arguments that are options."""

LONG = "|".join(sorted(name for name in NAMES if "_" in name))
SHORT = "|".join(sorted(name for name in NAMES if "_" not in name))
PATTERN = re.compile(rf"(?<![\w./\\-])(?:(?:{LONG})(?![\w./\\-])|(?:{SHORT})(?= must | is \d))")
"""Arguments in a message: long names are no words of English, and others are meant if something is said of them."""


@contextmanager
def in_options(**names: str) -> Iterator[None]:
    """Raise a ValueError or TypeError again in terms of the command line.

    Parameters
    ----------
    **names : str
        Other words to exchange: ``the_features="new.npz"`` for "the features".
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        said = str(error)
        text = said
        for argument, option in SAID.items():
            text = text.replace(argument, option)
        for word, name in names.items():
            text = text.replace(word.replace("_", " "), name)
        text = PATTERN.sub(lambda found: "--" + found[0].replace("_", "-"), text)
        if text == said:
            raise
        raise ValueError(text) from error
