"""Two processes, as launchers start them, compute what one does: gradients, weights, teachers, scores, resumed runs.

The slow tests start them with the launchers themselves.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.distributed import worker
from tests.forked import Forked

WORKER = Path(worker.__file__)
# Adam makes steps of full length of gradients that are rounding alone, as those of attention's key biases; a larger
# eps leaves them where they are.
EXACT = ["encoder.dropout=0", "optimizer.eps=1e-4", "training.epochs=10", "training.max_updates=50"]
PLAIN = ["smart=off", "mbpp=off"]
# Methods that change gradients and weights, all at once.
ON_WEIGHTS = [
    *(
        "smart=off",
        "mbpp=off",
        "training.max_updates=20",
        "sam=paper",
        "mixout={p: 0.3}",
        "l2_sp=paper",
        "noisy_tune=paper",
    ),
    *("child_tuning={preset: task, batches: 3}", "rec_adam={t0: 10, gamma: 10}", "ema={beta: 0.9}"),
]
OTHERS = [
    "smart=off",
    "r3f={noise: 0.1, epsilon_unit: relative}",
    "vat={xi: 2}",
    "free_lb=paper",
    "training.max_updates=6",
]
# A task's own settings beside those of all tasks.
OWN = ["tasks.near.mbpp={weight: 0.3, every: 2}", "training.max_updates=20"]

IN_WINDOWS = [
    *("data.max_length=8", "data.max_tokens=60", "tasks.near.options={windows: {pooling: max}}"),
    "tasks.color.options={windows: {pooling: attention}}",
]
ADAPTED = ["encoder.peft.per_task=true", "encoder.layer_decay=0.8"]


class Launched:
    """What a finished launch left."""

    def __init__(self, code, text, out, folder):
        self.code = code
        self.text = text
        self.out = out
        self.folder = folder

    def tensors(self, name, rank=0):
        return load_file(self.out / f"{name}-{rank}.safetensors")

    def rows(self):
        """[update, task, row ...] of each batch of all processes together, in order."""
        lines = [json.loads(line) for file in sorted(self.out.glob("rows-*")) for line in file.read_text().splitlines()]
        whole = {}
        for line in lines:
            parts = whole.setdefault((line["update"], line["task"], line["total"]), {})
            parts[line["first"]] = line["rows"]
        return [
            (*key, *(row for _, rows in sorted(parts.items()) for row in rows)) for key, parts in sorted(whole.items())
        ]

    def metrics(self, kind):
        lines = map(json.loads, (self.folder / "metrics.jsonl").read_text().splitlines())
        return [line for line in lines if line["type"] == kind]


def by_torchrun(processes, arguments, environment):
    """Exit code and output of several processes that torchrun starts."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *launcher, str(WORKER), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    process = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    return process.returncode, process.stdout + process.stderr


def by_forks(processes, arguments, environment):
    """Exit code and output of processes that find the variables of a launcher: they start in less than a second."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    count = str(processes)
    shared = {"WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = []
    for rank in map(str, range(processes)):
        variables = {**shared, "RANK": rank, "LOCAL_RANK": rank, **environment}
        out = Path(f"{arguments[0]}-{rank}.txt")
        started.append(Forked(worker.main, *arguments, out=out, environment=variables))
    codes = [process.wait() for process in started]
    return max(codes, key=abs), "".join(process.out.read_text() for process in started)


def alone(arguments, environment):
    """Exit code and output of one process."""
    process = Forked(worker.main, *arguments, out=Path(f"{arguments[0]}.txt"), environment=environment)
    return process.wait(), process.out.read_text()


@pytest.fixture
def launch(workspace):
    def start(name, processes, settings, *arguments, folder=None, by=by_torchrun, **environment):
        out, folder = workspace.folder / f"{name}-out", folder or workspace.folder / name
        command = [str(out), str(workspace.experiment), *settings, "--output-dir", str(folder), *arguments]
        code, text = by(processes, command, environment) if processes > 1 else alone(command, environment)
        return Launched(code, text, out, folder)

    return start


def distance(a, b):
    """Of two sets of tensors, relative to the first's length."""
    assert a.keys() == b.keys()
    difference = torch.stack([(a[name].double() - b[name].double()).norm() for name in a]).norm()
    return float(difference / torch.stack([tensor.double().norm() for tensor in a.values()]).norm())


