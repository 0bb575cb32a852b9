"""The registry and the one error form."""

import sys
import types

import pytest

from mtsmart.errors import ConfigError, did_you_mean, reason_in, shorten
from mtsmart.registry import Registry


def test_registry_finds_and_suggests():
    colors: Registry[int] = Registry("color")
    colors.register("crimson")(1)
    assert colors["crimson"] == 1
    assert list(colors) == ["crimson"]
    with pytest.raises(ConfigError, match=r"unknown color, got 'crimsen'\. Did you mean 'crimson'\?"):
        colors["crimsen"]
    with pytest.raises(ValueError, match="registered twice"):
        colors.register("crimson")(2)


def test_a_registry_finds_entries_in_several_folders(tmp_path, monkeypatch):
    for folder, name in (("first_room", "circle"), ("first_room/inner", "square")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("")
        (tmp_path / folder / f"{name}.py").write_text(f"import shapes\nshapes.SHAPES.register({name!r})({name!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = types.ModuleType("shapes")
    module.SHAPES = Registry("shape", folder="first_room", folders=["first_room.inner"])
    monkeypatch.setitem(sys.modules, "shapes", module)
    assert "square" in module.SHAPES and module.SHAPES["square"] == "square"
    assert sorted(module.SHAPES) == ["circle", "square"]


def test_error_text_names_place_value_and_hint():
    error = ConfigError("is wrong", file="a.yaml", line=3, key="x.y", value=1, hint="Use 2")
    assert str(error) == "a.yaml:3: x.y: is wrong, got 1. Use 2"


def test_error_text_shortens_long_values():
    assert len(str(ConfigError("is wrong", value="x" * 10_000))) < 120


def test_error_text_is_one_line_whatever_a_name_holds():
    error = ConfigError(
        "unknown key", file="a\x1b[2Jb.yaml", key="optimizer.s\ncosine", hint=did_you_mean("\r", ["é\u2028"])
    )
    assert str(error) == r"a\x1b[2Jb.yaml: optimizer.s\ncosine: unknown key. Choose from: é\u2028"


def test_hint_lists_choices_when_none_is_near():
    assert did_you_mean("zzz", ["linf", "l2"]) == "Choose from: l2, linf"
    assert did_you_mean("LINF", ["linf", "LINT"]) == "Did you mean 'linf'?"
    assert did_you_mean("LIFN", ["linf", "l2"]) == "Did you mean 'linf'?"
    assert did_you_mean("zzz", ["b/a", "c", "a/b"]) == "Choose from: c, a/b, b/a"
    assert did_you_mean("zzz", ["linf"], ["cosine"]) == "Choose from: linf"
    assert did_you_mean("cosin", ["linf"], ["cosine"]) == "Did you mean 'cosine'?"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\nb", "a"),
        ("Error(s) in loading:\n\tsize mismatch\nmore", "Error(s) in loading: size mismatch"),
        ("", "ValueError"),
        ("\n here", "here"),
        ("ends:", "ends:"),
    ],
)
def test_the_reason_in_an_error_is_whole(text, reason):
    assert reason_in(ValueError(text)) == reason


def test_of_a_long_path_the_end_is_shown_too():
    shown = shorten("/tmp/" + "a" * 100 + "/c.md")
    assert len(shown) == 80 and shown.startswith("'/tmp/aaa") and shown.endswith("aaa/c.md'")
    assert shorten("no path " * 20) == "'" + ("no path " * 20)[:76] + "..."
