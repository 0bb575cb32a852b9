"""Wrong types at the Python interface: each is one MtsmartError that names the argument, and nothing is written."""

import inspect
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

import mtsmart
from tests.reliability.refusals import contents

WRONG = {
    "a number": 3,
    "bytes": b"x",
    "an object": object(),
    "a list of a number": [1],
    "None": None,
    "a mapping": {1: 2},
}
FITS = {("sweep", "jobs"): ("a number",), ("merge", "weights"): ("a list of a number",)}
RIGHT = {
    "train": {"experiment": "e.yaml"},
    "finetune": {"run": "run", "task": "color"},
    "merge": {"runs": ["run", "run"], "output_dir": "merged"},
    "export": {"run": "run", "task": "color", "folder": "exported"},
    "push": {"source": "run", "repository": "me/colors"},
    "submit": {"board": "glue", "run": "run", "output": "glue.zip"},
    "evaluate_suite": {"run": "run", "suite": "color"},
    "report": {"runs": "run", "output": "page.html"},
    "sweep": {"file": "e.yaml"},
    "load": {"run": "run"},
    "LoadedRun": {"folder": "run"},
    "LoadedRun.task": {"name": "color"},
    "LoadedRun.evaluate": {},
    "LoadedRun.has_head_for": {"task": "color"},
    "LoadedRun.predict": {"task": "color", "rows": [{"text": "a"}]},
    "LoadedRun.predict_proba": {"task": "color", "rows": [{"text": "a"}]},
    "LoadedRun.predictor": {"task": "color"},
    "LoadedRun.tell_untrained": {"names": ["color"]},
    "LoadedRun.max_length": {"task": "color"},
    "LoadedRun.lengths": {"task": "color", "split": "train"},
    "LoadedRun.is_untrained": {"task": "color"},
    "LoadedRun.source_of": {"task": "color", "file": "d.jsonl"},
    "TaskDefinition.split": {"name": "train"},
}


def public(name):
    owner, _, method = name.partition(".")
    return getattr(getattr(mtsmart, owner), method) if method else getattr(mtsmart, owner)


def cases():
    for name in RIGHT:
        for parameter in inspect.signature(public(name)).parameters.values():
            for kind in WRONG:
                is_default = kind == "None" and parameter.default is None
                if parameter.name != "self" and not is_default and kind not in FITS.get((name, parameter.name), ()):
                    yield name, parameter.name, kind


def test_all_public_functions_are_in_the_table():
    exported = {
        name for name in mtsmart.__all__ if name not in ("MtsmartError", "Interrupted", "Run", "TaskDefinition")
    }
    methods = {
        f"{owner.__name__}.{name}"
        for owner in (mtsmart.Run, mtsmart.LoadedRun)
        for name, member in vars(owner).items()
        if inspect.isfunction(member) and not name.startswith("_") and len(inspect.signature(member).parameters) > 1
    }
    assert exported | methods == {*RIGHT, "load_tasks"} - {"TaskDefinition.split"}


@pytest.fixture(scope="module")
def loaded(trained):
    return mtsmart.load(trained / "run")


@pytest.fixture
def place(trained, tmp_path, monkeypatch):
    """A folder with an experiment, and the finished run beside it."""
    for name in ("e.yaml", "t.yaml", "d.jsonl", "v.jsonl", "run"):
        (tmp_path / name).symlink_to(trained / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "parameter", "kind"), list(cases()))
def test_a_wrong_type_is_one_error(place, loaded, name, parameter, kind):
    before = sorted(place.rglob("*"))
    owner = {"LoadedRun": loaded, "TaskDefinition": loaded.definitions["color"]}.get(name.partition(".")[0])
    function = getattr(owner, name.partition(".")[2]) if "." in name else public(name)
    with pytest.raises(mtsmart.MtsmartError, match=f"^{parameter}: (item 1 )?should be ") as error:
        function(**{**RIGHT[name], parameter: WRONG[kind]})
    assert "\n" not in str(error.value)
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("kind", [kind for kind in WRONG if kind != "a list of a number"])
def test_a_wrong_task_file_is_one_error(kind):
    with pytest.raises(mtsmart.MtsmartError, match="^files: item 2 should be a path, got"):
        mtsmart.load_tasks(Path("tasks.yaml"), WRONG[kind])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mtsmart.load("run", "t.yaml"), "task_files: should be a list, got 't.yaml'. Put it into a list: ['t.yaml']"),
        (lambda: mtsmart.load("a\0b"), "run: should be a path, got 'a\\x00b'"),
        (lambda: mtsmart.load("run", device="gpu"), "device: torch cannot compute on this device, got 'gpu'. Choose from: cpu"),
        (lambda: mtsmart.load("run", device="meta"), "device: torch cannot compute on this device, got 'meta'"),
        (lambda: mtsmart.train({"name": "x"}), "experiment: tasks: is required but missing"),
        (lambda: mtsmart.train({"tasks": {"a": object}}), "experiment: tasks.a: is not a value that an experiment can hold, got <class"),
        (lambda: mtsmart.train({"tasks": {"a": {1: 2}}}), "experiment: tasks.a: has a key that is not a text, got 1"),
        (lambda: mtsmart.train({"tasks": ["a"], "extends": "gone.yaml"}), "experiment: extends: there is no such file, got 'gone.yaml'"),
        (lambda: mtsmart.train("e.yaml", callback=3), "callback: should be a Callback or None, got 3"),
        (lambda: mtsmart.train("e.yaml", resume=1), "resume: should be True or False, got 1"),
        (lambda: mtsmart.train("e.yaml", [3]), "overrides: item 1 should be a text, got 3"),
        (lambda: mtsmart.sweep("e.yaml", jobs=True), "jobs: should be a whole number or None, got True"),
    ],
)  # fmt: skip
def test_the_error_says_what_is_right(place, call, message):
    before = contents(place)
    with pytest.raises(mtsmart.MtsmartError) as error:
        call()
    assert str(error.value).startswith(message)
    assert contents(place) == before


