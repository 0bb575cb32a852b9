"""The types that YAML 1.2 has, for reading and for writing."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

import yaml

from mtsmart.text.escaping import is_visible

MAX_NODES = 100_000


class TooMany(Exception):
    """A document has more nodes than are allowed; ``args`` are the line."""


class Resolver(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's core schema in place of 1.1's implicit types, and with a largest number of nodes."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (declared so by the base)
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.nodes += 1
        if self.nodes > 2 * MAX_NODES:  # Keys are nodes too.
            raise TooMany(self.line + 1)
        return super().compose_node(parent, index)


_SCALARS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
)


class Dumper(yaml.SafeDumper):
    """SafeDumper that also quotes text which only YAML 1.2's core schema reads as something else (1e5)."""


for _side in (Resolver, Dumper):
    for _name, _pattern, _first in _SCALARS:
        _side.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # YAML has escapes only between double quotes.
    style = None if all(map(is_visible, text.replace("\n", ""))) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, _represent_text)
Dumper.add_multi_representer(PurePath, lambda dumper, path: _represent_text(dumper, str(path)))


def flow_text(data: Any) -> str:
    """The YAML of a list or a mapping on one line."""
    return yaml.dump(
        data, Dumper=Dumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf")
    ).strip()
