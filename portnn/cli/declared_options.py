"""Command-line options from declared settings: name, type, range, default and sentence."""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from portnn.backends import seed_of
from portnn.settings import Alias, Flags, Setting, Settings, brief, own_first, shown_default

NONE = "none"
"""How None is written on the command line."""

METAVARS = {int: "<int>", float: "<float>"}
"""What help calls the values of an option."""


def parser(setting: Setting) -> Callable[[Any], Any]:
    """Make the function that reads a number, several comma-separated numbers, or text.

    "none" means None for a setting that may be None. Other values are left for the setting to check.
    """
    kind = setting.kinds[0]
    several = typing.get_origin(kind) is tuple

    def parse(written: Any) -> Any:
        text = str(written).strip()
        if text.lower() == NONE and (setting.optional or several):
            return () if several else Nothing
        try:
            if several:
                return tuple(int(piece) for piece in text.split(","))
            return kind(text) if kind in (int, float) else written
        except ValueError:
            if str in setting.kinds:  # or a word
                return text
            expected = "whole numbers such as 50,50" if several else "a whole number" if kind is int else "a number"
            raise typer.BadParameter(f"{brief(written)} is not {expected}") from None

    return parse


class Nothing:
    """A written none; None itself stands for an option that was not given."""


def settle_seed(given: dict[str, Any]) -> None:
    """Draw the seed that ``--seed none`` asks for, and say which it is."""
    if "seed" in given and given["seed"] is None:
        given["seed"] = seed_of(None)
        print(f"seed {given['seed']}", file=sys.stderr)


def with_options(*kinds: type[Settings]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of declared settings; its parameter `given` receives those on the command line.

    Settings for which the command has its own parameter are left to it.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = [parameter for parameter in _signature(command) if parameter.name != "given"]
        taken = {parameter.name for parameter in own}
        settings = {
            setting.name: setting
            for kind in kinds
            for setting in own_first(kind)
            if not setting.transient and setting.name not in taken
        }

        @functools.wraps(command)
        def call(**arguments: Any) -> Any:
            given = {name: arguments.pop(name) for name in settings}
            given = {name: value for name, value in given.items() if value is not None}
            given = {name: None if value is Nothing else value for name, value in given.items()}
            return command(**arguments, given=given)

        options = [_option(setting) for setting in settings.values()]
        first = [parameter for parameter in own if parameter.default is inspect.Parameter.empty]
        rest = [parameter for parameter in own if parameter.default is not inspect.Parameter.empty]
        arguments = [parameter for parameter in rest if _is_argument(parameter)]
        others = [parameter for parameter in rest if not _is_argument(parameter)]
        parameters = [*first, *arguments, *options, *others]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return call

    return decorate


def _signature(command: Callable[..., Any]) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(command, include_extras=True)
    parameters = inspect.signature(command).parameters.values()
    return [
        parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in parameters
    ]


def _is_argument(parameter: inspect.Parameter) -> bool:
    marks = typing.get_args(parameter.annotation)[1:]
    return any(isinstance(mark, typer.models.ArgumentInfo) for mark in marks)


def _option(setting: Setting) -> inspect.Parameter:
    flags = setting.mark(Flags)
    name = setting.name.replace("_", "-")
    help_text = f"{_sentence(setting)}{_default(setting)}"
    annotation: Any
    if setting.kinds == (bool,):
        names = f"{flags.on}/{flags.off}" if flags else f"--{name}/--no-{name}"
        annotation = Annotated[bool | None, typer.Option(names, help=help_text, show_default=False)]
    else:
        alias = setting.mark(Alias)
        spellings = (f"--{name}", *([alias.option] if alias else []))
        metavar = METAVARS.get(setting.kinds[0], "<ints>" if typing.get_origin(setting.kinds[0]) is tuple else "<str>")
        option = typer.Option(*spellings, help=help_text, show_default=False, parser=parser(setting), metavar=metavar)
        annotation = Annotated[Any, option]
    return inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _sentence(setting: Setting) -> str:
    """The declared sentence for a terminal, with the names to choose from."""
    sentence = setting.sentence.replace("`", "").replace("None", NONE)
    return f"{sentence} ({', '.join(setting.choices)})" if setting.choices else sentence


def _default(setting: Setting) -> str:
    shown = shown_default(setting)
    if shown is None or setting.default == "":
        return ""
    flags = setting.mark(Flags)
    if setting.kinds == (bool,):
        on, off = (flags.on, flags.off) if flags else (setting.name, f"no-{setting.name}")
        shown = (on if setting.default else off).removeprefix("--").replace("_", "-")
    elif isinstance(setting.default, tuple):
        shown = ",".join(map(str, setting.default)) or NONE
    elif isinstance(setting.default, str):
        shown = setting.default
    return f" [default: {NONE if shown == 'None' else shown}]"
