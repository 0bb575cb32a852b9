"""What a notebook shows of tasks, runs and scores; text from files has no effect in it."""

from html.parser import HTMLParser
from pathlib import Path

import yaml

import mtsmart
from mtsmart.evaluation.evaluator import Evaluation, TaskResult
from mtsmart.tasks import TaskDefinition
from mtsmart.text.html import html_text

EVIL = "<script>alert(1)</script>\x1b[2J<img src=x onerror=y> & \" ' \u202e"
PLAIN = {"task_type": "classification", "dataset": {"path": "x"}, "text": ["text"], "labels": ["a", "b"]}
DEFINITION = {**PLAIN, "description": EVIL, "suite": EVIL, "text": [EVIL], "labels": [EVIL, "b"]}


class Page(HTMLParser):
    """The tags of a page, and the texts between them."""

    def __init__(self, text):
        super().__init__()
        self.tags = set()
        self.texts = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        assert all(name == "style" for name, _ in attributes)

    def handle_data(self, data):
        self.texts.append(data)


def assert_is_quiet(html):
    page = Page(html)
    assert page.tags <= {"div", "b", "table", "thead", "tbody", "tr", "th", "td"}
    assert html.isprintable()
    assert any("<script>alert(1)</script>\\x1b[2J" in text for text in page.texts)


def test_tasks(tmp_path):
    definition = TaskDefinition(**DEFINITION)
    assert_is_quiet(definition._repr_html_())
    file = tmp_path / "evil.yaml"
    file.write_text(yaml.safe_dump({"evil": DEFINITION, "wrong": {"task_type": 3}}))
    library = mtsmart.load_tasks(file)
    assert_is_quiet(library._repr_html_())
    assert {"rte", "evil", "wrong"} <= set(Page(library._repr_html_()).texts)
    assert repr(library).startswith(f"TaskLibrary({len(library)} tasks: ") and "evil" in repr(library)


def test_a_definition_shows_what_is_not_the_default():
    told = repr(TaskDefinition(**PLAIN))
    assert told == (
        "TaskDefinition(task_type='classification', dataset=DatasetSource(path='x'), text=['text'], labels=['a', 'b'])"
    )


def test_scores():
    evaluation = Evaluation({EVIL: TaskResult({"accuracy": 0.5, "f1": float("nan")}, {"accuracy": 0.25})})
    assert_is_quiet(evaluation._repr_html_())
    (name,) = Page(html_text(EVIL)).texts
    texts = Page(evaluation._repr_html_()).texts
    assert texts[-7:] == [name, "accuracy", "0.5000", "0.2500", name, "f1", "undefined"]


def test_a_run():
    results = {"score": 0.5, "tasks": {EVIL: {"f1": 0.5}}, "baselines": {}, "best": None, "last": None}
    run = mtsmart.Run(Path("runs/x"), results)
    assert_is_quiet(run._repr_html_())
    assert repr(mtsmart.Run(Path("runs/x"), {"score": 0.5, "tasks": {"a": {"f1": 0.5}}})) == (
        "Run('runs/x', score=0.5, tasks={'a': {'f1': 0.5}})"
    )


def test_a_loaded_run(trained_run):
    loaded = mtsmart.load(trained_run(), device="cpu")
    assert repr(loaded).endswith("/run', tasks=['color', 'near'], device='cpu')")
    texts = Page(loaded._repr_html_()).texts
    assert texts[-7:] == ["color", "classification", "text", "other, red", "near", "regression", "a, b"]
