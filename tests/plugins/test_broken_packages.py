"""Packages whose entries cannot be used: each is one warning, and the others work."""

import warnings

import pytest

import mtsmart
from mtsmart.errors import ConfigError, MtsmartWarning
from mtsmart.losses import CRITERIA, DIVERGENCES
from mtsmart.metrics import METRICS
from mtsmart.models.adapters import read_adapters
from mtsmart.models.heads import HEADS
from mtsmart.models.transforms import TRANSFORMS
from mtsmart.registry import Registry

GROUP = "mtsmart.colours"


class Colours:
    """Installs packages with an entry of the group each, and lends the registry to their modules as ``colours.all``."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "colours.py").write_text(
            f"from mtsmart.registry import Registry\nall = Registry('colour', group={GROUP!r}, needs=['upper'])\n"
        )

    def install(self, package, entry, code, attribute=""):
        module = f"{package}_module"
        (self.folder / f"{module}.py").write_text(f"from colours import all\n{code}\n")
        facts = self.folder / f"{package}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[{GROUP}]\n{entry} = {module}{attribute}\n")

    @staticmethod
    def read() -> tuple[Registry, list[str]]:
        """The registry with all entries, and the warnings that this gave."""
        import colours

        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", MtsmartWarning)
            list(colours.all)
        return colours.all, [str(each.message) for each in told]


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
        ("all.register('rot')('rot')", "", "the module bad_module registers no colour of this name"),
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


def test_the_module_of_a_package_may_be_imported_before_the_registry_is_read(colours):
    colours.install("good", "green", "all.register('green')('green')")
    import good_module  # noqa: F401

    registry, told = colours.read()
    assert told == [] and registry["green"] == "green"


def test_an_entry_that_fits_something_is_not_offered_if_its_package_is_broken(colours):
    colours.install("bad", "red", "all.register('red', fits=['car'])('red')\nraise RuntimeError('too late')")
    registry, _ = colours.read()
    assert registry.fitting("car") == []


@pytest.mark.parametrize("registry", [HEADS, CRITERIA, DIVERGENCES, METRICS], ids=lambda registry: registry.kind)
def test_what_is_called_must_be_callable(registry):
    with pytest.raises(ValueError, match=f"{registry.kind} 'broken' lacks __call__"):
        registry.register("broken")(3)
    assert "broken" not in registry


CONFIG = "name: run\ntasks: {color: {}}\nencoder:\n  path: x\n  gone: {rank: 4}\n"


def test_a_run_whose_package_is_gone_says_so(tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG)
    with pytest.raises(mtsmart.MtsmartError) as error:
        mtsmart.load(tmp_path)
    place = f"{tmp_path / 'config.yaml'}:5: encoder.gone: unknown key"
    missing = "No installed package has a transform of the encoder of this name. Choose from: "
    assert str(error.value).startswith(f"{place}. {missing}")


def test_a_run_whose_package_is_broken_says_why(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text(CONFIG)
    reason = "The transform of the encoder 'gone' of the package extras cannot be used: no module named 'extras'"
    list(TRANSFORMS)
    monkeypatch.setitem(TRANSFORMS._broken, "gone", reason)
    with pytest.raises(mtsmart.MtsmartError, match=f"encoder.gone: unknown key. {reason}$"):
        mtsmart.load(tmp_path)
    (tmp_path / "adapters.json").write_text('{"gone": {"rank": 4}}')
    with pytest.raises(mtsmart.MtsmartError, match=f"adapters.json: there is no such adapter, got 'gone'. {reason}$"):
        read_adapters(tmp_path)
