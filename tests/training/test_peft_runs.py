"""Runs with encoder.peft through all commands: training with both terms, resuming, prediction, fine-tuning, export."""

import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

import mtsmart
from mtsmart.errors import CheckpointError, ConfigError
from mtsmart.models.files import read_model
from mtsmart.models.weights import trained
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.runs.folder import RunFolder
from tests.models.test_freeze import SETTINGS, Spy

BY_TASK = ("encoder.peft.per_task=true", "encoder.peft.dropout=0.2", "encoder.peft.rank=4", *SETTINGS)
HEADS = ("tasks.color.head=native", "tasks.near.head=native")
SHARED = ("encoder.peft=dora", "training.accumulation=2", "training.precision=bfloat16", *SETTINGS)
SUMMARY = "encoder.peft: lora of rank 4, alpha 16, on the layers of attention, one set for each task"
ROWS = {"color": [{"text": "the red cat"}], "near": [{"a": "a red cat", "b": "the red dog"}]}


@pytest.mark.parametrize("settings", [(*BY_TASK, *HEADS), SHARED])
def test_a_run_with_both_terms_resumes_to_the_bit(workspace, trained_run, settings):
    whole = trained_run(*settings)
    stopped = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=stopped, callback=Spy(3))
    mtsmart.train(workspace.experiment, settings, output_dir=stopped, resume=True)
    assert (whole / "metrics.jsonl").read_bytes() == (stopped / "metrics.jsonl").read_bytes()
    points = [list_checkpoints(run / "checkpoints")[-1] for run in (whole, stopped)]
    for file in ("model.safetensors", "optimizer.safetensors", "mbpp.safetensors"):
        one, other = (load_file(point / file) for point in points)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one), file
        assert all("lora_" in key or key.startswith("heads.") for key in one), file
    moved = load_file(points[0] / "model.safetensors")
    assert all(tensor.any() for key, tensor in moved.items() if "lora_B" in key)
    lines = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    terms = [task["R"] for line in lines if line["type"] == "train" for task in line["tasks"].values() if "R" in task]
    assert terms and all(term > 0 for term in terms)


def test_every_task_is_predicted_scored_and_exported_with_its_own_adapter(trained_run, cli, tmp_path):
    run = trained_run(*BY_TASK, *HEADS)
    done = cli("evaluate", run, "--json")
    assert done.code == 0, done.err
    stored = json.loads((run / "results.json").read_text())
    assert json.loads(done.out)["score"] == pytest.approx(stored["score"], abs=1e-6)
    loaded = mtsmart.load(run)
    color = loaded.predict("color", ROWS["color"])[0]
    near = loaded.predict("near", ROWS["near"])[0]["prediction"]
    _, tokenizer = read_model(RunFolder(run).model)
    outputs = {}
    for task, rows in ROWS.items():
        mtsmart.export(run, task, tmp_path / task)  # It compares the logits itself.
        exported = AutoModelForSequenceClassification.from_pretrained(tmp_path / task)
        assert not any("lora" in name for name in exported.state_dict())
        with torch.no_grad():
            outputs[task] = exported(**tokenizer(*rows[0].values(), return_tensors="pt")).logits
    assert outputs["color"].softmax(-1)[0].tolist() == pytest.approx([color["p(other)"], color["p(red)"]], abs=1e-5)
    assert float(outputs["near"]) == pytest.approx(near, abs=1e-5)
    first, second = (load_file(tmp_path / task / "model.safetensors") for task in ROWS)
    query = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(first[query], second[query])
    for card in (run / "README.md", tmp_path / "color" / "README.md"):
        assert SUMMARY in card.read_text()


def test_fine_tuning_goes_on_with_the_adapter_of_the_task(trained_run, workspace):
    run = trained_run(*BY_TASK, *HEADS)
    tuned = mtsmart.finetune(run, "color", ["training.epochs=1"], output_dir=workspace.folder / "tuned")
    before, _ = read_model(RunFolder(run).model)
    after, _ = read_model(RunFolder(tuned.path).model)
    assert after.encoder.own_heads == ["color"]
    assert trained(after.encoder).keys() == {name for name in trained(before.encoder) if "near" not in name}
    with pytest.raises(CheckpointError, match=r"encoder\.peft: cannot be changed: .* has this adapter already"):
        mtsmart.finetune(run, "color", ["encoder.peft.rank=2"], output_dir=workspace.folder / "other")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{rank: 0}", r"experiment.yaml:5: encoder\.peft\.rank: should be greater than or equal to 1, got 0"),
        ("{rnak: 4}", r"experiment.yaml:5: encoder\.peft\.rnak: unknown key\. Did you mean 'rank'"),
        ("lara", r"experiment.yaml:5: encoder\.peft: there is no such method, got 'lara'\. Did you mean 'lora'"),
        ("{method: lara}", r"experiment.yaml:5: encoder\.peft\.method: .*Did you mean 'lora'"),
        ("{method: ia3, rank: 4}", r"experiment.yaml:5: encoder\.peft\.rank: only the methods lora and dora have it"),
        ("{targets: attenton}", r"experiment.yaml:5: encoder\.peft\.targets: .*attention"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(workspace, value, message):
    text = workspace.experiment.read_text().replace("encoder: {", f"encoder: {{peft: {value}, ")
    workspace.write_experiment(text)
    with pytest.raises(ConfigError, match=message):
        mtsmart.train(workspace.experiment, output_dir=workspace.folder / "run")
