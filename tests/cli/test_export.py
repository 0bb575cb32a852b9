"""``mtsmart export`` as a user types it: train, export, load without mtsmart; and what it refuses."""

import json
import os
import re
import shutil
import signal

import pytest
import yaml

import mtsmart
from mtsmart.exporting.task import base_encoder
from mtsmart.models import hugging_face
from mtsmart.models.export_folder import exporting_to
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.interrupt import ending_orderly
from tests.conftest import sentences, write_jsonl
from tests.forked import Forked, command_line
from tests.models.test_export import alone


@pytest.fixture
def run(trained_run):
    """A short run."""
    return trained_run("training.max_updates=2", "smart=off", "mbpp=off", "tasks.color.max_length=20")


@pytest.mark.parametrize("own", [True, False])
def test_runs_that_go_on_from_one_another_in_a_circle_have_no_known_encoder(workspace, own, cli):
    """config.yaml is the user's to edit; a run may name itself, or one that names it."""
    first, second = RunFolder(workspace.folder / "a"), RunFolder(workspace.folder / "b")
    for folder, other in ((first, first if own else second), (second, first)):
        folder.path.mkdir()
        folder.config_file.write_text(f"tasks: [rte]\ninit: {{run: {other.path}}}\n")
    assert base_encoder(first) == "unknown"


@pytest.mark.parametrize("revision", ["", "@main", "@0123abc"])
def test_the_encoder_of_a_run_on_the_hub_is_its_repository(tmp_path, revision):
    (tmp_path / "config.yaml").write_text(f"tasks: [rte]\ninit: {{run: 'hub:ada/tickets{revision}'}}\n")
    assert base_encoder(RunFolder(tmp_path)) == "ada/tickets"


def test_the_exported_task_is_the_runs(workspace, run, cli):
    """The model card's own lines, run where mtsmart cannot be imported, say what `mtsmart predict` says."""
    result = cli("export", run, "--task", "color", "models/colors")
    assert result.code == 0, result.err
    assert "models/colors (BertForSequenceClassification; AutoModelForSequenceClassification loads it)" in result.out
    folder = workspace.folder / "models" / "colors"
    assert [path.name for path in folder.parent.iterdir()] == ["colors"]  # nothing beside it
    names = {path.name for path in folder.iterdir()}
    assert names == {
        ".mtsmart.json",
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }

    card = (folder / "README.md").read_text()
    accuracy = json.loads((run / "results.json").read_text())["tasks"]["color"]["accuracy"]
    encoder = yaml.safe_load((run / "config.yaml").read_text())["encoder"]["path"]
    for part in (f"| accuracy | {accuracy:.4f} |", "Labels: other, red", f"`{encoder}`", "cut to 20 tokens"):
        assert part in card
    assert yaml.safe_load(card.split("---")[1])["pipeline_tag"] == "text-classification"

    texts = sentences(6, seed=5)
    code = re.search(r"```python\n(.*?)```", card, flags=re.DOTALL).group(1)
    assert len(code.splitlines()) == 3
    ask = f"import json; print('ANSWER', json.dumps([predict(text)[0] for text in {texts!r}]))"
    said = alone(folder.parent, f"import sys; sys.modules['mtsmart'] = None\n{code}\n{ask}")
    answers = json.loads(said.split("ANSWER")[1])
    for answer, row in zip(answers, mtsmart.load(run).predict("color", [{"text": t} for t in texts]), strict=True):
        assert answer["label"] == row["prediction"]
        assert answer["score"] == pytest.approx(row[f"p({answer['label']})"], abs=1e-5)


def test_the_same_in_python_and_an_earlier_export_is_replaced_when_asked(workspace, run, cli):
    exported = mtsmart.export(run, "near", "out")
    assert exported.folder == workspace.folder / "out"
    config = json.loads((workspace.folder / "out" / "config.json").read_text())
    assert config["problem_type"] == "regression" and config["id2label"] == {"0": "near"}
    refused = cli("export", run, "-t", "color", "out")
    assert (refused.code, refused.out) == (2, "")
    assert "out: is not empty. Name another folder, or use --overwrite" in refused.err
    assert cli("export", run, "-t", "color", "out", "--overwrite").code == 0
    config = json.loads((workspace.folder / "out" / "config.json").read_text())
    assert config["problem_type"] == "single_label_classification"


def test_only_an_earlier_export_is_overwritten(workspace, run, cli):
    (workspace.folder / "mine").mkdir()
    (workspace.folder / "mine" / "notes.txt").write_text("keep me")
    (workspace.folder / "file").write_text("keep me")
    for target, message in [
        ("mine", "holds no exported model to overwrite"),
        ("file", "is not a folder"),
        (run, "DIR: must neither be in the run nor hold it"),
        (run / "model" / "encoder", "DIR: must neither be in the run nor hold it"),
        (".", "DIR: must neither be in the run nor hold it"),
    ]:
        result = cli("export", run, "-t", "color", target, "--overwrite")
        assert (result.code, result.out) == (2, "")
        assert message in result.err
    assert (workspace.folder / "mine" / "notes.txt").read_text() == "keep me"
    assert (run / "model" / "encoder" / "config.json").is_file()


