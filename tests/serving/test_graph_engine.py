"""An exported graph behind the server: the run's answers and refusals, in a process without torch."""

import json
import shutil
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mtsmart
from mtsmart.serving.run_engine import RunEngine
from tests.conftest import WORDS
from tests.exporting.graphs.bare import assert_equal_predictions
from tests.packaging.test_docker import FILES, named_packages
from tests.serving.at_work import serving, serving_process
from tests.serving.conftest import EXAMPLES, example

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (pip install 'mtsmart[onnx]')")

LONG = "red " * 60
WITH_FEW_PACKAGES = """
import json, sys
for name in json.loads(sys.argv[1]):
    sys.modules[name] = None  # Whoever imports it gets an ImportError.
from mtsmart.cli.app import main
sys.argv = ["mtsmart", *sys.argv[2:]]
main()
"""


@pytest.fixture(scope="module")
def graph(run_of_every_type, tmp_path_factory):
    """The folder of a graph with all tasks of the run."""
    folder = tmp_path_factory.mktemp("graph") / "graph"
    mtsmart.export(run_of_every_type, [*EXAMPLES, "renamed"], folder, form="onnx")
    return folder


@pytest.fixture(scope="module")
def engine(graph):
    from mtsmart.serving.graph_engine import GraphEngine

    return GraphEngine(graph)


@pytest.fixture(scope="module")
def of_graph(engine):
    """A server in front of the graph; ``client`` is one in front of the run."""
    with serving(engine) as client:
        yield client


def test_its_tasks_are_those_of_the_run(engine, client):
    of_run = {one["name"]: one for one in client.get("/tasks").json["tasks"]}
    assert {name: one.to_json() for name, one in engine.tasks.items()} == {name: of_run[name] for name in engine.tasks}


def test_it_knows_which_tasks_read_long_inputs_in_parts(engine, every_type):
    of_run = RunEngine(every_type).tasks
    assert {name: one.parts for name, one in engine.tasks.items()} == {
        name: of_run[name].parts for name in engine.tasks
    }


def rows_of(name):
    """The rows of an example, with a long one, without labels."""
    definition = example(name).DEFINITION
    options = definition.get("options", {})
    columns = [*definition["text"], *(options[key] for key in ("choices", "group") if key in options)]
    rows = [{column: row[column] for column in columns} for row in example(name).ROWS]
    rows.append({**rows[0], columns[0]: " ".join(WORDS[:14])})
    if name == "tagging":
        rows[-1] = {columns[0]: [*WORDS, *WORDS]}
    if name == "ranking":
        rows[-1][options["group"]] = "another"
    return [{"text": f"[MASK] {row['text']}"} for row in rows] if name == "masked_lm" else rows