@pytest.mark.parametrize(
    ("terms", "by"),
    [
        pytest.param(PLAIN, by_torchrun, marks=pytest.mark.slow, id="plain"),
        pytest.param(OWN, by_torchrun, marks=pytest.mark.slow, id="SMART + MBPP, torchrun"),
        pytest.param(OWN, by_forks, id="SMART + MBPP"),
        pytest.param(OTHERS, by_forks, marks=pytest.mark.slow, id="R3F + VAT + FreeLB + HyPe + MBPP"),
        pytest.param([*OWN, *ADAPTED], by_forks, marks=pytest.mark.slow, id="adapters of each task"),
        pytest.param([*OWN, *IN_WINDOWS], by_forks, marks=pytest.mark.slow, id="windows"),
    ],
)
def test_two_processes_compute_what_one_does(launch, terms, by):
    one, two = (launch(f"run{count}", count, [*EXACT, *terms, "training.accumulation=2"], by=by) for count in (1, 2))
    assert (one.code, two.code) == (0, 0), one.text + two.text
    # The l2 steps of VAT and FreeLB take small gradients as their direction, which makes rounding larger.
    assert distance(one.tensors("gradients"), two.tensors("gradients")) < (2e-5 if terms is OTHERS else 1e-6)
    assert distance(one.tensors("weights"), two.tensors("weights")) < 1e-5
    assert one.rows() == two.rows()
    assert "Best evaluation" in two.text and two.text.count("The run is in") == 1
    for ours, theirs in zip(one.metrics("train"), two.metrics("train"), strict=True):
        for task, figures in ours["tasks"].items():
            for figure in {"loss", "R", "D", "r3f", "vat", "free_lb"} & figures.keys():
                assert theirs["tasks"][task][figure] == pytest.approx(figures[figure], rel=1e-3, abs=1e-6)


def test_two_processes_change_gradients_and_weights_as_one_does(launch):
    """SAM's second gradient is taken at a place that depends on the first one, so its last bits differ more."""
    one, two = (launch(f"run{count}", count, [*EXACT, *ON_WEIGHTS], by=by_forks) for count in (1, 2))
    assert (one.code, two.code) == (0, 0), one.text + two.text
    assert distance(one.tensors("gradients"), two.tensors("gradients")) < 1e-5
    assert distance(one.tensors("weights"), two.tensors("weights")) < 1e-5


@pytest.mark.slow
def test_two_processes_weigh_labels_as_one_does(launch):
    """The mean of a batch is over the weights of its labels, which the halves of the batch share unevenly."""
    weighted = [*EXACT, *PLAIN, "tasks.color.options={class_weights: balanced, label_smoothing: 0.1}"]
    one, two = (launch(f"run{count}", count, weighted) for count in (1, 2))
    assert (one.code, two.code) == (0, 0), one.text + two.text
    assert distance(one.tensors("gradients"), two.tensors("gradients")) < 1e-6
    assert distance(one.tensors("weights"), two.tensors("weights")) < 1e-5


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize("weighting", ["{dwa: {window: 3}}", "uncertainty", "pcgrad"])
def test_two_processes_weigh_tasks_as_one_does(launch, weighting):
    """A task's patience ends in the same update, too."""
    if weighting == "pcgrad":
        pytest.importorskip("torchjd", reason="the extra torchjd is not installed")
    settings = [*EXACT, *PLAIN, f"weighting={weighting}", "mixing.strategy=rounds", "training.max_updates=15"]
    settings += ["training.evaluate_every=2", "tasks.color.patience=2"]
    one, two = (launch(f"run{count}", count, settings, by=by_forks) for count in (1, 2))
    assert (one.code, two.code) == (0, 0), one.text + two.text
    assert one.rows() == two.rows()
    for lines in zip(one.metrics("train"), two.metrics("train"), strict=True):
        weights = [{name: value for name, value in line.items() if name.startswith("weight/")} for line in lines]
        assert weights[0] == pytest.approx(weights[1], rel=1e-3)
    assert distance(one.tensors("weights"), two.tensors("weights", rank=1)) < 1e-5


@pytest.mark.slow
def test_scores_of_the_same_weights_are_identical(launch):
    """A learning rate too small to change a weight; evaluation batches of 3, so that each process has several."""
    settings = ["optimizer.learning_rate=1e-30", "optimizer.weight_decay=0", "training.eval_batch_size=3"]
    one, two = (launch(f"run{count}", count, settings, by=by_forks) for count in (1, 2))
    assert (one.code, two.code) == (0, 0), one.text + two.text
    assert one.metrics("evaluation") == two.metrics("evaluation") != []