def test_an_unknown_task_is_named_with_the_nearest(workspace, run, cli):
    result = cli("export", run, "-t", "colour", "out")
    assert (result.code, result.out) == (2, "")
    assert "--task: there is no task of this name, got 'colour'. Did you mean 'color'" in result.err
    assert not (workspace.folder / "out").exists()


SHARED = """
same:
  task_type: classification
  dataset: {files: {train: color_train.jsonl, validation: color_validation.jsonl}}
  text: [text]
  labels: [other, red]
  share_head: color
turned:
  task_type: classification
  dataset: {files: {train: color_train.jsonl, validation: color_validation.jsonl}}
  text: [text]
  labels: [red, other]
  share_head: color
projected:
  task_type: classification
  dataset: {files: {train: color_train.jsonl, validation: color_validation.jsonl}}
  text: [text]
  labels: [warm, cold]
  share_head: color
  project: {red: warm, other: cold}
"""


def test_tasks_on_anothers_head(workspace, run, cli):
    """One that uses it as it is can be exported; one that computes labels of its own from it cannot."""
    (workspace.folder / "shared.yaml").write_text(SHARED)
    assert cli("export", run, "-t", "same", "same", "--task-file", "shared.yaml").code == 0
    for task in ("turned", "projected"):
        result = cli("export", run, "-t", task, "out", "--task-file", "shared.yaml")
        assert (result.code, result.out) == (2, "")
        assert "computes its labels from those of color's head, which no Hugging Face class does" in result.err
        assert "Export the head's own task: --task color" in result.err
    assert not (workspace.folder / "out").exists()


@pytest.mark.parametrize(("kind", "head"), [("plain", "{pooling: attention}"), ("san", "san")])
def test_heads_of_our_own_are_refused(workspace, cli, kind, head):
    settings = ["training.max_updates=2", "smart=off", "mbpp=off", f"tasks.near.head={head}"]
    trained = cli("train", workspace.experiment, *settings, "-o", "run")
    assert trained.code == 0, trained.err
    result = cli("export", "run", "-t", "near", "out")
    assert (result.code, result.out) == (2, "")
    assert f"of type '{kind}', which no Hugging Face class has" in result.err
    assert (
        "Only heads of type 'native' and 'pair', and plain ones that pool by cls, mean or max, can be exported"
        in result.err
    )
    assert not (workspace.folder / "out").exists()


def exported_near(workspace, cli, head):
    """What `export` says of a task that was trained with a head."""
    changes = ["training.max_updates=2", "smart=off", "mbpp=off", f"tasks.near.head={head}"]
    trained = cli("train", workspace.experiment, *changes, "-o", "run")
    assert trained.code == 0, trained.err
    result = cli("export", "run", "-t", "near", "out")
    assert result.code == 0, result.err
    return result


def test_a_pooled_head_becomes_modules_that_its_card_loads(workspace, cli):
    result = exported_near(workspace, cli, "{pooling: mean}")
    assert "SentenceTransformer loads it" in result.out
    card = (workspace.folder / "out" / "README.md").read_text()
    assert "library_name: sentence-transformers" in card
    assert 'model = SentenceTransformer("out")' in card


def test_the_card_has_baselines_the_other_tasks_and_how_it_was_trained(workspace, run, cli):
    assert cli("export", run, "-t", "near", "out").code == 0
    card = (workspace.folder / "out" / "README.md").read_text()
    results = json.loads((run / "results.json").read_text())
    seed = yaml.safe_load((run / "config.yaml").read_text())["training"]["seed"]
    score, constant = results["tasks"]["near"]["pearson"], results["baselines"]["near"]["pearson"]
    assert f"| pearson | {score:.4f} | {constant:.4f} |" in card
    assert "trained together with `color`, as" in card
    assert (
        f"- Training: at most 2 updates and 2 epochs, batch size 8, adamw at 0.001, seed {seed}" in card
        and "- Versions: mtsmart " in card
    )


def test_a_head_that_compares_two_texts_brings_its_class(workspace, cli):
    result = exported_near(workspace, cli, "pair")
    assert "(PairModel; AutoModelForSequenceClassification with trust_remote_code=True loads it)" in result.out
    card = (workspace.folder / "out" / "README.md").read_text()
    assert 'predict = pipeline("text-classification", "out", trust_remote_code=True, truncation=True)' in card
    assert "the file\n`modeling_pair.py` of this folder" in card and "does not mark which text" not in card
    assert (workspace.folder / "out" / "modeling_pair.py").is_file()


