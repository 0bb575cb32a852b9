"""Files of a run that hold numbers that are none, or that contradict each other: one message, and no prediction."""

import json
import math

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

import mtsmart
from mtsmart.errors import MtsmartError
from mtsmart.evaluation.loaded import LoadedRun
from tests.conftest import write_jsonl
from tests.reliability.refusals import assert_refused

NAN, INFINITY = math.nan, math.inf
COLOR = {"task_type": "classification", "text": ["text"], "labels": ["other", "red"]}
ABOUT = {**COLOR, "task_type": "multi_label", "options": {"threshold": "tuned"}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_encoder):
    """A run of a classification and a multi-label task, whose threshold was found on validation."""
    folder = tmp_path_factory.mktemp("two-tasks")
    texts = [("a red house", "red"), ("blue", "other")] * 8
    write_jsonl(folder / "d.jsonl", [{"text": text, "label": label} for text, label in texts])
    write_jsonl(folder / "m.jsonl", [{"text": text, "label": [label]} for text, label in texts])
    tasks = {"color": (COLOR, "d.jsonl"), "about": (ABOUT, "m.jsonl")}
    written = {
        name: {**task, "dataset": {"files": {"train": file, "validation": file}}}
        for name, (task, file) in tasks.items()
    }
    (folder / "t.yaml").write_text(yaml.safe_dump(written))
    experiment = {"task_files": ["t.yaml"], "tasks": ["color", "about"], "encoder": {"path": str(tiny_encoder)}}
    (folder / "e.yaml").write_text(yaml.safe_dump({**experiment, "training": {"epochs": 1, "batch_size": 8}}))
    mtsmart.train(folder / "e.yaml", output_dir=folder / "run")
    (folder / "run" / "model" / "manifest.json").unlink()
    return folder


def weights(file, value, part="weight"):
    """One value in the first tensor of this kind."""

    def damage(run):
        tensors = load_file(run / "model" / file)
        name = next(name for name in sorted(tensors) if part in name)
        tensors[name].view(-1)[-1] = value
        save_file(tensors, run / "model" / file, metadata={"format": "pt"})

    return damage


def changed_json(file, change):
    def damage(run):
        data = json.loads((run / "model" / file).read_text())
        change(data)
        (run / "model" / file).write_text(json.dumps(data))

    return damage


def decoding(**numbers):
    return changed_json("decoding.json", lambda data: data.update(numbers))


def encoder(**settings):
    return changed_json("encoder/config.json", lambda data: data.update(settings))


def head(**settings):
    return changed_json("heads.json", lambda data: data["color"].update(settings))


def tasks(**changes):
    """Other settings of the tasks in the run's configuration."""

    def damage(run):
        config = yaml.safe_load((run / "config.yaml").read_text())
        for name, settings in changes.items():
            task = config["tasks"].setdefault(name, dict(config["tasks"]["color"]))
            if "share_head" in settings:  # A task that shares a head says nothing about one.
                task.pop("head", None)
                task.pop("learning_rate_factor", None)
            task.update(settings)
        (run / "config.yaml").write_text(yaml.safe_dump(config))

    return damage


def infinite_threshold(run):
    (run / "model" / "decoding.json").write_text('{"about": {"threshold": 1e400}}')


