"""A key that is unknown gets the hint that helps: a slip, the name in another tool, or another section's setting."""

import pytest

import mtsmart
from mtsmart.config.document import Document
from mtsmart.config.loader import build_experiment, load_experiment
from mtsmart.drafting.guess import check_type
from mtsmart.errors import ConfigError, nearest
from mtsmart.metrics import METRICS
from mtsmart.task_types import TASK_TYPES, build_task
from mtsmart.tasks.definition import TaskDefinition

EXPERIMENT = "tasks: [rte]\nencoder: {path: x}\n"
TASK = """
a:
  task_type: classification
  dataset: {files: {train: t.csv}}
  text: [text]
  labels: [a, b]
"""
IN_EXPERIMENTS = {
    "traning: {}": "Did you mean 'training'?",
    "smrt: tuned": "Did you mean 'smart'?",
    "lr: 1": "Here it is written optimizer: {learning_rate: ...}",
    "training: {lr: 1}": "Here it is written optimizer: {learning_rate: ...}",
    "optimizer: {lr: 1}": "Did you mean 'learning_rate'?",
    "learning_rate: 1": "Write it under 'optimizer': optimizer: {learning_rate: ...}",
    "learning_rte: 1": "Write it under 'optimizer': optimizer: {learning_rate: ...}",
    "epochs: 1": "Write it under 'training': training: {epochs: ...}",
    "seed: 1": "Write it under 'training': training: {seed: ...}",
    "seeds: [1]": "Several seeds are a sweep: grid: {seeds: [1, 2, 3]}",
    "training: {per_device_train_batch_size: 8}": "Did you mean 'batch_size'?",
    "training: {max_length: 8}": "Write it under 'data': data: {max_length: ...}",
    "max_seq_length: 8": "Here it is written data: {max_length: ...}",
    "dropout: 0.1": "Here it is written encoder: {dropout: ...}",
    "model_name_or_path: x": "Here it is written encoder: {path: ...}",
    "output_dir: x": "The folder is given on the command line: --output-dir FOLDER",
    "report_to: wandb": "Did you mean 'tracking'?",
    "lora: {r: 8}": "Here it is written encoder: {peft: ...}",
    "metrics: [f1]": "It is a setting of a task: TASK: {metrics: ...}",
    "delimiter: tab": "It is a setting of a task: TASK: {dataset: {delimiter: ...}}",
    "training: {tasks: [rte]}": "Write it in no section: tasks: ...",
    "mixing: {type: uniform}": "Did you mean 'strategy'?",
    "smart: {eps: 1}": "Did you mean 'epsilon'?",
    "smart: {num_steps: 1}": "Did you mean 'steps'?",
    "smart: {lr: 1}": "step_size, steps, weight",
    "optimizer: {layer_decay: 0.9}": "Write it under 'encoder': encoder: {layer_decay: ...}",
    "pcgrad: {}": "Write it under 'weighting': weighting: {pcgrad: ...}",
    "init: {path: x}": "Did you mean 'run'?",
    "folds: {n_splits: 5, count: 2}": "Did you mean 'count'?",
    "optimizer.learning_rate: 1": "In a file it is written in its section: optimizer: {learning_rate: ...}. "
    "Dots are for the command line",
    "training: {optimizer.lr: 1}": "its section: optimizer: {learning_rate: ...}. Dots are for the command line",
    "smart.weigt: 1": "its section: smart: {weight: ...}. Dots are for the command line",
    "grid: {lr: [1e-5, 2e-5]}": "Each value is an arm with a name: "
    "arms: {a: {optimizer: {learning_rate: 1e-05}}, b: {optimizer: {learning_rate: 2e-05}}}",
    "grid: {training: {epochs: [1, 2, 3]}}": "arms: {a: {training: {epochs: 1}}, b: {training: {epochs: 2}}, ...}",
    "grid: {optimizer.schedule: [linear]}": "arms: {a: {optimizer: {schedule: 'linear'}}}",
    "grid: {model: [x, y]}": "arms: {a: {encoder: {path: 'x'}}, b: {encoder: {path: 'y'}}}",
    "grid: {seed: [1, 2]}": "Did you mean 'seeds'?",
    "smart: on": "Write the name of a preset, such as 'tuned'",
    "smart: true": "Write the name of a preset, such as 'tuned'",
    "mbpp: none": "Write 'off'",
    "smart: paer": "Did you mean 'paper'?",
}
IN_TASKS = {
    "type: x": "Did you mean 'task_type'?",
    "lable: x": "Did you mean 'label'?",
    "label_column: x": "Did you mean 'label'?",
    "target: x": "Did you mean 'label'?",
    "label2id: {a: 0}": "Did you mean 'labels'?",
    "classes: [a]": "Did you mean 'labels'?",
    "text_column: x": "Did you mean 'text'?",
    "loss_weight: 2": "Did you mean 'weight'?",
    "max_seq_length: 8": "Did you mean 'max_length'?",
    "name: x": "The name of a task stands above its settings: NAME: {task_type: ...}",
    "delimiter: tab": "Write it under 'dataset': dataset: {delimiter: ...}",
    "sep: tab": "Here it is written dataset: {delimiter: ...}",
    "train_file: x": "Here it is written dataset: {files: ...}",
    "head: {lr: 2}": "Here it is written learning_rate_factor: ...",
    "freeze: true": "It is a setting of the experiment, beside 'tasks': encoder: {freeze: ...}",
    "pooling: mean": "Write it under 'head': head: {pooling: ...}",
    "class_weights: balanced": "under 'options' of the task: options: {class_weights: ...}",
    "epochs: 1": "It is a setting of the experiment, beside 'tasks': training: {epochs: ...}",
    "lr: 1": "Here it is a setting of the experiment, beside 'tasks': optimizer: {learning_rate: ...}",
}
METRIC_NAMES = {"acc": "accuracy", "matthews_correlation": "mcc", "f1_macro": "macro_f1"}


