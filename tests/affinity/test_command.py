"""mtsmart affinity: its files, its groups on tasks whose rules are known, and its messages."""

import json

import pytest

from mtsmart.affinity.command import affinity
from tests.conftest import sentences, write_jsonl
from tests.two_layers import tiny_encoder, trained_workspace  # noqa: F401 (fixtures)

RULES = {"same": False, "alike": False, "reversed": True}


@pytest.fixture
def three_tasks(tmp_path, tiny_encoder, monkeypatch):  # noqa: F811
    """Two tasks with one rule, and one with the rule reversed. They share a head, so that the third is a conflict."""
    monkeypatch.chdir(tmp_path)
    tasks = []
    for number, (name, is_reversed) in enumerate(RULES.items()):
        texts = sentences(160, seed=number)
        rows = [{"text": text, "label": "yes" if ("red" in text) != is_reversed else "no"} for text in texts]
        files = {
            "train": str(write_jsonl(tmp_path / f"{name}.train.jsonl", rows[:96])),
            "validation": str(write_jsonl(tmp_path / f"{name}.validation.jsonl", rows[96:])),
        }
        shared = "" if number == 0 else ", share_head: same"
        tasks.append(
            f"{name}: {{task_type: classification, dataset: {{files: {json.dumps(files)}}}, text: [text], "
            f"labels: ['no', 'yes']{shared}}}"
        )
    (tmp_path / "tasks.yaml").write_text("\n".join(tasks) + "\n")
    file = tmp_path / "three.yaml"
    file.write_text(
        f"name: three\ntask_files: [tasks.yaml]\ntasks: [{', '.join(RULES)}]\nencoder: {{path: '{tiny_encoder}'}}\n"
        "data: {max_length: 32}\nmixing: {strategy: rounds}\noptimizer: {learning_rate: 1e-3}\n"
        "training: {epochs: 3, batch_size: 16, log_every: 1}\n"
    )
    return file


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))])
def test_it_finds_the_two_tasks_that_share_a_rule(three_tasks, tmp_path, seed):
    settings = [f"training.seed={seed}"]
    found = affinity(three_tasks, settings, updates=12, every=3, start=["same"], output=tmp_path / "out")
    assert sorted(map(sorted, found.groups)) == [["alike", "same"], ["reversed"]]
    assert list(found.starts("same")) == ["alike", "reversed"]
    assert found.cosines.cell("same", "alike").mean > found.cosines.cell("same", "reversed").mean


def test_the_command_writes_tables_json_and_heat_maps(three_tasks, tmp_path, cli):
    options = ["--updates", "4", "--every", "2", "--start", "same", "-o", "out"]
    done = cli("affinity", three_tasks, *options)
    assert done.code == 0, done.err
    assert "Look-ahead affinity" in done.out and "Starts for same" in done.out and "times as long" in done.out
    folder = tmp_path / "out"
    assert {file.name for file in folder.iterdir()} == {f"affinity.{form}" for form in ("json", "md", "svg", "png")}
    data = json.loads((folder / "affinity.json").read_text())
    assert data["tasks"] == list(RULES)
    assert (data["updates"], data["every"], data["measurements"]) == (4, 2, 2)
    assert data["cosines"]["same"]["same"]["mean"] == pytest.approx(1)
    assert data["look_ahead"]["same"]["alike"]["standard_error"] > 0
    assert [one["task"] for one in data["starts"]["same"]] != []
    assert (folder / "affinity.md").read_text() in done.out
    again = cli("affinity", three_tasks, *options)
    assert again.code == 0
    kept = json.loads((folder / "affinity.json").read_text())
    assert {**kept, "seconds": None} == {**data, "seconds": None}


def test_a_run_begins_as_in_training(three_tasks):
    """Methods change the weights that it starts with, and see its first gradients."""

    def cosine(*settings):
        return affinity(three_tasks, settings, updates=2, every=2).cosines.cell("same", "alike").mean

    assert len({cosine(), cosine("noisy_tune=paper"), cosine("child_tuning=task")}) == 3


UNLABELLED = ["tasks.alike.label=null", "r3f=paper"]


def test_a_task_without_labels_is_trained_and_not_measured(three_tasks, tmp_path, cli):
    done = cli("affinity", three_tasks, *UNLABELLED, "--updates", "2", "--every", "2", "--start", "same", "-o", "out")
    assert done.code == 0 and "so they are not measured: alike" in done.err, done.err
    data = json.loads((tmp_path / "out" / "affinity.json").read_text())
    assert data["tasks"] == ["same", "reversed"] and [one["task"] for one in data["starts"]["same"]] == ["reversed"]
    assert "nan" not in done.out.lower()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--updates", "0"], "--updates: must be at least 1, got 0"),
        (["--every", "50", "--updates", "4"], "--every: is more than the 4 updates of the run"),
        (["--start", "sane"], "--start: is no task of the experiment, got 'sane'. Did you mean 'same'?"),
        (["tasks=[same]"], "tasks: are fewer than two that are trained"),
        (["tasks=[same,alike]", *UNLABELLED], "tasks: are fewer than two that are trained on labels, got ['same']"),
        ([*UNLABELLED, "--start", "alike"], "--start: is not measured: it is not trained on labels, got 'alike'"),
        (["tasks.alike.evaluation_only=true", "--start", "alike"], "--start: is not measured: it is not trained on"),
        (["encoder.freeze=all"], "encoder.freeze: leaves nothing of the encoder that is trained"),
    ],
)
def test_a_wrong_value_is_one_line(three_tasks, cli, arguments, message):
    done = cli("affinity", three_tasks, *arguments)
    assert done.code == 2 and "Traceback" not in done.err
    assert message in done.err
