"""Files that the settings of a method name, for the experiment and for single tasks: where they lie, and who learns of
them.
"""

from pathlib import Path
from typing import Annotated

import pytest
import yaml
from pydantic import Field

import mtsmart
from mtsmart.config.loader import load_experiment
from mtsmart.hub.card import CardFacts
from mtsmart.hub.content import content_of
from mtsmart.regularizers import REGULARIZERS, MethodSettings, MethodText, Regularizer
from mtsmart.runs.folder import RunFolder
from mtsmart.sweeps.plan import definitions_of
from mtsmart.sweeps.work.fingerprint import fingerprint

TEXT = MethodText(title="Toy", formula="f", paper="none", cost="none", use="tests", evidence="none")


Lenient = Annotated[Path, Field(strict=False)]  # also from a text, as YAML has it


class WordSettings(MethodSettings):
    """Files of several types."""

    weight: float = 1.0
    words: Lenient
    more: list[Lenient] | None = None
    table: str = ""
    name: str = ""


class Words(Regularizer[WordSettings]):
    """Adds nothing."""

    Settings = WordSettings
    text = TEXT
    per_task = True
    paths = ("table",)

    def term(self, clean, settings):
        return None


@pytest.fixture
def written(workspace, monkeypatch):
    """The folder of an experiment whose method has files, for all tasks, for one in each of the two files."""
    (workspace.folder / "elsewhere").mkdir()
    monkeypatch.chdir(workspace.folder / "elsewhere")
    text = workspace.experiment.read_text()
    document = yaml.safe_load(text)
    document.pop("smart", None)
    document.pop("mbpp", None)
    document["words"] = {"words": "all.txt"}
    document["tasks"] = {
        "color": {"words": {"words": "color.txt", "more": ["a.txt", "~/b.txt"], "name": "./n"}},
        "near": {},
    }
    document["task_files"] = [str(workspace.tasks)]
    workspace.experiment.write_text(yaml.safe_dump(document))
    tasks = yaml.safe_load(workspace.tasks.read_text())
    tasks["near"]["words"] = {"words": "near.txt", "table": "../t.csv"}
    workspace.tasks.write_text(yaml.safe_dump(tasks))
    with REGULARIZERS.lending({"words": Words}):
        yield workspace


def sections(config, definitions):
    return {"all": config.parts["words"], **{name: each.parts["words"] for name, each in definitions.items()}}


def test_files_of_a_method_lie_beside_the_file_that_names_them(written):
    experiment = load_experiment(written.experiment, ["tasks.color.words.table=c.csv"])
    found = sections(experiment.config, definitions_of(experiment, None))
    here = written.folder
    assert found["all"].words == here / "all.txt"
    assert found["color"].words == here / "color.txt"
    assert found["color"].more == [here / "a.txt", Path.home() / "b.txt"]
    assert (found["color"].table, found["color"].name) == (str(here / "elsewhere" / "c.csv"), "./n")
    assert (found["near"].words, found["near"].table) == (here / "near.txt", str(here.parent / "t.csv"))
    assert len(fingerprint(experiment, definitions_of(experiment, None))) == 64


def test_files_of_a_method_are_not_told_on_the_hub(written):
    run = mtsmart.train(written.experiment, ["training.max_updates=1"], output_dir=written.folder / "run").path
    assert str(written.folder) in RunFolder(run).document().data["tasks"]["color"]["words"]["words"]
    files = content_of(run, CardFacts("ada/words")).files
    sent = yaml.safe_load(files["config.yaml"])
    assert sent["tasks"]["color"]["words"] == {"words": "color.txt", "more": ["a.txt", "b.txt"], "name": "./n"}
    assert sent["words"]["words"] == "all.txt" and sent["tasks"]["near"]["words"]["table"] == "t.csv"
    texts = b"".join(each for each in files.values() if isinstance(each, bytes))
    assert str(written.folder).encode() not in texts and str(Path.home() / "b.txt").encode() not in texts