ENCODER = "encoder/model.safetensors"
DAMAGES = {
    "a head of NaN": (weights("heads/color.safetensors", NAN), r"color.safetensors: cannot be loaded: its weights are not finite: .*weight holds nan"),
    "an infinite bias": (weights("heads/about.safetensors", -INFINITY, "bias"), "about.safetensors: .*bias holds -inf"),
    "an embedding of NaN": (weights(ENCODER, NAN, "word_embeddings"), "weights are not finite: .*word_embeddings.weight holds nan"),
    "a norm of NaN": (weights(ENCODER, NAN, "LayerNorm.weight"), "weights are not finite: .*LayerNorm.weight holds nan"),
    "an infinite layer": (weights(ENCODER, INFINITY, "attention.self.query.weight"), "weights are not finite: .*query.weight holds inf"),
    "finite weights that overflow": (weights(ENCODER, 3e38, "LayerNorm.bias"), "outputs for a short text are not finite"),
    "a norm whose epsilon is NaN": (encoder(layer_norm_eps=NAN), "its configuration has layer_norm_eps nan"),
    "an infinite epsilon": (encoder(layer_norm_eps=INFINITY), "its configuration has layer_norm_eps inf"),
    "a dropout of NaN": (encoder(classifier_dropout=NAN), "its configuration has classifier_dropout nan"),
    "a dropout of heads that is no number": (encoder(classifier_dropout="x"), "config.json: the heads cannot be built|cannot be loaded"),
    "a threshold of NaN": (decoding(about={"threshold": NAN}), "decoding.json: is damaged: it does not map tasks to numbers, got nan"),
    "an infinite threshold": (infinite_threshold, "decoding.json: is damaged: it does not map tasks to numbers, got inf"),
    "a threshold that is no probability": (decoding(about={"threshold": 7.0}), "decoding.json: about.threshold: is damaged: it is not from 0 to 1, got 7.0"),
    "an unknown number": (decoding(about={"treshold": 0.5}), "decoding.json: about: is damaged: .*got 'treshold'. Did you mean 'threshold'"),
    "a number of a type that finds none": (decoding(color={"threshold": 0.5}), "decoding.json: color: is damaged: the task's type finds no such number"),
    "a number of no task": (decoding(abuot={"threshold": 0.5}), "decoding.json: is damaged: the run has no such task, got 'abuot'. Did you mean 'about'"),
    "labels in another order": (head(labels=["red", "other"]), "heads.json: color.labels: does not belong to .*config.yaml, whose task has labels .*got .'red', 'other'"),
    "other labels": (head(labels=["blue", "red"]), "heads.json: color.labels: does not belong to"),
    "no names of labels": (head(labels=None), "heads.json: color.labels: does not belong to"),
    "labels of the configuration in another order": (tasks(color={"labels": ["red", "other"]}), "heads.json: color.labels: does not belong to"),
    "another task type": (tasks(color={"task_type": "tagging", "metrics": ["tag_accuracy"]}), "heads.json: color.*: does not belong to"),
    "a head of another kind": (head(kind="token_classification"), "heads.json: color.kind: does not belong to|cannot be loaded"),
    "a task that shares its own head": (tasks(color={"share_head": "color"}), r"config.yaml:\d+: tasks.color.share_head: names no task of the run with a head of its own, got 'color'"),
    "two tasks that share each other's head": (tasks(color={"share_head": "other"}, other={"share_head": "color"}), "share_head: names no task of the run with a head of its own"),
    "three tasks in a circle": (tasks(color={"share_head": "b"}, b={"share_head": "c"}, c={"share_head": "color"}), "share_head: names no task of the run with a head of its own"),
    "a head of no task": (tasks(color={"share_head": "gone"}), "color.share_head: names no task of the run with a head of its own, got 'gone'"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(DAMAGES))
def test_contradictions_are_one_message(run, cli, name):
    damage, message = DAMAGES[name]
    damage(run)
    assert_refused(cli("evaluate", run, "--task", "color"), message)


CIRCLES = {
    "its own": {"a": "a"},
    "each other's": {"a": "b", "b": "a"},
    "a longer circle": {"a": "b", "b": "c", "c": "a"},
    "a circle that another task leads to": {"a": "b", "b": "b"},
}


@pytest.mark.parametrize("name", list(CIRCLES))
def test_circles_in_task_files_are_one_message(run, tmp_path, cli, name):
    dataset = {"dataset": {"files": {"train": "d.jsonl"}}}
    written = {task: {**COLOR, **dataset, "share_head": owner} for task, owner in CIRCLES[name].items()}
    file = tmp_path / "circle.yaml"
    file.write_text(yaml.safe_dump(written))
    write_jsonl(tmp_path / "in.jsonl", [{"text": "a red house"}])
    result = cli("predict", run, "--task", "a", "--input", tmp_path / "in.jsonl", "--task-file", file)
    assert_refused(result, "the run has no head for this task")
    assert cli("tasks", "check", file).code == 2


@pytest.mark.parametrize(
    "settings",
    [{"return_dict": False}, {"output_hidden_states": True}, {"output_attentions": True}, {"torchscript": True},
     {"use_cache": False}, {"problem_type": "regression"}, {"pruned_heads": {}}, {"return_dict": None}],
    ids=str,
)  # fmt: skip
def test_settings_of_the_form_of_outputs_change_no_prediction(run, settings):
    rows = [{"text": "a red house"}, {"text": "blue"}]
    before = LoadedRun(run, device="cpu").predict("color", rows)
    encoder(**settings)(run)
    assert LoadedRun(run, device="cpu").predict("color", rows) == before


def test_outputs_that_are_not_finite_are_refused(run):
    """The short text of the check is fine, another one is not."""
    loaded = LoadedRun(run, device="cpu")
    with torch.no_grad():
        loaded.model.encoder.word_embeddings[loaded.tokenizer("blue")["input_ids"][1]] = NAN
    with pytest.raises(MtsmartError, match="task color: the model's outputs for row 2 are not numbers"):
        loaded.predict("color", [{"text": "a red house"}, {"text": "blue"}])
    with pytest.raises(MtsmartError, match="task about: the model's outputs for row 2 are not numbers"):
        loaded.evaluate(["about"])


def test_finite_weights_whose_outputs_are_infinite_are_refused(run):
    """Otherwise a softmax makes NaN of them, beside a label."""
    loaded = LoadedRun(run, device="cpu")
    with torch.no_grad():
        for name, parameter in loaded.model.head("color").named_parameters():
            if name.endswith("bias"):
                parameter.fill_(3e38)
            else:
                parameter.abs_().mul_(3e38 / parameter.abs().max())
        loaded.model.encoder.model.pooler.dense.weight.zero_()
        loaded.model.encoder.model.pooler.dense.bias.fill_(5.0)
    with pytest.raises(MtsmartError, match="task color: the model's outputs are infinite"):
        loaded.predict("color", [{"text": "a red house"}])


class PanicException(BaseException):
    """As pyo3's, which cannot be made from Python."""


@pytest.mark.parametrize("pattern", ["(([a-z ])+)+!", "(x+x+)+y", "((a|aa)+)+$b"])
def test_a_tokenizer_that_panics_is_one_message(run, cli, tmp_path, pattern):
    """At the check while the model is loaded, or at the row on which its regular expression backtracks."""
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    changed_json("encoder/tokenizer.json", lambda data: data.update(pre_tokenizer=split))(run)
    write_jsonl(tmp_path / "in.jsonl", [{"text": "x" * 200 + " " + "a" * 200}])
    result = cli("predict", run, "--task", "color", "--input", tmp_path / "in.jsonl")
    assert result.code == 2 and "Traceback" not in result.err
    last = result.err.strip().splitlines()[-1]
    assert last.startswith("mtsmart: ") and "retry-limit-in-match" in last, last


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_process_is_no_panic(stop):
    from mtsmart.errors import LibraryPanic, panics_as_errors

    with pytest.raises(stop), panics_as_errors():
        raise stop
    with pytest.raises(LibraryPanic, match="why"), panics_as_errors():
        raise PanicException("why")
