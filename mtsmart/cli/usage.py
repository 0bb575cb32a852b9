"""Mistakes on the command line itself, such as a flag that there is not, as one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer

from mtsmart.errors import ConfigError

# typer names only what is derived from it. So a mistake of each kind is caught, with any version of typer.
_UsageError: Any = typer.BadParameter.__base__


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
        hint = f"{meant}{rest} {_where_to_look(error)}".strip()
        raise ConfigError(f"{message.rstrip('.')}{_got(error, arguments)}", hint=hint or None) from None
    return code if isinstance(code, int) else 0


def _got(error: Any, arguments: Sequence[str]) -> str:
    """The value of the flag that is wrong, as far as it can be found."""
    flags = getattr(getattr(error, "param", None), "opts", ())
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        flag, _, value = word.partition("=")
        if flag in flags and (value or following):
            return f", got {value or following!r}"
    return ""


def _where_to_look(error: Any) -> str:
    context = error.ctx
    return "" if context is None else f"See {context.command_path} --help"
