"""Events of training: who receives them, what the log gets, and what a library user sees."""

import json
import logging
from functools import partial
from pathlib import Path

import pytest

import mtsmart
from mtsmart.config.sections import RunConfig
from mtsmart.evaluation.evaluator import Evaluation
from mtsmart.log import LOGGER, NOTICE
from mtsmart.training.callbacks import (
    Callback,
    Callbacks,
    Checkpointed,
    Ended,
    Evaluated,
    Logged,
    Noticed,
    Reporting,
    Started,
    UpdateDone,
)
from mtsmart.training.setup import recipe_of
from tests.forked import Forked

EVENTS = [
    Started({}, {}, {}, [], updates=1, done=0, device="cpu", regularizers=[]),
    UpdateDone(1, 8),
    Logged(1, 0.1, {}, {}, {}),
    Evaluated(Evaluation({}), 1, best=False),
    Checkpointed(1),
    Noticed("text"),
    Ended(),
    Reporting(Path("report.html")),
]


class Recorder(Callback):
    """Keeps the types of the events, or their texts."""

    def __init__(self):
        self.events = []

    def receive(self, event):
        self.events.append(event)
        super().receive(event)


def test_each_event_goes_to_its_own_method():
    called = []

    class Named(Callback):
        pass

    methods = [name for name in vars(Callback) if name.startswith("on_")]
    for name in methods:
        setattr(Named, name, lambda self, event, name=name: called.append((name, event)))
    for event in EVENTS:
        Named().receive(event)
    assert called == list(zip(methods, EVENTS, strict=True))


def test_several_callbacks_receive_every_event_in_turn():
    first, second = Recorder(), Recorder()
    both = Callbacks(first, second)
    for event in EVENTS:
        both.receive(event)
    assert first.events == second.events == EVENTS


def test_the_events_of_a_run_are_its_lines(workspace):
    recorder = Recorder()
    run = mtsmart.train(workspace.experiment, output_dir=workspace.folder / "run", callback=recorder)
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert [event.to_json() for event in recorder.events if isinstance(event, Logged | Evaluated)] == lines
    assert isinstance(recorder.events[0], Started) and isinstance(recorder.events[-1], Ended)
    updates = [event for event in recorder.events if isinstance(event, UpdateDone)]
    assert [event.update for event in updates] == list(range(1, recorder.events[0].updates + 1))
    assert sum(event.rows for event in updates) == 2 * sum(recorder.events[0].train_rows.values())


def test_a_skipped_update_is_in_the_line_only_if_there_is_one():
    assert "skipped" not in Logged(1, 0.1, {}, {}, {}).to_json()
    line = Logged(1, 0.1, {"gradient_norm": 2.0}, {"a": {"loss": 1.0}}, {"distance": 3.0}, skipped=4).to_json()
    assert list(line) == ["type", "update", "learning_rate", "gradient_norm", "skipped", "tasks", "distance"]


def test_progress_and_notices_are_in_the_log(workspace, caplog):
    with caplog.at_level(logging.INFO, logger="mtsmart"):
        settings = ["training.max_updates=2", "data.max_tokens=5"]
        mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run")
    levels = {record.levelno for record in caplog.records if record.name == "mtsmart"}
    assert levels == {logging.INFO, NOTICE}
    texts = [record.getMessage() for record in caplog.records]
    assert any(text.startswith("Training on cpu: ") for text in texts)
    assert any("rows have more tokens than data.max_tokens=5" in text for text in texts)


def test_a_library_user_sees_nothing_and_the_logger_is_left_alone(workspace):
    settings = ["training.max_updates=2", "data.max_tokens=5"]
    train = partial(mtsmart.train, workspace.experiment, settings, output_dir="run")
    process = Forked(train, out=workspace.folder / "out", err=workspace.folder / "err")
    assert process.wait() == 0
    told = process.err.read_text()
    assert process.out.read_text() == "" and "mtsmart: " not in told and "data.max_tokens" not in told


def test_the_command_line_takes_its_handlers_away(workspace, cli):
    before = (list(LOGGER.handlers), LOGGER.level)
    result = cli("train", workspace.experiment, "training.max_updates=2", "data.max_tokens=5", "-o", "run")
    assert (list(LOGGER.handlers), LOGGER.level) == before
    assert result.out.startswith("Training on cpu: ") and "update 2: score" in result.out
    assert "mtsmart: notice: " in result.err and "data.max_tokens=5" not in result.out


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"encoder": {"freeze": "all"}}, "encoder.freeze: the whole encoder is not trained"),
        ({"encoder": {"freeze": 1}}, "encoder.freeze: the embeddings and the first layer are not trained"),
        ({"encoder": {"freeze": 2, "layers": 4}}, "encoder.layers: 4 of its layers are kept"),
        ({"mixing": {"strategy": "proportional"}}, "mixing: proportional: every row once in an epoch"),
        ({"mixing": {"strategy": "uniform"}}, "mixing: uniform: every task with the same frequency"),
        ({"mixing": {"strategy": "temperature", "temperature": 3.0}}, "mixing: temperature: P ~ N^(1/3)"),
        ({"mixing": {"strategy": "annealed"}}, "mixing: annealed: P ~ N^a, a from 1 to 0.2"),
        ({"mixing": {"strategy": "weights", "weights": {"a": 1.0, "b": 0.5}}}, "mixing: weights: a 1, b 0.5"),
    ],
)
def test_each_method_describes_itself(settings, text):
    config = {"tasks": {"a": {}, "b": {}}, **settings}
    config["encoder"] = {"path": "x", **settings.get("encoder", {})}
    assert text in recipe_of(RunConfig.model_validate(config), {})


def test_a_run_says_what_it_does_to_encoder_and_tasks(workspace, caplog):
    """The log, the run's card and the card of an exported task."""
    settings = ["encoder.freeze=embeddings", "encoder.layers=1", "mixing.strategy=rounds", "training.max_updates=1"]
    expected = [
        "encoder.layers: 1 of its layers is kept",
        "encoder.freeze: the embeddings are not trained",
        "mixing: rounds: every update holds one batch of each task",
        "weighting: mean: the mean of the batches' objectives",
        "heads: the architecture's own at 1.5 times the learning rate",
    ]
    recorder = Recorder()
    with caplog.at_level(logging.INFO, LOGGER.name):
        run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run", callback=recorder)
    assert recorder.events[0].recipe == expected
    assert [line.strip() for line in caplog.messages if line.strip() in expected] == expected
    card = (run.path / "README.md").read_text().splitlines()
    assert [line for line in card if line.removesuffix(".") in expected] == [f"{text}." for text in expected]
    mtsmart.export(run.path, "color", workspace.folder / "exported")
    exported = (workspace.folder / "exported" / "README.md").read_text().splitlines()
    length = "at most 1 updates and 2 epochs, batch size 8, adamw at 0.001, seed 42"
    told = [line for line in exported if line.startswith("- Training")]
    assert told == [f"- Training: {text}" for text in (length, *expected)]
