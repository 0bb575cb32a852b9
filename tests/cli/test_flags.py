"""Errors name Python's arguments below the command line, and its flags on it."""

import re
from pathlib import Path

import pytest

import mtsmart
from mtsmart.cli.flags import FLAGS, in_flags
from mtsmart.errors import ConfigError

PACKAGE = Path(mtsmart.__file__).parent


@pytest.mark.parametrize(
    ("error", "text", "shown"),
    [
        (
            ConfigError("is taken", argument="output_dir", value="x", hint="Use `resume=True`, or name another"),
            "output_dir: is taken, got 'x'. Use `resume=True`, or name another",
            "--output-dir: is taken, got 'x'. Use --resume, or name another",
        ),
        (
            ConfigError("no such task", argument="task", value="x", hint="Export its own: `task=color`"),
            "task: no such task, got 'x'. Export its own: `task=color`",
            "--task: no such task, got 'x'. Export its own: --task color",
        ),
        (ConfigError("is a column", key="task", file="x.csv"), "x.csv: task: is a column", "x.csv: task: is a column"),
        (ConfigError("is odd", argument="strange", hint="See `b=1`"), "strange: is odd. See `b=1`",
         "strange: is odd. See `b=1`"),
        (ConfigError("is `task=x` of the user"), "is `task=x` of the user", "is `task=x` of the user"),
    ],
)  # fmt: skip
def test_an_argument_is_shown_as_its_flag(error, text, shown):
    assert str(error) == text
    assert in_flags(error) == shown


def test_an_error_keeps_its_argument_when_it_gets_a_place():
    assert str(ConfigError("is odd", argument="task").at("x.csv", 3)) == "x.csv:3: task: is odd"


def test_every_argument_that_an_error_names_has_a_flag():
    texts = [path.read_text() for path in PACKAGE.rglob("*.py")]
    named = {name for text in texts for name in re.findall(r'argument="([^"]+)"', text)}
    only_in_python = {"device", "rows"}
    assert {"output_dir", "task", "allow_changes", "output"} <= named - only_in_python <= set(FLAGS)
