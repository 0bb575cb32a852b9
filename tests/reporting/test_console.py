"""What training shows in a terminal, in a file and to a program, with any number of tasks."""

import builtins
import io
import json
import re
import sys
from itertools import chain

import pytest
from rich.console import Console

import mtsmart
from mtsmart.evaluation.evaluator import Evaluation, TaskResult
from mtsmart.reporting.progress.console import ProgressBlock, ProgressText, progress_on, python_console
from mtsmart.reporting.progress.event_lines import EventLines
from mtsmart.training.callbacks import Ended, Evaluated, Logged, Started, UpdateDone
from tests.reporting.screen import Screen

UPDATES = 1200
NAMES = ["quick_attitude", "quick_entail", "rte", "mrpc", "sts", "go_emotions", "squad"]
LONG = [f"a_task_whose_name_is_very_long_indeed_{number}" for number in range(20)]
SETS = {"1": NAMES[:1], "4": NAMES[:4], "7": NAMES, "20": [f"task_{number}" for number in range(20)], "20 long": LONG}
PARTS = re.compile(r"^[━╸╺]{5,30}  (?:[ 0-9]+,?[0-9]*/1,200 updates  )?(?:(?:[0-9]+|-) rows/s  )?[-0-9:]+ left$")


class Clock:
    """Each update takes a fifth of a second."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def events(names, clock, updates=24):
    """What happens in the first updates of a run of 1,200 updates with 16 rows each."""
    rows = dict.fromkeys(names, 4800)
    yield Started(rows, rows, {}, [], UPDATES, done=0, device="cpu", regularizers=[], recipe=["mixing: a recipe"])
    for update in range(1, updates + 1):
        clock.seconds += 0.2
        yield UpdateDone(update, 16)
        if update % 8 == 0:
            losses = {name: {"loss": 1 / update} for name in names[: update // 3]}
            yield Logged(update, 1e-4, {}, losses, {})
        if update == 16:
            scores = {name: TaskResult({"accuracy": 0.5}) for name in names}
            yield Evaluated(Evaluation(scores), update, best=True)


def drawn(names, width, height=40):
    """The screen before the block is removed, and after it."""
    clock = Clock()
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=height, force_terminal=True, _environ={})
    block = ProgressBlock(console, clock)
    for event in events(names, clock):
        block.receive(event)
        block._live.refresh()
    during, after = Screen(width), Screen(width)
    during.write(stream.getvalue())
    block.receive(Ended())
    after.write(stream.getvalue())
    assert not during.is_overrun and not after.is_overrun
    return during.lines, after.lines


def block_of(lines):
    """The lines from the bar on."""
    (first,) = (number for number, line in enumerate(lines) if line.startswith(("━", "╺", "╸")))
    return lines[first:]


@pytest.mark.parametrize("names", list(SETS))
@pytest.mark.parametrize("width", [80, 100, 120, 40, 20])
def test_the_block_has_bar_rate_and_time_left_and_each_loss_once(names, width):
    during, after = drawn(SETS[names], width)
    block = block_of(during)
    assert PARTS.match(block[0]), block[0]
    assert block[0].endswith(" 3:55 left")
    if width >= 40:
        assert "80 rows/s" in block[0]
    if width >= 80:
        assert " 24/1,200 updates" in block[0]
        assert all("".join(block).count(f"{name} ") == 1 for name in SETS[names])
    values = re.findall(r"0\.\d{3}|(?<= )-(?= |$)", " ".join(block[1:]))
    assert len(values) == len(SETS[names])
    above = [line for line in after if line]
    assert [line for line in during if line][: len(above)] == above, "what stands above the block stays there"
    assert sum(line.startswith("update 16: score") for line in above) == 1
    assert not [line for line in above if line.startswith("━")], "the block goes when training ends"


@pytest.mark.parametrize(("names", "lines"), [("1", 2), ("4", 3), ("7", 4), ("20", 6), ("20 long", 21)])
def test_the_block_takes_as_few_lines_as_whole_cells_allow(names, lines):
    during, _ = drawn(SETS[names], 80)
    assert len([line for line in block_of(during) if line]) == lines


def test_a_block_that_is_higher_than_the_terminal_is_cut():
    block = block_of(drawn(LONG, 80, height=10)[0])
    assert [line.strip() for line in block[1:9]][-1] == "and 13 more lines"
    assert not any(block[9:])


def test_a_terminal_without_unicode_gets_ascii():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=stream, width=40, force_terminal=True, _environ={})
    clock = Clock()
    block = ProgressBlock(console, clock)
    for event in events(LONG, clock):
        block.receive(event)
    block._live.refresh()
    block.receive(Ended())
    stream.seek(0)
    assert re.search(r"a_task_whose_name_is_\w+\.\.\. ", stream.read())


def test_the_speed_is_unknown_before_the_first_update():
    stream = io.StringIO()
    block = ProgressBlock(Console(file=stream, width=80, force_terminal=True, _environ={}), Clock())
    block.receive(next(events(NAMES, Clock())))
    block.receive(Ended())
    screen = Screen(80)
    screen.write(stream.getvalue().replace("\x1b[2K", ""))
    assert any(line.endswith("    0/1,200 updates  - rows/s  -:-- left") for line in screen.lines)


def test_lines_stand_where_there_is_no_terminal():
    clock = Clock()
    stream = io.StringIO()
    text = ProgressText(Console(file=stream, width=40), clock)
    for event in chain(events(NAMES, clock), [Ended()]):
        text.receive(event)
    rows = "  ".join(f"{name} 4,800" for name in NAMES)
    scores = "  ".join(f"{name} accuracy 0.500" for name in NAMES)
    losses = [f"update {n}/1,200 ({n / 12:.0f}%)  80 rows/s" for n in (8, 16, 24)]
    lines = stream.getvalue().splitlines()
    assert lines == [
        f"Training on cpu: 1,200 updates; rows: {rows}",
        "  mixing: a recipe",
        "  regularisers: none",
        f"{losses[0]}  3:58 left  loss: quick_attitude 0.125  quick_entail 0.125",
        f"{losses[1]}  3:57 left  loss: " + "  ".join(f"{name} 0.062" for name in NAMES[:5]),
        f"update 16: score 0.5000 (best): {scores}",
        f"{losses[2]}  3:55 left  loss: " + "  ".join(f"{name} 0.042" for name in NAMES),
    ]


def test_a_file_a_dumb_terminal_and_other_processes_get_no_block(monkeypatch):
    assert isinstance(progress_on(Console(file=io.StringIO(), _environ={})), ProgressText)
    dumb = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})
    assert isinstance(progress_on(dumb), ProgressText)
    terminal = Console(file=io.StringIO(), force_terminal=True, _environ={})
    assert isinstance(progress_on(terminal), ProgressBlock)
    for name, value in (("RANK", "1"), ("LOCAL_RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    assert not isinstance(progress_on(terminal), ProgressBlock)


def test_a_notebook_gets_lines_although_its_kernel_asks_for_colours(monkeypatch):
    class ZMQInteractiveShell:  # the shell of a notebook's kernel, by which rich knows it
        pass

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("TERM", raising=False)
    assert isinstance(progress_on(python_console()), ProgressBlock)
    monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)
    assert isinstance(progress_on(python_console()), ProgressText)


def test_a_long_line_goes_on_beneath_its_own_beginning():
    stream = io.StringIO()
    console = Console(file=stream, width=40, force_terminal=True, color_system=None, _environ={})
    text = f"heads: {' '.join([*NAMES, *NAMES])}"
    event = Started({}, {}, {}, [], UPDATES, done=0, device="cpu", regularizers=[], recipe=[text])
    ProgressBlock(console, is_live=False).receive(event)
    _, *parts, last = stream.getvalue().splitlines()
    assert last == "  regularisers: none"
    assert len(parts) > 2 and max(map(len, parts)) <= 40
    assert parts[0].startswith("  heads: ") and all(re.match(" {4}[a-z]", part) for part in parts[1:])
    assert " ".join(part.strip() for part in parts) == text


def test_a_program_gets_one_object_a_line():
    clock = Clock()
    stream = io.StringIO()
    lines = EventLines(stream)
    for event in chain(events(NAMES[:1], clock), [Ended()]):
        lines.receive(event)
    lines.write_end("runs/x", {"score": 0.5, "tasks": {"rte": {"accuracy": 0.5}}})
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in told] == ["started", "logged", "logged", "evaluated", "logged", "ended"]
    assert told[0]["tasks"] == {"quick_attitude": {"train_rows": 4800, "validation_rows": 4800}}
    assert told[0]["recipe"] == ["mixing: a recipe"]
    assert {"update", "updates", "rows_per_second", "seconds_left", "learning_rate", "tasks"} <= set(told[1])
    assert told[3]["score"] == 0.5 and told[3]["best"] is True
    assert told[-1] == {
        "event": "ended",
        "interrupted": False,
        "run": "runs/x",
        "score": 0.5,
        "tasks": {"rte": {"accuracy": 0.5}},
    }


def test_the_commands_flags(workspace, cli):
    settings = [workspace.experiment, "training.max_updates=6", "data.max_tokens=5"]
    told = cli("train", *settings, "--json")
    assert told.code == 0, told.err
    events = [json.loads(line) for line in told.out.splitlines()]
    assert [line["event"] for line in events] == ["started", "logged", "logged", "evaluated", "ended"]
    assert events[-1]["run"] == "runs/tiny" and events[-1]["score"] == events[-2]["score"]
    assert "notice: " in told.err
    quiet = cli("train", *settings, "--quiet")
    assert "notice: " not in quiet.err
    assert "Training on" not in quiet.out and "accuracy" in quiet.out
    assert quiet.out.splitlines()[-1] == "The run is in runs/tiny-2."


def test_json_is_refused_where_its_output_would_be_lost(workspace, cli, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    from mtsmart.cli.training_output import Shown, run_and_report
    from mtsmart.errors import StorageError

    with pytest.raises(StorageError, match="standard output: is closed"):
        run_and_report(lambda callback: pytest.fail("training began"), Shown(as_json=True))


def test_python_shows_progress_only_where_it_is_wanted(workspace, capsys):
    settings = ["training.max_updates=3"]
    mtsmart.train(workspace.experiment, settings, progress=False)
    assert capsys.readouterr().out == ""
    run = mtsmart.train(workspace.experiment, settings, progress=True)
    told = capsys.readouterr().out
    assert told.startswith("Training on cpu: 3 updates; rows: color 44") and "update 3/3 (100%)" in told
    mtsmart.finetune(run.path, "near", settings, progress=True)
    assert "Training on cpu: 3 updates; rows: near 44" in capsys.readouterr().out
