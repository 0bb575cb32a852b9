"""Mistakes on the command line itself, such as a flag that there is not, as one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer

from mtsmart.errors import ConfigError

# typer names only what is derived from it. So a mistake of each kind is caught, with any version of typer.
_UsageError: Any = typer.BadParameter.__base__
_NAMES_OF_FILES = ("config", "config_file", "cfg", "yaml", "file")
"""What other tools call the flag for an experiment."""


def called(command: Callable[..., Any], arguments: Sequence[str]) -> int:
    """The exit code of a command.

    Args:
        command: of typer.
        arguments: the words after the program's name, for messages.

    Raises:
        ConfigError: they are not what the command takes.
    """
    try:
        code = command(standalone_mode=False)
    except typer.Abort:
        return 1
    except _UsageError as error:
        text = error.format_message()
        if "\n" in text:  # the help, for a command without arguments
            error.show()
            return int(error.exit_code)
        message, meant, rest = text.partition(" Did you mean")
        hint = f"{_without_flag(error, arguments) or meant + rest} {_where_to_look(error, arguments)}".strip()
        raise ConfigError(f"{message.rstrip('.')}{_got(error, arguments)}", hint=hint) from None
    return code if isinstance(code, int) else 0


def _got(error: Any, arguments: Sequence[str]) -> str:
    """The value of the flag that is wrong, as far as it can be found; of a flag that is repeated, the last one."""
    if type(error) is not typer.BadParameter:  # What is missing has no value.
        return ""
    flags = [flag for flag in getattr(error.param, "opts", ()) if flag.startswith("-")]
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    for word, following in reversed(list(pairs)):
        flag, has_value, value = word.partition("=")
        if flag in flags:
            return f", got {value if has_value else following!r}"
    return ""


def _without_flag(error: Any, arguments: Sequence[str]) -> str | None:
    """What to write for a flag that is a setting, or the name of an argument; None for any other."""
    flag = getattr(error, "option_name", None)
    if flag is None or error.ctx is None:
        return None
    parameters = {each.name: each for each in error.ctx.command.params}
    name = flag.lstrip("-").replace("-", "_")
    argument = parameters.get(name)
    if name in _NAMES_OF_FILES:
        argument = parameters.get("experiment") or parameters.get("file")
    if argument is not None and argument.param_type_name == "argument":
        return f"Write {argument.metavar or str(argument.name).upper()} alone, without {flag}."
    if "overrides" not in parameters:
        return None
    from mtsmart.config.hints.other_names import setting_called  # not for every start
    from mtsmart.config.sections import RunConfig

    key = setting_called(RunConfig, name)
    return None if key is None else f"Write {key}={_value_of(flag, arguments)}, without dashes."


def _value_of(flag: str, arguments: Sequence[str]) -> str:
    """The value that follows a flag, or a word that stands for it."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, has_value, value = word.partition("=")
        if name == flag:
            is_other = following.startswith("-") or "=" in following
            return value or (following if following and not has_value and not is_other else "VALUE")
    return "VALUE"


def _where_to_look(error: Any, arguments: Sequence[str]) -> str:
    """The command whose help says what is right."""
    if error.ctx is not None:
        return f"See {error.ctx.command_path} --help"
    named = [word for word in arguments[:1] if not word.startswith("-")]
    return f"See {' '.join(['mtsmart', *named])} --help"