QUESTIONS = {
    **{name: {"tasks": name, "rows": rows_of(name)} for name in EXAMPLES},
    "texts": {"tasks": ["multi_label", "ordinal", "regression", "renamed"], "texts": ["the red dog", "a", LONG]},
    "words": {"tasks": ["ordinal", "tagging"], "texts": '["a", "dog"] and'},
    "pairs": {"tasks": ["classification", "span"], "texts": [["is a house small", "a small house"]]},
    "nothing": {"tasks": ["ordinal", "regression"], "rows": [{"text": None}]},
    "no list": {"tasks": "multiple_choice", "rows": {**rows_of("multiple_choice")[0], "text": None}},
    "some": {"tasks": "ordinal", "rows": [{"text": "a dog"}, {"text": ""}, {"text": LONG}]},
    "cut lists": {"tasks": "ranking", "rows": [*rows_of("ranking"), {**rows_of("ranking")[0], "candidate": LONG}]},
    "a long question": {"tasks": "span", "rows": {"question": LONG, "context": "a"}},
    "no words": {"tasks": "span", "rows": [{"question": "a", "context": " "}, {"question": "a", "context": "a cat"}]},
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_those_of_the_run(client, of_graph, question):
    expected, found = client.ask(QUESTIONS[question]), of_graph.ask(QUESTIONS[question])
    assert (expected.status, found.status) == (200, 200), (expected.body, found.body)
    assert_equal_predictions(expected.json, found.json)


def test_some_of_these_questions_are_cut(of_graph):
    cut = [name for name in QUESTIONS if "warnings" in of_graph.ask(QUESTIONS[name]).json]
    assert {"texts", "some", "cut lists", "a long question"} <= {*cut} and len(cut) < len(QUESTIONS)


REFUSED = {
    "an unknown task": {"tasks": "ordinals", "texts": "a"},
    "one text for a pair": {"tasks": "span", "texts": "a"},
    "texts for lists": {"tasks": "multiple_choice", "texts": "a"},
    "a number": {"tasks": "ordinal", "rows": [{"text": "a"}, {"text": 3}]},
    "all numbers": {"tasks": "ordinal", "rows": {"text": 3}},
    "a mapping": {"tasks": "ordinal", "rows": {"text": {"a": "b"}}},
    "no column": {"tasks": "ordinal", "rows": {"texts": "a"}},
    "no mask": {"tasks": "masked_lm", "rows": [{"text": "[MASK]"}, {"text": "a"}]},
    "words that are none": {"tasks": "tagging", "rows": {"words": [1, 2]}},
    "another query": {
        "tasks": "ranking",
        "rows": [rows_of("ranking")[0], {**rows_of("ranking")[0], "query": "another"}],
    },
}


@pytest.mark.parametrize("question", REFUSED)
def test_refusals_are_those_of_the_run(client, of_graph, question):
    expected, found = client.ask(REFUSED[question]), of_graph.ask(REFUSED[question])
    assert expected.status == found.status == 422, (expected.body, found.body)
    for part in ("row", "field"):
        assert found.json["error"].get(part) == expected.json["error"].get(part), (expected.body, found.body)


def test_a_query_whose_id_is_a_list_is_refused(of_graph):
    refused = of_graph.ask({"tasks": "ranking", "rows": {**rows_of("ranking")[0], "id": ["a"]}})
    assert (refused.status, refused.json["error"]["row"], refused.json["error"]["field"]) == (422, 1, "id")


def test_tasks_and_shared_passes_are_those_of_the_run(every_type, engine):
    from mtsmart.serving.run_engine import RunEngine

    of_run = RunEngine(every_type).tasks
    assert [task.to_json() for task in engine.tasks.values()] == [task.to_json() for task in of_run.values()]
    for number in ("pass_of_rows", "pass_of_texts"):
        for one in of_run:
            together = {other for other in of_run if getattr(of_run[other], number) == getattr(of_run[one], number)}
            own = getattr(engine.tasks[one], number)
            assert {other for other in of_run if getattr(engine.tasks[other], number) == own} == together
    for name, task in of_run.items():
        assert engine.tasks[name].fields == task.fields
        assert engine.tasks[name].needs_all_rows == task.needs_all_rows


def modules_besides(packages):
    """The top-level modules of all installed packages but these, and those that they need."""
    needed = set()
    queue = list(packages)
    while queue:
        name = canonicalize_name(queue.pop())
        if name not in needed:
            needed.add(name)
            requirements = map(Requirement, metadata.requires(name) or ())
            queue += [each.name for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]
    owners = metadata.packages_distributions()
    own = {"mtsmart", *sys.stdlib_module_names}
    return [name for name in owners if name not in own and needed.isdisjoint(map(canonicalize_name, owners[name]))]


def test_the_server_needs_no_torch(graph, tmp_path):
    """The real command, where nothing can be imported but what docker/serve-onnx.Dockerfile installs."""
    (file,) = [file for file in FILES if file.stem == "serve-onnx"]
    missing = modules_besides(named_packages(file))
    assert {"torch", "transformers", "datasets", "pyarrow", "sklearn", "scipy"} <= {*missing}
    few = [sys.executable, "-c", WITH_FEW_PACKAGES, json.dumps(missing)]
    command = [*few, "serve", str(graph), "--port", "0", "--task", "ordinal"]
    with serving_process(command, tmp_path) as client:
        answers = client.ask({"texts": ["a dog", LONG]}).json
    assert answers["answers"][0]["ordinal"]["prediction"] in example("ordinal").DEFINITION["labels"]
    assert answers["warnings"][0]["cut"] == 1
    assert (tmp_path / "err").read_text() == ""
    assert "1 requests to /predict answered" in (tmp_path / "out").read_text()


def test_temperatures_go_along(run_of_every_type, tmp_path):
    from mtsmart.evaluation.details.temperatures import store_temperatures
    from mtsmart.runs.folder import RunFolder
    from mtsmart.serving.graph_engine import GraphEngine

    run = tmp_path / "run"
    shutil.copytree(run_of_every_type, run)
    store_temperatures(RunFolder(run), {"ordinal": {"temperature": 3.0}})
    mtsmart.export(run, "ordinal", tmp_path / "graph", form="onnx")
    with serving(GraphEngine(tmp_path / "graph", calibrated=True)) as client:
        (answer,) = client.ask({"texts": "the red dog"}).json["answers"]
    expected = mtsmart.load(run).predict("ordinal", "the red dog", calibrated=True)[0]
    assert_equal_predictions(expected, answer["ordinal"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "ordinals"], "--task: there is no task of this name, got 'ordinals'. Did you mean 'ordinal'?"),
        (["--precision", "bfloat16"], "--precision: is for runs, and an exported graph is served as it is"),
        (["--task-file", "more.yaml"], "--task-file: is for runs, and an exported graph is served as it is"),
        (["--calibrated"], "has no temperature. `mtsmart report RUN` fits one; then export the run again"),
    ],
)
def test_mistakes(cli, graph, arguments, message):
    result = cli("serve", graph, "--port", "0", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err and len(result.err.splitlines()) == 1, result.err


@pytest.mark.parametrize("lost", ["model.onnx", "tokenizer.json"])
def test_a_damaged_folder_is_refused(cli, graph, tmp_path, lost):
    copy = tmp_path / "graph"
    shutil.copytree(graph, copy)
    (copy / lost).write_text("{}")
    damaged = cli("serve", copy, "--port", "0")
    (copy / lost).unlink()
    for result in (damaged, cli("serve", copy, "--port", "0")):
        assert (result.code, result.out) == (2, "")
        assert f"{copy}: cannot be loaded" in result.err and len(result.err.splitlines()) == 1, result.err


def test_an_export_of_another_version_is_refused(cli, graph, tmp_path):
    copy = tmp_path / "graph"
    shutil.copytree(graph, copy)
    content = json.loads((copy / "tasks.json").read_text())
    (copy / "tasks.json").write_text(json.dumps({**content, "format": 1}))
    result = cli("serve", copy, "--port", "0")
    assert result.code == 2 and "Export the run again with this mtsmart" in result.err


def test_a_missing_package_is_named(cli, graph, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("mtsmart.serving.graph_engine")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("mtsmart.exporting.onnx.runtime")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = cli("serve", graph, "--port", "0")
    assert result.code == 2
    assert "RUN: is an exported graph, which needs the package onnxruntime" in result.err
    assert "pip install 'mtsmart[onnx]'" in result.err
