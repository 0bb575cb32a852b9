"""Runs that an earlier version left: they load, evaluate and predict, and interrupted ones go on as they would have."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import mtsmart
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.losses import DIVERGENCES, Role
from tests.old_runs.make import PLACEHOLDER
from tests.regularizers.at_work import at_work, preset
from tests.regularizers.conftest import Bench

STORED = Path(__file__).resolve().parents[1] / "old_runs"
TOKENIZERS = "0.23.3"  # made the stored rows; another version counts as other data


@pytest.fixture(params=["0.1.0"])
def old(request, tmp_path):
    """A copy of all that one version left, at the place that its configurations name."""
    folder = tmp_path / "old"
    shutil.copytree(STORED / request.param, folder)
    for config in folder.glob("*/config.yaml"):
        config.write_text(config.read_text(encoding="utf-8").replace(PLACEHOLDER, str(folder)), encoding="utf-8")
    return folder


def lines_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def flat(data, prefix=""):
    """Nested mappings as one of dotted keys, which approx can compare."""
    if not isinstance(data, dict):
        return {prefix: data}
    return {key: value for name in data for key, value in flat(data[name], f"{prefix}.{name}").items()}


def assert_close_weights(one, other):
    files = sorted(path.relative_to(one) for path in one.rglob("*.safetensors"))
    assert files == sorted(path.relative_to(other) for path in other.rglob("*.safetensors")) != []
    for file in files:
        ours, theirs = load_file(one / file), load_file(other / file)
        assert ours.keys() == theirs.keys()
        for name in ours:
            torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-4, msg=f"{file}: {name}")


def test_a_finished_run_predicts_what_it_did(old):
    loaded = mtsmart.load(old / "finished")
    for task, expected in json.loads((old / "predictions.json").read_text(encoding="utf-8")).items():
        rows = [
            json.loads(line) for line in (old / f"{task}_validation.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        predicted = loaded.predict(task, rows)
        assert len(predicted) == len(expected) > 0
        for ours, theirs in zip(predicted, expected, strict=True):
            assert ours == pytest.approx(theirs, abs=1e-5)


def test_a_finished_run_evaluates_to_its_scores(old, cli):
    result = cli("evaluate", old / "finished", "--json")
    assert result.code == 0, result.err
    expected = json.loads((old / "finished" / "results.json").read_text(encoding="utf-8"))
    assert flat(json.loads(result.out)["tasks"]) == pytest.approx(flat(expected["tasks"]), abs=1e-5)


def test_an_interrupted_run_goes_on_as_it_would_have(old):
    other_rows = ["rows"] if version("tokenizers") != TOKENIZERS else []
    before = (old / "interrupted" / "metrics.jsonl").read_bytes()
    mtsmart.train(old / "experiment.yaml", output_dir=old / "interrupted", resume=True, allow_changes=other_rows)
    assert (old / "interrupted" / "metrics.jsonl").read_bytes().startswith(before)
    ours, theirs = lines_of(old / "interrupted"), lines_of(old / "finished")
    for one, other in zip(ours, theirs, strict=True):
        assert one.pop("type") == other.pop("type")
        assert flat(one) == pytest.approx(flat(other), rel=1e-4, abs=1e-4)
    assert_close_weights(old / "interrupted" / "model", old / "finished" / "model")


def test_an_interrupted_run_keeps_the_defaults_that_it_began_with(tiny_encoder):
    """States without a format are of builds with other defaults."""
    bench = Bench(str(tiny_encoder))
    task = bench.tasks["kind"]
    task.definition = task.definition.model_copy(update={"kd_loss": "hellinger"})
    methods = {
        "smart": (preset("smart"), Role.ADVERSARIAL, "symmetric_kl"),
        "mbpp": (preset("mbpp"), Role.PROXIMAL, "hellinger"),
        "distill": (REGULARIZERS["distill"].Settings(teachers=["t"]), Role.DISTILLATION, "hellinger"),
    }
    batch, logits = bench.batch("kind"), torch.randn(3, 3)
    target = logits.roll(1, 0)
    for name, (settings, role, divergence) in methods.items():
        method = at_work(name, bench.model, bench.tasks, settings)
        state = method.state_dict()
        del state["format"]
        method.load_state(state, method.tensors())
        expected = task.average(DIVERGENCES[divergence], logits, target, batch)
        assert float(task.divergence(logits, target, batch, role)) == float(expected)
        if name == "smart":
            assert {each.direction for each in method.settings.values()} == {"fisher"}
