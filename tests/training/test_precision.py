"""``training.precision: auto``: what is chosen on which machine, where it is told, and that a resumed run keeps it."""

import os
import signal

import pytest
import torch

import mtsmart
from mtsmart import hardware
from mtsmart.config.loader import load_experiment
from mtsmart.processes import Processes
from mtsmart.reporting.progress.lines import lines_of
from mtsmart.running import train_experiment
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.interrupt import Interrupted
from mtsmart.training.callbacks import Callback
from mtsmart.training.precision import MACHINE
from mtsmart.training.setup import prepare

AUTO = "training.precision=auto"
SHORT = ["training.max_updates=4", "smart=off", "mbpp=off"]
CPU = torch.device("cpu")


class Machine:
    """A machine with these units, on which bfloat16 is so many times as fast."""

    def __init__(self, units, speedup=0.0):
        self._units = units
        self._speedup = speedup
        self.measured = []

    def units(self, device):
        return self._units

    def speedup(self, device, width):
        self.measured.append((device, width))
        return self._speedup


FAST = Machine("AMX-BF16", 2.5)
SLOW = Machine("AVX512-BF16", 0.6)
PLAIN = Machine(None)


def chosen(experiment, machine, *settings, processes=None):
    setup = prepare(load_experiment(experiment, [AUTO, *settings]), processes or Processes(), hardware=machine)
    assert setup.config.training.precision == setup.precision.precision
    return setup.precision


@pytest.mark.parametrize(
    ("machine", "precision", "reason"),
    [
        (FAST, "bfloat16", "with AMX-BF16 bfloat16 is 2.5 times as fast"),
        (Machine("the GPU", 1.2), "bfloat16", "with the GPU bfloat16 is 1.2 times as fast"),
        (Machine("the GPU", 1.19), "float32", "1.2 times as fast, and taken from 1.2 on"),
        (SLOW, "float32", "with AVX512-BF16 bfloat16 is 0.6 times as fast, and taken from 1.2 on"),
        (Machine(None, 9.0), "float32", "nothing multiplies bfloat16 fast on this cpu"),
    ],
)
def test_the_machine_decides(workspace, machine, precision, reason):
    found = chosen(workspace.experiment, machine, *SHORT)
    assert found.precision == precision and reason in found.reason


def test_a_machine_without_such_instructions_is_not_measured(workspace):
    machine = Machine(None, 9.0)
    chosen(workspace.experiment, machine, *SHORT)
    assert machine.measured == []


@pytest.mark.parametrize(
    ("settings", "lost"),
    [
        (["smart=paper", "mbpp=off"], "smart.epsilon=1e-05"),
        (["smart=off", "mbpp=off", "hype=paper"], "hype.noise=1e-05"),
        (["smart=off", "mbpp=off", "tasks.near.smart=paper"], "smart.epsilon=1e-05"),
        (["smart=paper", "mbpp=off", "hype=paper"], "hype.noise=1e-05 and smart.epsilon=1e-05"),
    ],
)
def test_a_method_that_needs_more_digits_gets_float32(workspace, settings, lost, recwarn):
    machine = Machine("AMX-BF16", 2.5)
    found = chosen(workspace.experiment, machine, *settings)
    assert str(found) == f"precision: float32 (auto: bfloat16 would round {lost} away)"
    assert machine.measured == [] and not [each for each in recwarn if "rounds" in str(each.message)]


def test_perturbations_that_bfloat16_keeps_are_no_reason(workspace):
    assert chosen(workspace.experiment, FAST).precision == "bfloat16"  # smart: tuned
    assert chosen(workspace.experiment, FAST, "smart.weight=0", "smart.epsilon=1e-6").precision == "bfloat16"


def test_a_named_precision_is_not_chosen(workspace):
    for name in ("float32", "bfloat16"):
        setup = prepare(load_experiment(workspace.experiment, [f"training.precision={name}"]), hardware=FAST)
        assert setup.precision is None and setup.config.training.precision == name
    assert load_experiment(workspace.experiment).config.training.precision == "float32"


