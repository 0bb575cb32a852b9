"""Packages whose entries cannot be used: each is one warning, and the others work."""

import warnings

import pytest

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.config.trackers import TRACKERS
from mtsmart.config.weightings import WEIGHTINGS
from mtsmart.errors import ConfigError, MtsmartWarning
from mtsmart.losses import CRITERIA, DIVERGENCES
from mtsmart.metrics import METRICS
from mtsmart.models.heads import HEADS
from mtsmart.models.transforms import TRANSFORMS
from mtsmart.registry import GROUPS, Registry, told_together
from mtsmart.task_types import TASK_TYPES

GROUP = "mtsmart.colours"


class Colours:
    """Installs packages with an entry of the group each, and lends the registry to their modules as ``colours.all``."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "colours.py").write_text(
            f"from mtsmart.registry import Registry\nall = Registry('colour', group={GROUP!r}, needs=['upper'])\n"
        )

    def install(self, package, entry, code, attribute="", more=""):
        """``more`` are further lines of the package's entry points."""
        module = f"{package}_module"
        (self.folder / f"{module}.py").write_text(f"from colours import all\n{code}\n")
        facts = self.folder / f"{package}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[{GROUP}]\n{entry} = {module}{attribute}\n{more}\n")

    @staticmethod
    def read() -> tuple[Registry, list[str]]:
        """The registry with all entries, and the warnings that this gave."""
        import colours

        return colours.all, told_by(lambda: list(colours.all))


def told_by(action) -> list[str]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", MtsmartWarning)
        action()
    return [str(each.message) for each in told]


@pytest.fixture
def colours(tmp_path, monkeypatch):
    import sys

    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield Colours(tmp_path)
    for name in set(sys.modules) - before:
        if name == "colours" or name.endswith("_module"):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("code", "attribute", "reason"),
    [
        ("raise RuntimeError('first line\\nsecond line')", "", "first line"),
        ("all.register('red')('half')\nraise RuntimeError('too late')", "", "too late"),
        ("raise SystemExit('left')", "", "left"),
        ("raise ValueError", "", "ValueError"),
        ("", "", "the module bad_module registers no colour of this name"),
        (
            "all.register('rot')('rot')",
            "",
            "the module bad_module registers no colour of this name, but 'rot'; name the entry point 'rot'",
        ),
        ("red = 3", ":red", "colour 'red' lacks upper"),
        ("", ":red", "module 'bad_module' has no attribute 'red'"),
    ],
)
def test_a_broken_package_is_one_warning_and_its_entry_is_missing(colours, code, attribute, reason):
    colours.install("bad", "red", code, attribute)
    colours.install("good", "green", "all.register('green')('green')")
    registry, told = colours.read()
    assert told == [f"the colour 'red' of the package bad cannot be used: {reason}"]
    assert registry["green"] == "green"
    with pytest.raises(ConfigError, match="unknown colour, got 'red'. The colour 'red' of the package bad cannot") as e:
        registry["red"]
    assert str(e.value).endswith(reason)


@pytest.mark.parametrize("name", ["red", "rot"])
def test_of_two_packages_with_the_same_entry_the_second_is_refused(colours, name):
    """Also if the second one's module registers another name."""
    colours.install("first", "red", "all.register('red')('red')")
    colours.install("second", "red", f"all.register({name!r})('other')")
    registry, told = colours.read()
    assert len(told) == 1
    assert told[0].endswith(
        "of the package second cannot be used: first has a colour of this name; the package must choose another"
    )
    assert registry["red"] == "red"


def test_what_a_module_registers_under_another_name_works_and_has_its_package(colours):
    colours.install("good", "green", "all.register('verde')('green')")
    registry, told = colours.read()
    assert registry["verde"] == "green" and "name the entry point 'verde'" in told[0]
    assert (registry.extension("verde").package, registry.extension("verde").version) == ("good", "1.0")


def test_several_broken_entries_of_a_package_are_one_warning_that_names_them(colours):
    more = "blue = bad_module\nteal = not_there\n"
    colours.install("bad", "red", "all.register('green')('green')", more=f"green = bad_module\n{more}")
    registry, told = colours.read()
    assert len(told) == 1
    assert told[0].startswith("the package bad has entries that cannot be used (colour 'blue', 'red', 'teal'); 'blue':")
    assert registry["green"] == "green"
    with pytest.raises(ConfigError, match="'teal' of the package bad cannot be used: No module named 'not_there'"):
        registry["teal"]


@pytest.mark.parametrize("together", [True, False])
def test_a_package_with_broken_entries_of_two_kinds_is_one_warning(colours, together):
    colours.install("bad", "red", "raise RuntimeError('no')", more="[mtsmart.shapes]\nround = bad_module\n")
    import colours as module

    shapes = Registry("shape", group="mtsmart.shapes")

    def read():
        list(module.all)
        list(shapes)

    def read_together():
        with told_together():
            read()

    (text,) = told_by(read_together if together else read)
    assert "colour 'red'" in text and ("shape 'round'" in text) is together
    assert shapes.reason_missing("round") == "The shape 'round' of the package bad cannot be used: no"


@pytest.mark.parametrize(
    ("group", "hint"),
    [
        ("mtsmart.regularisers", "did you mean 'mtsmart.regularizers'?"),
        ("mtsmart.xyz", "the groups are mtsmart.divergences, mtsmart.heads, "),
    ],
)
def test_a_group_of_another_name_is_one_warning_that_names_the_nearest(colours, group, hint):
    more = f"[{group}]\nmine = good_module\nyours = good_module\n[other.{group}]\nmine = good_module"
    colours.install("good", "green", "all.register('green')('green')", more=more)
    registry, told = colours.read()
    assert registry["green"] == "green"
    (text,) = told
    start = "the package good has entry points in a group that mtsmart does not know"
    assert text.startswith(f"{start}, '{group}': {hint}")
    assert told_by(lambda: list(Registry("shape", group="mtsmart.shapes"))) == []


def test_the_known_groups_are_those_of_the_registries():
    kinds = (REGULARIZERS, TASK_TYPES, HEADS, CRITERIA, DIVERGENCES, METRICS, WEIGHTINGS, TRANSFORMS, TRACKERS)
    assert {registry.group: registry.kind for registry in kinds} == GROUPS


def test_the_module_of_a_package_may_be_imported_before_the_registry_is_read(colours):
    colours.install("good", "green", "all.register('green')('green')")
    import good_module  # noqa: F401

    registry, told = colours.read()
    assert told == [] and registry["green"] == "green"
    assert registry.extension("green").package == "good"


def test_an_entry_that_fits_something_is_not_offered_if_its_package_is_broken(colours):
    colours.install("bad", "red", "all.register('red', fits=['car'])('red')\nraise RuntimeError('too late')")
    registry, _ = colours.read()
    assert registry.fitting("car") == []


@pytest.mark.parametrize("registry", [HEADS, CRITERIA, DIVERGENCES, METRICS], ids=lambda registry: registry.kind)
def test_what_is_called_must_be_callable(registry):
    with pytest.raises(ValueError, match=f"{registry.kind} 'broken' lacks __call__"):
        registry.register("broken")(3)
    assert "broken" not in registry