@pytest.mark.parametrize("line", IN_EXPERIMENTS)
def test_in_an_experiment(tmp_path, line):
    file = tmp_path / "e.yaml"
    file.write_text(EXPERIMENT + line + "\n")
    with pytest.raises(ConfigError) as error:
        load_experiment(file)
    assert f"{file}:3: " in str(error.value) and str(error.value).endswith(IN_EXPERIMENTS[line])


@pytest.mark.parametrize("line", IN_TASKS)
def test_in_a_task(tmp_path, line):
    file = tmp_path / "a.yaml"
    file.write_text(f"{TASK}  {line}\n")
    with pytest.raises(ConfigError) as error:
        _ = mtsmart.load_tasks(file)["a"].labels
    assert f"{file}:7: " in str(error.value) and str(error.value).endswith(IN_TASKS[line])


@pytest.mark.parametrize("metric", METRIC_NAMES)
def test_a_metric_of_another_name(tmp_path, cli, metric):
    (tmp_path / "a.yaml").write_text(f"{TASK}  metrics: [{metric}]\n")
    done = cli("tasks", "check", tmp_path / "a.yaml")
    assert done.code == 2 and f"Did you mean '{METRIC_NAMES[metric]}'?" in done.err


def test_an_option_of_another_type_is_not_offered_where_options_stand(tmp_path, cli):
    (tmp_path / "a.yaml").write_text(f"{TASK}  options: {{windows: {{stride: 8}}}}\n")
    done = cli("tasks", "check", tmp_path / "a.yaml")
    assert done.code == 2 and done.err.endswith("unknown key. Choose from: overlap, pooling\n")


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ("learning_rate=1", "Write optimizer.learning_rate=..."),
        ("training.lr=1", "Here it is written optimizer.learning_rate=..."),
        ("optimizer.lr=1", "Did you mean 'learning_rate'?"),
        ("training.tasks=rte", "Write tasks=..."),
        ("grid.lr=[1, 2]", "'grid.arms={a: {optimizer: {learning_rate: 1}}, b: {optimizer: {learning_rate: 2}}}'"),
        ("metrics=f1", "It is a setting of a task: TASK: {metrics: ...}"),
    ],
)
def test_a_change_on_the_command_line_gets_the_hint_as_a_change(change, hint):
    with pytest.raises(ConfigError) as error:
        build_experiment(Document({"tasks": ["rte"], "encoder": {"path": "x"}}), [change])
    assert str(error.value).startswith("command line: ") and str(error.value).endswith(hint)


def test_a_key_that_is_like_nothing_gets_the_sections_own_keys_first(tmp_path):
    (tmp_path / "e.yaml").write_text(f"{EXPERIMENT}zzz: 1\n")
    with pytest.raises(ConfigError, match="of this name. Choose from: name, description, tasks, .* training, tracking"):
        load_experiment(tmp_path / "e.yaml")


@pytest.mark.parametrize("registry", [METRICS, TASK_TYPES], ids=["metrics", "task types"])
def test_names_of_other_tools_are_not_ours_and_lead_to_ours(registry):
    assert registry.elsewhere
    for name, ours in registry.elsewhere.items():
        assert name not in registry and ours in registry
        with pytest.raises(ConfigError, match=f"Did you mean '{ours}'"):
            registry[name]


@pytest.mark.parametrize("name", sorted(TASK_TYPES.elsewhere))
def test_another_tools_name_of_a_task_type_leads_to_ours(name):
    hint = f"Did you mean '{TASK_TYPES.elsewhere[name]}'"
    with pytest.raises(ConfigError, match=hint):
        build_task("t", TaskDefinition(task_type=name, text=["w"], dataset={"files": {"train": "t.tsv"}}))
    with pytest.raises(ConfigError, match=hint):
        check_type(name)


@pytest.mark.parametrize(
    ("word", "options", "expected"),
    [
        ("acc", ["mcc", "accuracy", "auc"], "accuracy"),
        ("label_column", ["labels_from", "label"], "label"),
        ("f1_macro", ["f1", "macro_f1"], "macro_f1"),
        ("batch size", ["eval_batch_size", "batch_size"], "batch_size"),
        ("TEXT", ["context", "text"], "text"),
        ("lenght", ["length", "height"], "length"),
        ("xyz", ["text"], None),
        ("", ["text"], None),
        ("a", ["text"], None),
    ],
)
def test_the_nearest_name(word, options, expected):
    assert nearest(word, options) == expected