def test_the_first_process_chooses_for_all(workspace):
    class Second(Processes):
        """A process that gets what the first one has found on its own machine."""

        rank = 1
        count = 2

        def on_main(self, work):
            return first

    first = chosen(workspace.experiment, FAST, *SHORT)
    machine = Machine(None)
    assert chosen(workspace.experiment, machine, *SHORT, processes=Second()) == first
    assert machine.measured == []


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amx_bf16 amx_tile\n", "AMX-BF16"),
        ("flags\t\t: fpu avx512f avx512_bf16\n", "AVX512-BF16"),
        ("flags\t\t: fpu avx512f avx512bw\n", None),
        ("Features\t: fp asimd bf16 i8mm\n", "Arm's BF16"),
        ("", None),
    ],
)
def test_what_linux_says_of_a_processor(tmp_path, monkeypatch, text, units):
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\n{text}\nprocessor\t: 1\nflags\t: amx_bf16\n")
    monkeypatch.setattr(hardware, "_INFO", file)
    hardware.processor_facts.cache_clear()
    try:
        assert hardware.bfloat16_units(CPU) == units
    finally:
        hardware.processor_facts.cache_clear()


@pytest.mark.parametrize(("has", "units"), [(True, "the GPU"), (False, None)])
def test_what_torch_says_of_a_gpu(monkeypatch, has, units):
    asked = []
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **how: asked.append(how) or has)
    assert hardware.bfloat16_units(torch.device("cuda")) == units
    assert asked == [{"including_emulation": False}]


def test_other_devices_get_float32():
    assert hardware.bfloat16_units(torch.device("mps")) is None


def test_a_measurement_changes_no_random_number_and_is_made_once():
    before = torch.get_rng_state()
    found = MACHINE.speedup(CPU, 16)
    assert found > 0 and torch.equal(before, torch.get_rng_state())
    assert MACHINE.speedup(CPU, 16) == found, "times never repeat, so it was kept"


class Lines(Callback):
    """The first lines of a run; it presses Ctrl-C after an update if told to."""

    def __init__(self, stop=False):
        self.first = []
        self._stop = stop

    def on_start(self, event):
        self.first = [str(line) for line in lines_of(event)]

    def on_update(self, event):
        if self._stop and event.update == 2:
            os.kill(os.getpid(), signal.SIGINT)


def precision_in(folder):
    return RunFolder(folder).document().data["training"]["precision"]


def test_first_lines_card_and_configuration_tell_it(workspace, tmp_path):
    lines = Lines()
    experiment = load_experiment(workspace.experiment, [AUTO, *SHORT])
    train_experiment(experiment, tmp_path / "r", callback=lines, hardware=FAST)
    told = "precision: bfloat16 (auto: with AMX-BF16 bfloat16 is 2.5 times as fast)"
    assert f"  {told}" in lines.first
    assert f"{told}." in (tmp_path / "r" / "README.md").read_text().replace("\\", "")
    assert precision_in(tmp_path / "r") == "bfloat16"


@pytest.mark.parametrize(("before", "after", "precision"), [(FAST, PLAIN, "bfloat16"), (PLAIN, FAST, "float32")])
def test_a_resumed_run_keeps_its_precision_on_another_machine(workspace, tmp_path, before, after, precision):
    experiment = load_experiment(workspace.experiment, [AUTO, *SHORT])
    with pytest.raises(Interrupted):
        train_experiment(experiment, tmp_path / "r", callback=Lines(stop=True), hardware=before)
    lines = Lines()
    train_experiment(experiment, tmp_path / "r", resume=True, callback=lines, hardware=after)
    assert f"  precision: {precision} (auto: that of the interrupted run)" in lines.first
    assert precision_in(tmp_path / "r") == precision


def test_fine_tuning_chooses_anew_only_if_told(workspace, tmp_path):
    """This machine has no such instructions, or has them; what counts is that the run's own precision stays."""
    experiment = load_experiment(workspace.experiment, [AUTO, *SHORT])
    train_experiment(experiment, tmp_path / "r", hardware=FAST)
    mtsmart.finetune(tmp_path / "r", "color", ["training.max_updates=1"], output_dir=tmp_path / "f")
    assert precision_in(tmp_path / "f") == "bfloat16"
    settings = [AUTO, "training.max_updates=1", "smart=paper"]  # which no machine trains in bfloat16 of itself
    mtsmart.finetune(tmp_path / "r", "color", settings, output_dir=tmp_path / "g")
    assert precision_in(tmp_path / "g") == "float32"


def test_a_mistyped_precision_is_told_with_the_nearest_one(workspace, cli):
    result = cli("train", str(workspace.experiment), "training.precision=atuo")
    assert result.code == 2 and "training.precision" in result.err and "Did you mean 'auto'?" in result.err
