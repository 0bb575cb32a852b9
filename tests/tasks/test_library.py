"""Finding and merging task definitions."""

import pytest

from mtsmart.config import load_experiment
from mtsmart.errors import ConfigError
from mtsmart.tasks import TaskLibrary, select_tasks

EXPERIMENT = "encoder: {path: x}\n"


def select(tmp_path, tasks, overrides=()):
    return {name: entry.definition for name, entry in entries(tmp_path, tasks, overrides).items()}


def entries(tmp_path, tasks, overrides=()):
    (tmp_path / "e.yaml").write_text(EXPERIMENT + tasks)
    return select_tasks(load_experiment(tmp_path / "e.yaml", overrides))


def test_names_suites_and_patterns(tmp_path):
    assert list(select(tmp_path, "tasks: [rte, anli]")) == ["rte", "anli_r1", "anli_r2", "anli_r3"]
    assert list(select(tmp_path, "tasks: ['quick_[es]*']")) == ["quick_entail", "quick_similar"]


def test_an_experiment_changes_a_definition_without_touching_the_rest(tmp_path):
    tasks = select(tmp_path, "tasks:\n  snli: {splits: {train: 'train[:5]'}, weight: 2}\n", ["tasks.snli.max_length=9"])
    assert (tasks["snli"].split("train"), tasks["snli"].split("test")) == ("train[:5]", "test")
    assert (tasks["snli"].weight, tasks["snli"].max_length) == (2, 9)
    assert TaskLibrary()["snli"].weight == 1


def test_a_task_may_be_defined_in_the_experiment(tmp_path):
    tasks = select(
        tmp_path,
        "tasks:\n  mine:\n    task_type: regression\n    dataset: {files: {train: d.csv}}\n    text: [a]\n",
    )
    assert tasks["mine"].dataset.files == {"train": str((tmp_path / "d.csv").resolve())}


def test_a_single_text_column_may_be_written_without_a_list(tmp_path):
    (tmp_path / "t.yaml").write_text("mine: {task_type: regression, dataset: {path: x}, text: body}\n")
    assert TaskLibrary([tmp_path])["mine"].text == ["body"]


def test_a_new_task_needs_at_most_fifteen_lines():
    from mtsmart.resources import shipped

    text = (shipped("tasks") / "nli.yaml").read_text()
    blocks = [block for block in text.split("\n\n") if "task_type" in block]
    assert blocks
    assert all(len(block.strip().splitlines()) <= 15 for block in blocks)


def test_shared_heads_must_be_there(tmp_path):
    assert list(select(tmp_path, "tasks: [mnli, mnli_mismatched, hans]")) == ["mnli", "mnli_mismatched", "hans"]
    with pytest.raises(ConfigError, match=r"hans: shares the head of 'mnli', which is not among the tasks"):
        select(tmp_path, "tasks: [hans]")


def test_a_suite_beside_a_task_leaves_the_tasks_settings(tmp_path):
    for tasks in ("{quick_similar: {weight: 0.5}, quickstart: }", "{quickstart: , quick_similar: {weight: 0.5}}"):
        selected = select(tmp_path, f"tasks: {tasks}\n")
        assert {name: task.weight for name, task in selected.items()} == {
            "quick_attitude": 1,
            "quick_entail": 1,
            "quick_paraphrase": 1,
            "quick_similar": 0.5,
        }


def test_a_shorter_list_keeps_the_settings_of_what_stays(tmp_path):
    tasks = select(tmp_path, "tasks:\n  rte:\n  snli: {splits: {train: 'train[:5]'}}\n", ["tasks=[snli]"])
    assert list(tasks) == ["snli"]
    assert tasks["snli"].split("train") == "train[:5]"


def test_an_inline_tasks_files_stay_beside_the_file_that_names_them(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    inline = "tasks:\n  mine: {task_type: regression, dataset: {files: {train: d.csv}}, text: [a]}\n"
    tasks = select(tmp_path, inline, ["tasks.mine.weight=2"])
    assert (tasks["mine"].weight, tasks["mine"].dataset.files["train"]) == (2, str((tmp_path / "d.csv").resolve()))


def test_smart_may_be_switched_off_for_a_task_by_one_word(tmp_path):
    assert select(tmp_path, "tasks: {rte: {smart: off}}\n")["rte"].parts["smart"].preset == "off"


def test_columns_must_differ(tmp_path):
    for text, label in (("[a, a]", "y"), ("[a, y]", "y"), ("[row]", "y")):
        with pytest.raises(ConfigError, match="columns must differ, and none may be called 'row'"):
            select(
                tmp_path,
                f"tasks:\n  m: {{task_type: regression, dataset: {{path: x}}, text: {text}, label: {label}}}\n",
            )


def test_a_head_is_shared_only_within_a_task_type(tmp_path):
    from mtsmart.task_types import build_tasks

    inline = "tasks:\n  rte:\n  m: {task_type: regression, dataset: {path: x}, text: [a], share_head: rte}\n"
    with pytest.raises(ConfigError, match=r"e\.yaml:\d+: tasks\.m\.share_head: is a regression and cannot share"):
        build_tasks(entries(tmp_path, inline))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("metrics: [f2]", r"e\.yaml:5: tasks\.mine\.metrics: does not go with .* got 'f2'"),
        ("loss: mes", r"e\.yaml:5: tasks\.mine\.loss: does not go with .* got 'mes'"),
        (
            "head: {type: nativ}",
            r"e\.yaml:5: tasks\.mine\.head\.type: does not go with .* got 'nativ'\. Did you mean",
        ),
    ],
)
def test_what_a_task_type_refuses_is_told_with_its_line(tmp_path, change, message):
    from mtsmart.task_types import build_tasks

    (tmp_path / "e.yaml").write_text(
        "encoder: {path: x}\ntasks:\n  mine:\n    task_type: regression\n"
        f"    {change}\n    dataset: {{path: x}}\n    text: [a]\n"
    )
    with pytest.raises(ConfigError, match=message):
        build_tasks(select_tasks(load_experiment(tmp_path / "e.yaml")))
