"""Runs that read long texts in windows: they find what stands far behind, and are exact where texts are short."""

import json
import random
import re
import sys
from io import BytesIO, TextIOWrapper

import datasets
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel

import mtsmart
from mtsmart.config.sections import DataConfig, EncoderConfig
from mtsmart.errors import CheckpointError, MtsmartWarning
from mtsmart.models.heads.windows import POOLINGS, WINDOWS
from mtsmart.models.loading import load_encoder
from mtsmart.preparation.preparer import Preparer
from mtsmart.preparation.split_checks import READ_WHOLE
from mtsmart.task_types import build_task
from mtsmart.task_types.windows.options import Windows
from mtsmart.tasks import TaskDefinition
from tests.conftest import SHORT, WORDS
from tests.models.architectures import save
from tests.tiny_encoder import write_tiny_encoder
from tests.training.test_resume import SETTINGS, StopAt, assert_same_run

LENGTH = 640  # words of a text
FIRST = 600  # where its marker may stand


def marked(count, seed):
    """Texts of which one word after the 600th, red or blue, is the label."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        words = rng.choices(["the", "cat", "dog"], k=LENGTH)
        label = ("red", "blue")[number % 2]
        words[rng.randrange(FIRST, LENGTH)] = label
        rows.append({"text": " ".join(words), "label": label})
    return rows


@pytest.fixture(scope="session")
def still_encoder(tmp_path_factory):
    """A tiny encoder for which words are the same at each place, so that a few updates learn what they mean."""
    folder = tmp_path_factory.mktemp("still-encoder")
    write_tiny_encoder(folder, WORDS, width=16, positions=64, layers=1)
    model = AutoModel.from_pretrained(folder)
    with torch.no_grad():
        model.embeddings.position_embeddings.weight.zero_()
    model.save_pretrained(folder)
    return folder


def long_run(encoder, windows, folder):
    task = {
        "task_type": "classification",
        "dataset": {"rows": {"train": marked(64, 0), "validation": marked(32, 1)}},
        "text": ["text"],
        "labels": ["red", "blue"],
        "head": {"type": "plain", "pooling": "max", "dropout": 0.0},
        "learning_rate_factor": 1.0,
        "options": {} if windows is None else {"windows": windows},
    }
    experiment = {
        "name": "long",
        "tasks": {"marked": task},
        "encoder": {"path": str(encoder), "dropout": 0.0},
        "data": {"max_length": 64},
        "optimizer": {"learning_rate": 0.01},
        "training": {"epochs": 6, "batch_size": 8},
    }
    return mtsmart.train(experiment, output_dir=folder)


@pytest.mark.parametrize(
    "pooling",
    ["attention", pytest.param("mean", marks=pytest.mark.slow), pytest.param("max", marks=pytest.mark.slow)],
)
def test_a_word_after_token_600_is_found(still_encoder, tmp_path, pooling):
    run = long_run(still_encoder, {"overlap": 8, "pooling": pooling}, tmp_path / "run")
    assert run.results["tasks"]["marked"]["accuracy"] >= 0.95


def test_without_windows_it_is_not_and_the_cut_is_told(still_encoder, tmp_path):
    with pytest.warns(MtsmartWarning) as told:
        run = long_run(still_encoder, None, tmp_path / "run")
    assert 0.3 < run.results["tasks"]["marked"]["accuracy"] < 0.7
    rows = "64 of 64 training rows (100%) and 32 of 32 validation rows (100%)"
    assert f"task marked: {rows} are cut to 64 tokens; {READ_WHOLE}" in [str(each.message) for each in told]


@pytest.mark.parametrize(("name", "cut"), [("ModernBERT", 0), ("BERT", 4)])
def test_an_encoder_for_long_texts_takes_them_whole(tmp_path, name, cut):
    """ModernBERT has many positions, so max_length may be above the usual 512."""
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(save(name, tmp_path / "encoder"))))
    definition = {"task_type": "classification", "text": ["text"], "labels": ["red", "blue"]}
    task = build_task("marked", TaskDefinition(**definition, dataset={"files": {"train": "unused.jsonl"}}))
    preparer = Preparer(tokenizer, DataConfig(max_length=700), encoder.max_positions)
    rows = datasets.Dataset.from_list(marked(4, 0)).add_column("row", list(range(4)))
    split = preparer.rows(task, rows, with_labels=True)
    limit = preparer.max_length(task)
    assert limit == min(700, encoder.max_positions) and split.cut == cut
    assert split.lengths.tolist() == [min(limit, LENGTH + 2)] * 4
    batch = task.collate(split.rows.to_list()[:1], tokenizer, 0)
    with torch.no_grad():
        hidden = encoder(encoder.embed(batch.inputs["input_ids"]), batch.inputs).last_hidden_state
    assert hidden.shape[1] == split.lengths[0] and bool(hidden.isfinite().all())


def option(pooling):
    return [f"tasks.{task}.options={{windows: {{pooling: {pooling}}}}}" for task in ("color", "near")]


LONG_ROWS = ["data.max_length=8"]  # many rows of the workspace have more tokens, and some have fewer


@pytest.mark.parametrize("pooling", POOLINGS)
def test_where_all_rows_are_short_a_run_has_the_bits_of_one_without_windows(trained_run, pooling):
    plain = trained_run(name="plain")
    windowed = trained_run(*option(pooling), name="windowed")
    assert (plain / "metrics.jsonl").read_bytes() == (windowed / "metrics.jsonl").read_bytes()
    assert (plain / "results.json").read_bytes() == (windowed / "results.json").read_bytes()
    for file in (plain / "model").rglob("*.safetensors"):
        found, expected = load_file(windowed / file.relative_to(plain)), load_file(file)
        assert found.keys() - expected.keys() == ({f"{WINDOWS}.score"} if _has_vector(file, pooling) else set())
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def _has_vector(file, pooling):
    return pooling == "attention" and file.parent.name == "heads"


@pytest.fixture
def long_rows(trained_run):
    """A run in which most rows have several windows."""
    return trained_run(*SETTINGS, *LONG_ROWS, *option("attention"), name="whole")


def test_a_run_with_windows_is_resumed_to_the_bit(workspace, long_rows):
    folder = workspace.folder / "stopped"
    settings = [*SETTINGS, *LONG_ROWS, *option("attention")]
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=folder, callback=StopAt(7))
    mtsmart.train(workspace.experiment, settings, output_dir=folder, resume=True)
    assert_same_run(long_rows, folder)
    scores = load_file(folder / "model/heads/color.safetensors")[f"{WINDOWS}.score"]
    assert scores.abs().sum() > 0  # it has learnt


def test_predictions_do_not_depend_on_the_rows_beside(long_rows, workspace):
    run = mtsmart.load(long_rows)
    texts = [json.loads(line)["text"] for line in (workspace.folder / "color_validation.jsonl").open()]
    together = run.predict("color", texts)
    alone = [run.predict("color", text)[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one["prediction"] == other["prediction"]
        assert one["p(red)"] == pytest.approx(other["p(red)"], abs=1e-6)
    stored = run.evaluate("color").tasks["color"].metrics
    golds = [json.loads(line)["label"] for line in (workspace.folder / "color_validation.jsonl").open()]
    right = sum(one["prediction"] == gold for one, gold in zip(together, golds, strict=True))
    assert stored["accuracy"] == pytest.approx(right / len(golds))
    windows = run.task("color").windows
    assert windows.over(run.max_length("color")) == Windows(8, 2) and windows.pooling == "attention"


def test_a_task_in_windows_is_not_exported(long_rows, workspace, cli):
    refused = cli("export", long_rows, "--task", "color", "out")
    assert refused.code == 2 and not (workspace.folder / "out").exists()
    assert "--task: the task reads long texts in windows (options.windows)" in refused.err


def test_a_run_without_windows_starts_one_with_windows(workspace, trained_run, cli):
    """The head goes on; the vector of attention is new."""
    trained_run(name="short")
    of_color = ["--task", "color", "training.epochs=1"]
    done = cli("finetune", "short", *of_color, *LONG_ROWS, option("attention")[0], "-o", "long")
    assert done.code == 0, done.err
    run = mtsmart.load(workspace.folder / "long")
    assert run.model.specs["color"].windows == "attention"
    back = cli("finetune", "long", *of_color, "tasks.color.options.windows=null", "-o", "cut")
    assert back.code == 0, back.err
    assert mtsmart.load(workspace.folder / "cut").model.specs["color"].windows is None


def test_a_head_that_pools_otherwise_than_the_task_says_is_refused(trained_run):
    run = trained_run(*SETTINGS, *LONG_ROWS, *option("attention"), name="changed")
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("pooling: attention", "pooling: mean"))
    with pytest.raises(CheckpointError, match="whose task has windows 'mean', got 'attention'"):
        mtsmart.load(run)


def test_the_cut_of_rows_is_told_by_predict_and_evaluate(trained_run, workspace, cli):
    run = trained_run(*LONG_ROWS, *SHORT, name="cut")
    told = cli("predict", run, "--task", "color", "--input", "color_validation.jsonl").err
    counts = r"warning: task color: \d+ of 16 rows \(\d+%\) are cut to 8 tokens; 'options: {windows: {}}'"
    assert re.search(counts, " ".join(told.split()))
    told = cli("evaluate", run, "--task", "color").err
    assert re.search(counts.replace("rows", "rows of the split 'validation'"), " ".join(told.split()))
    with pytest.warns(MtsmartWarning, match=r"task color: 1 row is cut to 8 tokens"):
        mtsmart.load(run).predict("color", "red " * 30)


@pytest.mark.parametrize("overlap", [8, 40])
def test_an_overlap_that_fills_a_window_is_refused_in_one_line(workspace, cli, overlap):
    text = workspace.tasks.read_text()
    options = f"  options: {{windows: {{overlap: {overlap}}}}}"
    workspace.tasks.write_text(text.replace("  labels: [other, red]", f"  labels: [other, red]\n{options}"))
    refused = cli("train", workspace.experiment, *LONG_ROWS, "-o", "run")
    assert refused.code == 2 and not (workspace.folder / "run").exists()
    place = f"{workspace.tasks}:7: color.options.windows.overlap"
    message = f"{place}: leaves no room for new tokens in windows of 8 tokens, got {overlap}"
    assert refused.err == f"mtsmart: {message}. Give at most 5, or raise max_length\n"


def test_tasks_check_names_the_place_of_an_overlap_that_fills_a_window(workspace, cli):
    text = workspace.tasks.read_text()
    options = "  max_length: 32\n  options: {windows: {overlap: 40}}"
    workspace.tasks.write_text(text.replace("  labels: [other, red]", f"  labels: [other, red]\n{options}"))
    refused = cli("tasks", "check", workspace.tasks)
    assert refused.code == 2
    assert refused.err.startswith(
        f"mtsmart: {workspace.tasks}:8: color.options.windows.overlap: leaves no room for new"
    )


def test_an_overlap_on_the_command_line_names_it(workspace, cli):
    refused = cli("train", workspace.experiment, *LONG_ROWS, "tasks.color.options={windows: {overlap: 8}}", "-o", "run")
    assert refused.code == 2
    assert refused.err.startswith("mtsmart: command line: tasks.color.options.windows.overlap: leaves no room for new")


def test_tasks_check_takes_a_task_in_windows(workspace, cli):
    text = workspace.tasks.read_text()
    workspace.tasks.write_text(
        text.replace("  label: score", "  label: score\n  options: {windows: {}}\n  max_length: 8")
    )
    assert cli("tasks", "check", workspace.tasks).code == 0
    workspace.tasks.write_text(workspace.tasks.read_text().replace("windows: {}", "windows: {poling: max}"))
    refused = cli("tasks", "check", workspace.tasks)
    assert refused.code == 2 and "Did you mean 'pooling'?" in refused.err


def test_the_report_and_the_prompt_read_windows(long_rows, workspace, cli, monkeypatch):
    assert cli("report", long_rows, "-o", "page.html").code == 0
    assert "windows" in (workspace.folder / "page.html").read_text()
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"red " * 40 + b"\n")))
    told = cli("try", long_rows, "--task", "color")
    assert told.code == 0 and told.out.startswith("color")
