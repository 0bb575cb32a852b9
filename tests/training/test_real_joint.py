"""The real thing at reduced size: real data sets, the real encoder, the real command line."""

import json

import pytest

# The same five tasks as experiments/joint_five.yaml. STS-B, over the mean of all tokens with a new layer, learns from
# 256 rows (0.76; with the encoder's own pooling some dropout masks end in a constant);
# the others do not, and are only there to be trained beside it.
EXPERIMENT = """
extends: {experiments}/joint_five.yaml
name: reduced
tasks:
  rte: {{splits: {{train: "train[:8]", validation: "validation[:24]"}}}}
  mrpc: {{splits: {{train: "train[:8]", validation: "validation[:24]"}}}}
  cola: {{splits: {{train: "train[:8]", validation: "validation[:24]"}}}}
  stsb:
    head: {{type: plain, pooling: mean}}
    learning_rate_factor: 20
    smart: {{every: 4}}
    mbpp: {{every: 4}}
    splits: {{train: "train[:{rows}]", validation: "validation[:{held}]"}}
  snli: {{splits: {{train: "train[:8]", validation: "validation[:24]"}}}}
data: {{max_length: 32}}
optimizer: {{learning_rate: 1e-4}}
training: {{epochs: 1, batch_size: 8}}
"""


def train(folder, hub_dir, rows, held):
    import mtsmart
    from mtsmart.resources import shipped

    file = folder / "reduced.yaml"
    file.write_text(EXPERIMENT.format(experiments=shipped("experiments"), rows=rows, held=held))
    return mtsmart.train(file, [f"data.hub_dir={hub_dir}"], output_dir=folder / "joint")


@pytest.fixture(scope="module")
def joint(minilm, hub_dir, tmp_path_factory):
    return train(tmp_path_factory.mktemp("real"), hub_dir, rows=24, held=24)


@pytest.mark.hub
@pytest.mark.slow
def test_joint_training_learns(minilm, hub_dir, tmp_path):
    tasks = train(tmp_path, hub_dir, rows=256, held=64).results["tasks"]
    assert tasks["stsb"]["pearson"] > 0.5, tasks


@pytest.mark.hub
def test_joint_training_has_both_terms_in_every_task(joint):
    assert joint.results["tasks"].keys() == {"rte", "mrpc", "cola", "stsb", "snli"}
    lines = [json.loads(line) for line in (joint.path / "metrics.jsonl").read_text().splitlines()]
    figures = [task for line in lines if line["type"] == "train" for task in line["tasks"].values()]
    assert all(part["R"] > 0 and part["D"] >= 0 and 0 < part["delta/x"] < 0.02 for part in figures)


@pytest.mark.hub
def test_finetune_goes_on_from_the_joint_run(joint, tmp_path, cli):
    result = cli("finetune", joint.path, "--task", "rte", "training.epochs=1", "-o", tmp_path / "rte")
    assert result.code == 0, result.err
    assert "rte" in json.loads((tmp_path / "rte" / "results.json").read_text())["tasks"]


@pytest.mark.hub
@pytest.mark.parametrize("task", ["stsb", "mrpc"])
def test_predict_on_validation_text_reproduces_evaluate(joint, hub_dir, tmp_path, cli, task):
    import datasets

    from mtsmart.metrics import METRICS
    from mtsmart.runs.folder import RunFolder

    definition = RunFolder(joint.path).definitions()[task]
    source = definition.dataset
    rows = datasets.load_dataset(f"{hub_dir}/{source.path}", source.name, split=definition.split("validation"))
    rows.select_columns(["sentence1", "sentence2"]).to_csv(tmp_path / "in.csv", index=False)
    result = cli("predict", joint.path, "-t", task, "-i", tmp_path / "in.csv", "--output", tmp_path / "out.jsonl")
    assert result.code == 0, result.err
    predictions = [json.loads(line)["prediction"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    evaluated = json.loads(cli("evaluate", joint.path, "--task", task, "--json").out)["tasks"][task]
    if task == "mrpc":
        predictions = [rows.features["label"].str2int(name) for name in predictions]
    for metric, value in evaluated.items():
        assert METRICS[metric](predictions, rows["label"][:]) == value