def test_a_fine_tuned_task_names_the_encoder_its_first_run_started_from(workspace, run, cli):
    assert cli("finetune", run, "--task", "color", "training.max_updates=1", "-o", "tuned").code == 0
    assert cli("export", "tuned", "-t", "color", "out").code == 0
    encoder = yaml.safe_load((run / "config.yaml").read_text())["encoder"]["path"]
    assert f"Base encoder: `{encoder}`" in (workspace.folder / "out" / "README.md").read_text()


def test_an_ordinal_tasks_card_says_what_its_outputs_mean(workspace, cli):
    """The exported pipeline gives each output's own probability; the card's rule on them gives our predictions."""
    rows = [{"text": text, "label": "one two three".split()[index % 3]} for index, text in enumerate(sentences(30))]
    write_jsonl(workspace.folder / "train.jsonl", rows)
    workspace.tasks.write_text(
        "stars: {task_type: ordinal, dataset: {files: {train: train.jsonl, validation: train.jsonl}}, text: [text],\n"
        "  labels: [one, two, three]}\n"
    )
    workspace.write_experiment(workspace.experiment.read_text().replace("[color, near]", "[stars]"))
    assert cli("train", workspace.experiment, "training.max_updates=2", "smart=off", "mbpp=off", "-o", "run").code == 0
    assert cli("export", "run", "-t", "stars", "out").code == 0
    assert json.loads((workspace.folder / "out" / "config.json").read_text())["problem_type"] == (
        "multi_label_classification"
    )
    card = (workspace.folder / "out" / "README.md").read_text()
    assert "Outputs: &gt;one, &gt;two" in card and "the labels, lowest first, are one, two, three;" in card
    code = re.search(r"```python\n(.*?)```", card, flags=re.DOTALL).group(1)
    texts = sentences(6, seed=5)
    ask = f"import json; print('ANSWER', json.dumps([predict([text])[0] for text in {texts!r}]))"
    said = alone(workspace.folder, f"import sys; sys.modules['mtsmart'] = None\n{code}\n{ask}")
    ours = mtsmart.load("run").predict("stars", [{"text": text} for text in texts])
    for answer, row in zip(json.loads(said.split("ANSWER")[1]), ours, strict=True):
        assert {f"p({one['label']})": pytest.approx(one["score"], abs=1e-5) for one in answer} == {
            name: value for name, value in row.items() if name != "prediction"
        }
        assert ["one", "two", "three"][sum(one["score"] > 0.5 for one in answer)] == row["prediction"]


@pytest.mark.parametrize("name", ["notes.txt", ".git/HEAD", "onnx/model.onnx", "config.json", "README.md"])
def test_an_export_with_files_of_others_is_not_overwritten(workspace, run, cli, name):
    assert cli("export", run, "-t", "color", "out").code == 0
    file = workspace.folder / "out" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    before = {path: path.read_bytes() for path in (workspace.folder / "out").rglob("*") if path.is_file()}
    result = cli("export", run, "-t", "color", "out", "--overwrite")
    assert (result.code, result.out) == (2, "")
    assert name.split("/")[0] in result.err and len(result.err.splitlines()) == 1
    assert {path: path.read_bytes() for path in (workspace.folder / "out").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002])
def test_permissions_follow_the_umask(workspace, run, cli, umask):
    before = os.umask(umask)
    try:
        assert cli("export", run, "-t", "color", "out").code == 0
        mtsmart.train(workspace.experiment, ["training.max_updates=2"], output_dir="again")
    finally:
        os.umask(before)
    for path in (workspace.folder / "out", workspace.folder / "again"):
        for file in (path, *path.rglob("*")):
            full = 0o777 if file.is_dir() else 0o666
            if file.suffix != ".lock":
                assert file.stat().st_mode & 0o777 == full & ~umask, file


def export_and_be_stopped():
    hugging_face._check_logits = lambda *_: os.kill(os.getpid(), signal.SIGTERM)
    command_line("export", "run", "-t", "color", "models/x")


def test_a_stopped_export_leaves_nothing(workspace, run):
    """SIGTERM in the moment when the unfinished folder is there."""
    (workspace.folder / "models").mkdir()
    process = Forked(export_and_be_stopped, out=workspace.folder / "out")
    assert process.wait() == 143, process.out.read_text()
    assert list((workspace.folder / "models").iterdir()) == []


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of Unix")
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_second_signal_does_not_stop_the_cleaning(tmp_path, monkeypatch, second):
    remove = shutil.rmtree

    def interrupted(path, **options):
        signal.raise_signal(second)
        remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with (
        ending_orderly(),
        pytest.raises(SystemExit, match="143"),
        exporting_to(tmp_path / "out", overwrite=False) as aside,
    ):
        (aside / "config.json").write_text("{}")
        signal.raise_signal(signal.SIGTERM)
    assert not list(tmp_path.iterdir())
