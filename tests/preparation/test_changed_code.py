"""Encoded rows that the code of other packages has made: they are found again by the same code alone."""

import importlib
import sys
from functools import partial
from types import ModuleType

import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.perturbations import PERTURBATIONS, Perturbation
from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import TASK_TYPES, build_task
from mtsmart.tasks import TaskDefinition
from tests.conftest import write_jsonl
from tests.models.architectures import tokenizer_of

HELPER = "def changed(text):\n    return text.upper()\n"
KIND = """
from own_types.helper import changed
from mtsmart.task_types.classification import Classification

class Shouting(Classification):
    def encode(self, rows, tokenizer, max_length, with_labels):
        rows = {**rows, "text": [changed(text) for text in rows["text"]]}
        return super().encode(rows, tokenizer, max_length, with_labels)

def swapped(text, share, random):
    return changed(text)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A function that writes a package, or changes it, and imports it as a new process would."""
    folder = tmp_path / "packages" / "own_types"
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def imported(helper=HELPER):
        for name, text in {"__init__": "", "helper": helper, "kind": KIND}.items():
            (folder / f"{name}.py").write_text(text)
        forget()
        importlib.invalidate_caches()
        return importlib.import_module("own_types.kind")

    yield imported
    forget()


def forget():
    for name in [name for name in sys.modules if name.partition(".")[0] == "own_types"]:
        del sys.modules[name]


@pytest.fixture
def tokens(tmp_path):
    """A function that gives the tokens of a row as a start with some module gives them."""
    file = write_jsonl(tmp_path / "rows.jsonl", [{"text": "a red dog", "label": "yes"}])
    preparer = Preparer(tokenizer_of("BERT"), DataConfig(cache_dir=str(tmp_path / "cache"), max_length=16), None)

    def of(kind, **dataset):
        settings = {"task_type": kind, "text": ["text"], "labels": ["no", "yes"]}
        settings["dataset"] = {"files": {"validation": str(file)}}
        task = build_task("t", TaskDefinition(**settings))
        if dataset:
            settings["dataset"].update(dataset)
            task = build_task("u", TaskDefinition(**settings, share_head="t", evaluation_only=True), task)
        split = preparer.split(task, "validation")
        return preparer.tokenizer.decode(split.rows["input_ids"][0], skip_special_tokens=True), split

    return of


def stored(tmp_path):
    return sorted(file.name for file in (tmp_path / "cache" / "encoded").glob("*.arrow"))


OTHER = "def changed(text):\n    return 'blue ' + text\n"


def test_rows_of_a_changed_task_type_are_encoded_anew(package, tokens, tmp_path):
    with TASK_TYPES.lending({"shouting": package().Shouting}):
        first, split = tokens("shouting")
    before = stored(tmp_path)
    with TASK_TYPES.lending({"shouting": package().Shouting}):  # the same code in another process
        again, same = tokens("shouting")
    assert (again, same.key, stored(tmp_path)) == (first, split.key, before) and len(before) == 1
    with TASK_TYPES.lending({"shouting": package(OTHER).Shouting}):
        changed, other = tokens("shouting")
    assert changed != first and "blue" in changed and other.key != split.key and len(stored(tmp_path)) == 2


@pytest.mark.parametrize("wrapped", [lambda function: function, partial], ids=["function", "partial"])
def test_texts_of_a_changed_perturbation_are_read_anew(package, tokens, wrapped):
    shown = []
    for helper in (HELPER, OTHER):
        with PERTURBATIONS.lending({"swapped": Perturbation(wrapped(package(helper).swapped), share=1.0)}):
            shown.append(tokens("classification", perturb="swapped")[0])
    assert shown[0] != shown[1] and "blue" in shown[1]


def test_rows_of_code_that_stands_in_no_file_are_not_stored(tokens, tmp_path, monkeypatch):
    keys = set()
    for word in ("red", "blue"):
        notebook = ModuleType("a_notebook")
        monkeypatch.setitem(sys.modules, "a_notebook", notebook)
        source = KIND.replace("from own_types.helper import changed", f"changed = lambda text: '{word} car'")
        exec(source, notebook.__dict__)
        with TASK_TYPES.lending({"shouting": notebook.Shouting}):
            shown, split = tokens("shouting")
        assert word in shown and split.cut == 0 and split.dropped == 0
        keys.add(split.key)
    assert stored(tmp_path) == [] and len(keys) == 1  # A run that is resumed reads the same data.
