"""Runs of earlier versions have labels by their YAML value: 1 of 01, 1.1 of 1.10, false of False. They go on."""

import json

import pytest
import yaml

import mtsmart
from mtsmart.errors import CheckpointError
from mtsmart.runs.folder import RunFolder
from tests.conftest import SHORT

# What an experiment says, and what an earlier version kept of it.
SPELLINGS = [("[00, 01]", ["0", "1"]), ("[1.0, 1.10]", ["1.0", "1.1"]), ("[False, True]", ["false", "true"])]


@pytest.fixture
def old_run(workspace):
    """A function that trains a run as an earlier version kept it, and writes the labels as they are spelt now."""

    def make(written, kept):
        for split in ("train", "validation"):
            file = workspace.folder / f"color_{split}.jsonl"
            rows = [json.loads(line) for line in file.read_text().splitlines()]
            rows = [{**row, "label": kept[row["label"] == "red"]} for row in rows]
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        tasks = workspace.tasks.read_text()
        workspace.tasks.write_text(tasks.replace("[other, red]", json.dumps(kept)))
        mtsmart.train(workspace.experiment, SHORT, output_dir="run", progress=False)
        workspace.tasks.write_text(tasks.replace("[other, red]", written))
        return RunFolder(workspace.folder / "run")

    return make


@pytest.mark.parametrize(("written", "kept"), SPELLINGS)
def test_an_old_run_goes_on_with_the_labels_as_they_are_spelt_now(workspace, old_run, cli, written, kept):
    run = old_run(written, kept)
    before = run.config_file.read_text()
    mtsmart.train(workspace.experiment, SHORT, output_dir="run", resume=True, progress=False)
    assert run.config_file.read_text() == before and run.definitions()["color"].labels == kept
    tuned = mtsmart.finetune("run", "color", task_files=[workspace.tasks], output_dir="tuned", progress=False)
    assert yaml.safe_load((tuned.path / "config.yaml").read_text())["tasks"]["color"]["labels"] == kept
    scored = cli("evaluate", "run", "--task-file", workspace.tasks)
    assert scored.code == 0 and "differs" not in scored.err


def test_other_labels_are_still_refused(workspace, old_run):
    old_run("[01, 00]", ["0", "1"])
    with pytest.raises(CheckpointError, match="cannot be resumed with other labels"):
        mtsmart.train(workspace.experiment, SHORT, output_dir="run", resume=True, progress=False)


def test_new_heads_have_the_labels_as_they_are_spelt_now(workspace, old_run):
    old_run("[00, 01]", ["0", "1"])
    changes = [*SHORT, "init.run=run", "init.heads=fresh"]
    experiment = workspace.write_experiment(workspace.experiment.read_text().replace("encoder:", "# encoder:"))
    fresh = mtsmart.train(experiment, changes, output_dir="fresh", progress=False)
    assert RunFolder(fresh.path).definitions()["color"].labels == ["00", "01"]
