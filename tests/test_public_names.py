"""The public names: imported at first use, and known to editors and type checkers all the same."""

import ast
import inspect
from importlib import metadata
from pathlib import Path

import mtsmart


def names_for_type_checkers():
    """Public name -> the module from which a type checker takes it."""
    tree = ast.parse(Path(mtsmart.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert all(alias.name == alias.asname for node in imports for alias in node.names)
    return {alias.name: node.module for node in imports for alias in node.names}


def test_type_checkers_see_every_public_name():
    """Without them each name would be of the type Any, and no wrong argument would be found."""
    told = names_for_type_checkers()
    assert sorted(told) == sorted(mtsmart.__all__)
    for name, module in told.items():
        assert inspect.getmodule(getattr(mtsmart, name)).__name__ == module


def test_the_version_is_that_of_the_installed_package():
    assert mtsmart.__version__ == metadata.version("mtsmart")
    assert {*mtsmart.__all__, "__version__"} == set(dir(mtsmart))
