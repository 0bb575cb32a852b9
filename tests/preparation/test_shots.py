"""A few training rows of each label: exactly so many, the same in any order, and written down in the run."""

import warnings
from collections import Counter

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsmart.config.document import Document
from mtsmart.config.loader import load_experiment
from mtsmart.config.validate import validate
from mtsmart.errors import ConfigError, MtsmartWarning
from mtsmart.preparation.shots import draw_shots
from mtsmart.runs.folder import resolved_config
from mtsmart.task_types import build_task
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.training.setup import prepare

LABELS = ["low", "normal", "high"]


def task(**changes):
    base = {"task_type": "classification", "dataset": {"files": "d.csv"}, "text": ["text"], "labels": LABELS}
    return build_task("t", TaskDefinition(**{**base, **changes}))


def drawn(rows, seed=0, **changes):
    table = datasets.Dataset.from_list([{**row, "row": number} for number, row in enumerate(rows)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MtsmartWarning)
        found, _ = draw_shots(task(shots_seed=seed, **changes), table, "t")
    return found.to_list()


ROWS = st.lists(
    st.fixed_dictionaries({"text": st.sampled_from("abcdefgh"), "label": st.sampled_from(LABELS)}), min_size=1
)


@settings(max_examples=40)
@given(rows=ROWS, shots=st.integers(1, 6), seed=st.integers(0, 3), data=st.data())
def test_there_are_exactly_so_many_of_each_label_in_whatever_order_the_rows_stand(rows, shots, seed, data):
    found = drawn(rows, seed, shots=shots)
    have = Counter(row["label"] for row in rows)
    assert Counter(row["label"] for row in found) == {label: min(shots, count) for label, count in have.items()}
    assert [row["row"] for row in found] == sorted(row["row"] for row in found)
    other = drawn(data.draw(st.permutations(rows)), seed, shots=shots)
    content = [Counter((row["text"], row["label"]) for row in each) for each in (found, other)]
    assert content[0] == content[1]


def test_another_seed_draws_other_rows():
    rows = [{"text": str(number), "label": LABELS[number % 3]} for number in range(90)]
    first, again, other = (drawn(rows, seed, shots=4) for seed in (1, 1, 2))
    assert first == again != other


def test_spellings_of_one_label_are_one_label():
    rows = [{"text": str(number), "label": label} for number, label in enumerate(["low", "LOW ", "Low", "high"])]
    assert Counter(row["label"].strip().lower() for row in drawn(rows, shots=2)) == {"low": 2, "high": 1}


def test_a_label_with_fewer_rows_is_told():
    rows = [{"text": str(n), "label": label, "row": n} for n, label in enumerate(["low", "low", "low", "high"])]
    with pytest.warns(MtsmartWarning, match=r"^place: fewer rows than shots: 2, so all are taken: 'high' has 1$"):
        draw_shots(task(shots=2), datasets.Dataset.from_list(rows), "place")


OTHERS = {
    "regression": ({"labels": None, "label": "score"}, "task type 'regression'"),
    "multi_label": ({}, "task type 'multi_label'"),
    "tagging": ({}, "task type 'tagging'"),
    "classification": ({"options": {"soft_labels": True}}, "soft labels"),
}


@pytest.mark.parametrize("kind", list(OTHERS))
def test_other_tasks_are_refused_with_the_types_that_fit(kind):
    changes, named = OTHERS[kind]
    with pytest.raises(ConfigError) as error:
        task(task_type=kind, shots=8, **changes)
    fitting = "for tasks with one label a row (classification, ordinal)"
    assert str(error.value).startswith(f"t.shots: is {fitting}, and does not go with {named}, got 8")


def test_the_key_of_before_is_answered_with_the_new_one():
    data = {"task_type": "classification", "text": ["text"], "dataset": {"files": "d.csv", "few": 8}}
    with pytest.raises(ConfigError, match=r"dataset\.few: unknown key\. Write 'shots' beside 'dataset'"):
        validate(TaskDefinition, Document(data))


def test_a_run_writes_down_what_draws_the_same_rows_again(workspace):
    """The experiment's seed becomes the task's, so that a run with another seed, which continues, draws them too."""
    plain = prepare(load_experiment(workspace.experiment, ["tasks=[color]"]))
    few = ["tasks=[color]", "tasks.color.shots=3", "training.seed=5"]
    setup = prepare(load_experiment(workspace.experiment, few))
    assert Counter(setup.train["color"].rows["labels"]) == {0: 3, 1: 3}
    assert setup.validation["color"].key == plain.validation["color"].key
    written = resolved_config(setup.config, setup.definitions).tasks["color"]
    assert (written["shots"], written["shots_seed"]) == (3, 5)
    again, other = (
        prepare(load_experiment(workspace.experiment, [*few, f"training.seed={seed}", *more]))
        for seed, more in ((6, ["tasks.color.shots_seed=5"]), (6, []))
    )
    assert setup.train["color"].key == again.train["color"].key != other.train["color"].key


@pytest.mark.parametrize("override", ["tasks.near.shots=8", "tasks.near={shots: 8}", "tasks={near: {shots: 8}}"])
def test_shots_of_the_command_line_for_a_task_without_labels_are_told_there(workspace, cli, override):
    result = cli("train", workspace.experiment, override)
    assert result.code == 2 and result.err.startswith("mtsmart: command line: tasks.near.shots: is for tasks with one")