@pytest.mark.slow
def test_with_dropout_every_process_has_the_same_weights_and_teacher(launch):
    two = launch("run", 2, [])
    assert two.code == 0, two.text
    for name in ("weights", "teacher"):
        ours, theirs = (two.tensors(name, rank) for rank in (0, 1))
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    ours, theirs = (two.tensors("gradients", rank) for rank in (0, 1))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("counts", "updates", "by"),
    [
        pytest.param((2, 1), 20, by_forks, id="2 -> 1"),
        pytest.param((2, 1, 2), 50, by_torchrun, marks=pytest.mark.slow, id="2 -> 1 -> 2"),
    ],
)
def test_a_run_goes_on_with_another_number_of_processes(launch, counts, updates, by):
    """Stopped by a signal to the last of its processes, and resumed by another number of them."""
    settings = [*EXACT, f"training.max_updates={updates}"]
    whole = launch("whole", 1, settings)
    stops = [{"STOP_AT": f"{count - 1}:{update}"} for count, update in zip(counts[:-1], (11, 29), strict=False)]
    parts, folder = [], None
    for number, (count, stop) in enumerate(zip(counts, [*stops, {}], strict=True)):
        resume = ["--resume"] if folder else []
        parts.append(launch(f"part{number}", count, settings, *resume, folder=folder, by=by, **stop))
        folder = parts[0].folder
        assert parts[-1].text.count("a resume point is written") == (1 if stop else 0), parts[-1].text
    assert parts[-1].code == 0, parts[-1].text
    assert [row for part in parts for row in part.rows()] == whole.rows()
    for name in ("weights", "teacher"):
        assert distance(whole.tensors(name), parts[-1].tensors(name)) < 1e-5


@pytest.mark.slow
def test_dropout_goes_on_where_each_process_was(launch):
    whole = launch("whole", 2, [])
    first = launch("first", 2, [], STOP_AT="0:7")
    again = launch("again", 2, [], "--resume", folder=first.folder)
    assert whole.code == again.code == 0, whole.text + again.text
    ours, theirs = whole.tensors("weights"), again.tensors("weights")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (whole.folder / "metrics.jsonl").read_bytes() == (again.folder / "metrics.jsonl").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_an_error_in_one_process_ends_all_with_its_message(launch, rank):
    failed = launch("run", 2, [], FAIL_AT=f"{rank}:5")
    assert failed.code != 0
    assert failed.text.count("this process was told to fail") == 1
    assert "mtsmart/" not in failed.text  # no traceback of ours


@pytest.mark.slow
def test_an_error_that_all_processes_find_is_told_once(launch):
    failed = launch("run", 2, ["training.epoch=3"])
    assert failed.code != 0
    assert failed.text.count("Did you mean 'epochs'?") == 1


@pytest.mark.slow
def test_accelerate_launches_too(workspace):
    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    command += [
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "-m",
        "mtsmart",
        "train",
        str(workspace.experiment),
    ]
    process = subprocess.run(
        [*command, "--output-dir", "run"],
        capture_output=True,
        text=True,
        cwd=workspace.folder,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert json.loads((workspace.folder / "run" / "results.json").read_text())["score"] is not None
    assert process.stdout.count("The run is in") == 1


@pytest.mark.slow
@pytest.mark.parametrize("more", [pytest.param([], id="full"), pytest.param(ADAPTED, id="adapters of each task")])
def test_sharded_training_is_the_same_and_its_checkpoints_load_without(launch, more):
    """FSDP on two processes, stopped and resumed; then by one process, unsharded."""
    settings = [*EXACT, *more]
    whole = launch("whole", 1, settings)
    sharded = [*settings, "training.shard=true"]
    first = launch("first", 2, sharded, STOP_AT="0:11")
    assert "a resume point is written" in first.text, first.text
    second = launch("second", 2, sharded, "--resume", folder=first.folder, STOP_AT="1:29")
    assert "a resume point is written" in second.text, second.text
    third = launch("third", 1, settings, "--resume", folder=first.folder)
    assert third.code == 0, third.text
    assert all(0.4 < json.loads((first.out / f"held-{rank}.json").read_text()) < 0.6 for rank in (0, 1))
    assert distance(whole.tensors("gradients"), first.tensors("gradients")) < 1e-6
    assert first.rows() + second.rows() + third.rows() == whole.rows()
    for name in ("weights", "teacher"):
        assert distance(whole.tensors(name), third.tensors(name)) < 1e-5
    ours, theirs = whole.metrics("evaluation"), third.metrics("evaluation")
    for one, other in zip(ours, theirs, strict=True):
        assert other["score"] == pytest.approx(one["score"], abs=1e-4)
