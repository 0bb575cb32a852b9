"""Write docs/api.md: the public names of mtsmart, from their docstrings.

python docs/make_api.py            # write it
python docs/make_api.py --check    # exit 1 if it is not up to date
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import mtsmart

PAGE = Path(__file__).with_name("api.md")
INTRODUCTION = """# Python interface

All public names of `mtsmart`. [mtsmart in Python](python.md) shows how they are used, and
[Extending mtsmart](extending.md) has the classes that a package of your own extends. Written by
`python docs/make_api.py`.
"""
_WIDEST = 100  # characters of a signature on one line
_TITLES = {"Args": "Arguments", "Attributes": "Attributes", "Returns": "Returns", "Raises": "Raises"}
_SECTION = re.compile(rf"^({'|'.join(_TITLES)}):$")
_ENTRY = re.compile(r"^ {4}(?P<name>[*\w][^:]*): (?P<text>.*)$")
_NAMED = ("Args", "Attributes", "Raises")


def main() -> int:
    """Write the page, or check it."""
    text = page()
    if "--check" in sys.argv:
        return int(not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for name in mtsmart.__all__:
        parts += [f"## {name}", *_entry(name, getattr(mtsmart, name))]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _entry(name: str, found: Any) -> Iterator[str]:
    if not inspect.isclass(found):
        yield from _described(name, found)
        return
    yield from _text(inspect.getdoc(found) or "")
    if issubclass(found, BaseModel):
        yield "Its attributes are the keys of [a task file](reference.md#a-task-file)."
    for method, member in vars(found).items():
        if method.startswith("_"):
            continue
        if isinstance(member, property):
            yield f"### {name}.{method}"
            yield from _text(inspect.getdoc(member.fget) or "")
        elif inspect.isfunction(member):
            yield f"### {name}.{method}"
            yield from _described(method, member)


def _described(name: str, function: Callable[..., Any]) -> Iterator[str]:
    yield f"```python\n{_signature(name, function)}\n```"
    yield from _text(inspect.getdoc(function) or "")


def _signature(name: str, function: Callable[..., Any]) -> str:
    """A call with types and defaults, as a reader types it: without ``self``."""
    signature = inspect.signature(function)
    parts: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
            parts.append("*")
        if parameter.name != "self":
            parts.append(_parameter(parameter))
    returned = f" -> {signature.return_annotation}"
    line = f"{name}({', '.join(parts)}){returned}"
    if len(line) <= _WIDEST:
        return line
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){returned}"])


def _parameter(parameter: inspect.Parameter) -> str:
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    text = f"{star}{parameter.name}: {parameter.annotation}"
    if parameter.default is parameter.empty:
        return text
    return f"{text} = {_value(parameter.default)}"


def _value(default: Any) -> str:
    """A default as a reader would write it."""
    if inspect.isfunction(default):
        return "..."
    return repr(default.value if isinstance(default, Enum) else default)


def _text(docstring: str) -> Iterator[str]:
    """A docstring as Markdown; its sections become lists."""
    section = ""
    lines: list[str] = []
    for line in [*docstring.splitlines(), "Raises:"]:
        begins = _SECTION.match(line)
        if begins is None:
            lines.append(line)
            continue
        body = _marked("\n".join(lines).strip("\n"))
        if body:
            yield f"**{_TITLES[section]}**\n\n{_list(section, body)}" if section else body
        section = begins[1]
        lines = []


def _list(section: str, body: str) -> str:
    """The entries of a section as a list; what follows the first line of an entry belongs to it."""
    if section not in _NAMED:
        return inspect.cleandoc(f"\n{body}")
    items: list[str] = []
    for line in body.splitlines():
        entry = _ENTRY.match(line)
        if entry is not None:
            names = ", ".join(f"`{name.strip()}`" for name in entry["name"].split(","))
            items.append(f"- {names}: {entry['text']}")
        elif line.strip():
            items.append(f"  {line.strip()}")
    return "\n".join(items)


def _marked(text: str) -> str:
    """The marks of docstrings as those of Markdown."""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")


if __name__ == "__main__":
    sys.exit(main())