ROWS = {
    "nothing": ([{"text": "a"}, None], "rows: item 2 should be a text or a mapping with texts as keys, got None"),
    "a list of lists": ([["a"]], "rows: item 1 should be a text or a mapping with texts as keys, got ['a']"),
    "another column": ({"txt": "a"}, "row 1: text: there is no such column. Did you mean 'txt'?"),
    "a table of two types": (pandas.DataFrame({"text": ["a", 3]}), "rows: cannot be read as a table: "),
    "numbers as keys": ([{1: "a"}], "rows: item 1 should be a text or a mapping with texts as keys, got {1: 'a'}"),
    "another type": ([{"text": "a"}, {"text": 3}], "row 2: text: is of another type than the values of the rows before it, got 3"),
    "a list": ([{"text": "a"}, {"text": None}, {"text": ["b"]}], "row 3: text: is of another type than the values of the"),
    "an object": ([{"text": print}], "row 1: text: is not a value that a table can hold, got <built-in"),
    "no Unicode": ([{"text": "\ud800"}], r"row 1: text: is not a value that a table can hold, got '\ud800'"),
    "too large": ([{"text": 10**30}], "row 1: text: is not a value that a table can hold, got 1000"),
    "bytes": ([{"text": b"a"}], "row 1: text: is not a text, got b'a'"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ROWS))
def test_rows_for_predictions(loaded, name):
    rows, message = ROWS[name]
    with pytest.raises(mtsmart.MtsmartError) as error:
        loaded.predict("color", rows)
    assert str(error.value).startswith(message)


def test_iterables_of_any_kind_are_taken(loaded):
    rows = [{"text": "a red house"}, {"text": "blue"}]
    predicted = loaded.predict("color", rows)
    assert predicted == loaded.predict("color", (row for row in rows))
    assert loaded.evaluate("color") == loaded.evaluate(name for name in ["color"])


SHARES = {"numpy": np.array([0.25, 0.75], dtype="float32"), "torch": torch.tensor([0.25, 0.75])}
SCALARS = {
    "numpy": lambda value: np.array(value, dtype={bool: bool, int: "int32", float: "float32"}[type(value)])[()],
    "torch": torch.tensor,
}


@pytest.mark.parametrize("library", list(SCALARS))
def test_single_numbers_of_other_libraries_are_numbers(place, library):
    scalar = SCALARS[library]
    settings = {
        "training": {"max_updates": scalar(1), "compile": scalar(False), "seed": scalar(3)},
        "mbpp": {"beta": scalar(0.5)},
    }
    run = mtsmart.train({"extends": "e.yaml", **settings}, output_dir="other", resume=scalar(False))
    config = run.load().config
    assert (config.training.max_updates, config.training.compile, config.training.seed) == (1, False, 3)
    assert "beta: 0.5" in (run.path / "config.yaml").read_text()
    merged = [
        mtsmart.merge(["run", "run"], weights, output_dir=name)
        for name, weights in (
            ("plain", [0.25, 0.75]),
            ("scalars", [scalar(0.25), scalar(0.75)]),
            ("array", SHARES[library]),
        )
    ]
    written = [sorted((path.name, path.read_bytes()) for path in each.path.rglob("*.safetensors")) for each in merged]
    assert written[0] == written[1] == written[2]


def test_names_of_arguments_are_still_python_s_own_affair():
    with pytest.raises(TypeError, match="callbacks"):
        mtsmart.train("e.yaml", callbacks=[])
