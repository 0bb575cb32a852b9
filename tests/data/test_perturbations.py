"""Perturbed texts: each change is of its kind, seeded by the text alone, and only where it has a meaning."""

import json
import os
import subprocess
import sys
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsmart.config.document import Document
from mtsmart.config.sections import DataConfig
from mtsmart.config.strict import Misfit
from mtsmart.config.validate import validate
from mtsmart.data.perturbations import PERTURBATIONS, Perturbation, perturbed
from mtsmart.data.perturbations.synonyms import synonyms
from mtsmart.data.sources import load_split
from mtsmart.errors import ConfigError
from mtsmart.preparation.data_checks import plain_tokenizer
from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import build_task
from mtsmart.tasks.dataset import PerturbConfig
from mtsmart.tasks.definition import TaskDefinition
from tests.conftest import write_jsonl

TEXT = "The physician was happy to obtain a big automobile, although the journey was tedious."
WORDS = st.one_of(st.sampled_from([*TEXT.split(), *synonyms(), "HUGE", "don't", "über", "\u00a0"]), st.text())
TEXTS = st.one_of(st.text(), st.lists(WORDS, max_size=12).map(" ".join))
SETTINGS = st.builds(
    dict, share=st.one_of(st.none(), st.floats(0, 1, exclude_min=True)), seed=st.integers(0, 2**32 - 1)
)


def changed(text, kind, **settings):
    return perturbed(text, PerturbConfig(kind=kind, **settings))


def differing(one, other):
    return sum(a != b for a, b in zip(one.split(), other.split(), strict=True))


def test_a_change_depends_on_seed_and_text_alone():
    kinds = ["typos", "word_order", "synonyms"]
    for kind in kinds:
        results = {changed(TEXT, kind, seed=seed, share=0.3) for seed in range(20)}
        assert TEXT not in results and len(results) > 1
    program = (
        "from mtsmart.data.perturbations import perturbed; from mtsmart.tasks.dataset import PerturbConfig\n"
        f"for kind in {kinds}: print(perturbed({TEXT!r}, PerturbConfig(kind=kind, seed=3, share=0.3)))"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, check=True, text=True)
    assert run.stdout.splitlines() == [changed(TEXT, kind, seed=3, share=0.3) for kind in kinds]


