"""Events of training: who receives them, what the log gets, and what a library user sees."""

import json
import logging
import subprocess
import sys

import mtsmart
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
    Started,
    UpdateDone,
)

EVENTS = [
    Started({}, {}, {}, [], updates=1, done=0, device="cpu", regularizers=[]),
    UpdateDone(1, 8),
    Logged(1, 0.1, {}, {}, {}),
    Evaluated(Evaluation({}), 1, best=False),
    Checkpointed(1),
    Noticed("text"),
    Ended(),
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
        mtsmart.train(workspace.experiment, ["data.max_tokens=5"], output_dir=workspace.folder / "run")
    levels = {record.levelno for record in caplog.records if record.name == "mtsmart"}
    assert levels == {logging.INFO, NOTICE}
    texts = [record.getMessage() for record in caplog.records]
    assert any(text.startswith("Training on cpu: ") for text in texts)
    assert any("rows have more tokens than data.max_tokens=5" in text for text in texts)


def test_a_library_user_sees_nothing_and_the_logger_is_left_alone(workspace):
    code = (
        "import mtsmart\n"
        f"mtsmart.train({str(workspace.experiment)!r}, ['training.epochs=1', 'data.max_tokens=5'], output_dir='run')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "" and "mtsmart: " not in done.stderr and "data.max_tokens" not in done.stderr


def test_the_command_line_takes_its_handlers_away(workspace, cli):
    before = (list(LOGGER.handlers), LOGGER.level)
    result = cli("train", workspace.experiment, "training.epochs=1", "data.max_tokens=5", "-o", "run")
    assert (list(LOGGER.handlers), LOGGER.level) == before
    assert result.out.startswith("Training on cpu: ") and "update 88: score" in result.out
    assert "mtsmart: notice: " in result.err and "data.max_tokens=5" not in result.out