@given(text=TEXTS, settings=SETTINGS)
def test_typos_leave_the_number_of_words_and_all_short_ones(text, settings):
    result = changed(text, "typos", **settings)
    assert len(result.split()) == len(text.split())
    for word, other in zip(text.split(), result.split(), strict=True):
        assert word == other or (len(word) >= 4 and abs(len(word) - len(other)) <= len(word) // 4)
    assert result == changed(text, "typos", **settings)


def test_typos_are_of_four_kinds_in_a_share_of_the_words():
    found = {changed("cheap", "typos", seed=seed) for seed in range(400)}
    assert "cheap" not in found
    assert {"cehap", "chep", "cheeap", "chwap"} <= found  # swapped, dropped, doubled, a neighbouring key
    assert not {"hceap", "chepa", "chzap"} & found  # the outer letters keep their places, and z is far from e
    words = " ".join(["thousand"] * 100)
    assert differing(changed(words, "typos"), words) == 15
    assert differing(changed(words, "typos", share=1), words) == 100
    assert differing(changed("a few thousand of us", "typos"), "a few thousand of us") == 1
    assert changed("it is so", "typos") == "it is so"


@given(text=TEXTS, settings=SETTINGS)
def test_word_order_keeps_the_words_and_the_blanks(text, settings):
    result = changed(text, "word_order", **settings)
    assert Counter(result.split()) == Counter(text.split())
    assert len(result) == len(text)
    assert (result == text) == (len(set(text.split())) < 2)


def test_word_order_swaps_neighbours_only():
    words = [str(number) for number in range(101)]
    result = changed(" ".join(words), "word_order").split()
    assert differing(" ".join(result), " ".join(words)) == 30  # 15 of 100 pairs
    assert all(abs(place - int(word)) <= 1 for place, word in enumerate(result))
    assert changed("so\tit  is", "word_order", seed=1) in ("it\tso  is", "so\tis  it")
    assert changed("alone", "word_order") == "alone"


@given(text=TEXTS, settings=SETTINGS)
def test_synonyms_leave_the_number_of_words_and_what_is_not_listed(text, settings):
    result = changed(text, "synonyms", **settings)
    assert len(result.split()) == len(text.split())
    if not any(word in text.lower() for word in synonyms()):
        assert result == text


def test_synonyms_keep_case_and_fit_their_article():
    assert changed(TEXT, "synonyms") == ("The doctor was glad to get a large car, though the journey was boring.")
    assert changed("Physicians, HUGE and hAppy", "synonyms") == "Doctors, ENORMOUS and hAppy"
    assert changed("a huge dog, an entire day, the huge dog", "synonyms") == (
        "a huge dog, an entire day, the enormous dog"
    )
    assert changed("big-hearted, big's", "synonyms") == "big-hearted, big's"
    one = changed("big big big big big", "synonyms", share=0.2)
    assert one.split().count("large") == 1


def test_the_list_of_synonyms_is_of_single_words():
    assert len(synonyms()) >= 200
    for word, other in synonyms().items():
        assert word != other and (word + other).isalpha() and (word + other).islower()


def definition(tmp_path, rows, **changes):
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {"files": {"validation": str(tmp_path / "d.jsonl")}, "perturb": changes.pop("perturb", "typos")}
    task = {"task_type": "classification", "dataset": source, "text": ["a", "b"], "labels": ["large", "small"]}
    shared = {"share_head": "other", "evaluation_only": True}
    return validate(TaskDefinition, Document({**task, **shared, **changes}, {}))


ROWS = [{"a": f"{TEXT} {n}", "b": "nothing wonderful", "big": "big film", "label": "large"} for n in range(8)]


def read(tmp_path, rows, **changes):
    loaded = load_split("t", definition(tmp_path, rows, **changes), "validation", ["a", "b", "big"], DataConfig())
    return {name: list(loaded[name]) for name in loaded.column_names}


def test_all_texts_of_a_row_are_changed_and_nothing_else(tmp_path):
    plain = read(tmp_path, ROWS, perturb=None)
    texts = read(tmp_path, ROWS, perturb={"kind": "synonyms", "seed": 1})
    assert list(texts) == list(plain)
    assert texts["a"] == [changed(text, "synonyms", seed=1) for text in plain["a"]]
    assert texts["b"] == ["nothing marvelous"] * len(ROWS)
    assert all(texts[name] == plain[name] for name in ("big", "label", "row"))


def test_a_rows_change_does_not_depend_on_the_other_rows(tmp_path):
    forward = read(tmp_path, ROWS)
    assert forward != read(tmp_path, ROWS, perturb=None)
    assert read(tmp_path, ROWS[::-1])["a"] == forward["a"][::-1]
    assert read(tmp_path, ROWS[3:4])["a"] == forward["a"][3:4]


def test_a_missing_text_and_a_text_made_of_columns(tmp_path):
    rows = [*ROWS, {**ROWS[0], "a": None}]
    assert read(tmp_path, rows)["a"][-1] is None
    task = definition(tmp_path, ROWS, text=["{b}: {big}"], perturb="synonyms")
    loaded = load_split("t", task, "validation", ["{b}: {big}"], DataConfig())
    assert loaded["{b}: {big}"][0] == "nothing marvelous: large movie"


def test_the_only_column_of_rows_without_labels_is_changed(tmp_path):
    task = definition(tmp_path, [{"a": row["a"]} for row in ROWS], text=["a"])
    loaded = load_split("t", task, "validation", ["a"], DataConfig())
    assert loaded.column_names == ["a", "row"]
    assert loaded["a"][:] == [changed(row["a"], "typos") for row in ROWS]


def test_only_tasks_that_are_never_trained_have_it(tmp_path):
    with pytest.raises((Misfit, ConfigError), match="changes the texts of tasks that are never trained") as caught:
        definition(tmp_path, ROWS, evaluation_only=False)
    assert "dataset.perturb" in str(caught.value) and "evaluation_only: true" in str(caught.value)


@pytest.mark.parametrize("share", [0, 1.5])
def test_a_share_is_above_0_and_at_most_1(tmp_path, share):
    with pytest.raises(ConfigError, match=r"dataset\.perturb\.share"):
        definition(tmp_path, ROWS, perturb={"kind": "typos", "share": share})


@pytest.mark.parametrize("kind", ["span", "tagging", "masked_lm", "multiple_choice", "ranking"])
def test_labels_that_are_places_in_the_texts_are_refused(workspace, cli, kind):
    texts = {"span": "[a, b]", "tagging": "[a]", "masked_lm": "[a]", "ranking": "[a, b]", "multiple_choice": "[a]"}
    more = {"tagging": "labels: [O, B-X, I-X], ", "multiple_choice": "options: {choices: [b, c]}, "}
    more |= {"ranking": "options: {group: q}, "}
    base = f"{{task_type: {kind}, text: {texts[kind]}, {more.get(kind, '')}dataset: {{files: {{train: d.jsonl"
    tasks = f"owner: {base}}}}}}}\nshaken: {base}}}, perturb: typos}}, share_head: owner, evaluation_only: true}}\n"
    workspace.tasks.write_text(tasks)
    result = cli("tasks", "check", workspace.tasks)
    assert (result.code, result.out) == (2, "")
    assert "shaken.dataset.perturb: is for tasks whose labels are about the texts as a whole (" in result.err
    assert f"not for task type '{kind}', got 'typos'" in result.err


SHAKEN = """
shaken:
  task_type: classification
  dataset: {files: {validation: color_validation.jsonl}, perturb: typos}
  text: [text]
  labels: [other, red]
  share_head: color
  evaluation_only: true
  metrics: [accuracy]
"""


def test_an_unknown_kind_has_a_nearest_one(workspace, cli):
    workspace.tasks.write_text(workspace.tasks.read_text() + SHAKEN.replace("perturb: typos", "perturb: typo"))
    result = cli("tasks", "check", workspace.tasks)
    assert (result.code, result.out) == (2, "")
    assert "shaken.dataset.perturb: unknown kind of perturbation, got 'typo'" in result.err
    assert "Did you mean 'typos'" in result.err


def test_a_run_scores_the_changed_rows(workspace, cli):
    """In training and later, as a file that somebody has changed by hand."""

    def emptied(text: str, share: float, random: Random) -> str:
        return "the same"

    workspace.tasks.write_text(workspace.tasks.read_text() + SHAKEN.replace("perturb: typos", "perturb: emptied"))
    workspace.write_experiment(workspace.experiment.read_text().replace("[color, near]", "[color, shaken]"))
    with PERTURBATIONS.lending({"emptied": Perturbation(emptied, 1.0)}):
        trained = cli("train", workspace.experiment, "training.max_updates=3", "-o", "run")
        assert trained.code == 0, trained.err
        stored = json.loads((workspace.folder / "run" / "results.json").read_text())["tasks"]
        evaluated = json.loads(cli("evaluate", "run", "--json").out)["tasks"]
    assert evaluated["shaken"] == stored["shaken"]
    assert evaluated["color"] == stored["color"] != stored["shaken"]
    rows = [json.loads(line) for line in (workspace.folder / "color_validation.jsonl").read_text().splitlines()]
    write_jsonl(workspace.folder / "emptied.jsonl", [{**row, "text": "the same"} for row in rows])
    by_hand = json.loads(cli("evaluate", "run", "--task", "color", "--file", "emptied.jsonl", "--json").out)["tasks"]
    assert by_hand["color"]["accuracy"] == stored["shaken"]["accuracy"]


def test_another_perturbation_of_the_same_file_is_not_found_in_the_cache(tmp_path):
    preparer = Preparer(plain_tokenizer(), DataConfig(cache_dir=str(tmp_path / "cache")), None)
    changes = {"perturb": None, "share_head": None, "evaluation_only": False}
    owner = build_task("other", definition(tmp_path, ROWS, **changes))
    keys = []
    for perturb in (None, "typos", {"kind": "typos", "seed": 1}, "word_order", "typos", None):
        task = build_task("t", definition(tmp_path, ROWS, perturb=perturb), owner)
        keys.append(preparer.split(task, "validation").key)
    assert len(set(keys)) == 4
    assert keys[-2:] == [keys[1], keys[0]]
