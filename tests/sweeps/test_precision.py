"""Runs of a sweep that leave their precision open have one, or are refused; what is chosen stands in runs.jsonl."""

import json
import os
import signal
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mtsmart.config.loader import build_experiment, load_experiment
from mtsmart.errors import ConfigError
from mtsmart.sweeps.notes import notes
from mtsmart.sweeps.plan import make_plan
from mtsmart.sweeps.pool import Pool
from mtsmart.sweeps.work.machine import choose
from mtsmart.sweeps.work.precision import Chosen, Precisions, open_jobs, refuse_mixed
from tests.sweeps.grids import NEAR, line_of, lines

AUTO = "training.precision=auto"
FAST = SimpleNamespace(units=lambda device: "AMX-BF16", speedup=lambda device, width: 2.0)
PLAIN = SimpleNamespace(units=lambda device: None)
OTHER = {"float32": "bfloat16", "bfloat16": "float32"}
SHORT = ["grid.tables.colors.arms=[plain]", "training.max_updates=2"]


def chosen(plan, machine):
    found = choose(open_jobs(plan.jobs), machine)
    return {choice.label: choice.precision for choice in found.values()}, found


@pytest.fixture
def plan_of(grid, tmp_path):
    """Settings, over which arms are laid -> the plan of `plain`, `both`, and `after joint` with its start."""

    grid.write_text(grid.read_text().replace(NEAR, ""))

    def make(*settings):
        return make_plan(load_experiment(grid, list(settings)), [], tmp_path / "s")

    return make


def test_each_configuration_is_chosen_for_once_and_starts_as_well(plan_of):
    plan = plan_of(AUTO)
    precisions, found = chosen(plan, FAST)
    assert set(precisions.values()) == {"bfloat16"} and len(found) == len(plan.jobs) // 2, "two seeds"
    assert "joint" in precisions and "colors: after joint" in precisions
    assert set(chosen(plan, PLAIN)[0].values()) == {"float32"}
    refuse_mixed(found.values(), [], may_mix=False)


def test_runs_that_name_their_precision_are_left_alone(plan_of):
    assert open_jobs(plan_of("training.precision=float32").jobs) == []
    plan = plan_of(AUTO, "grid.arms.both.training={precision: float32}")
    precisions, found = chosen(plan, FAST)
    assert "colors: both" not in precisions
    named = next(job for job in plan.jobs if job.label == "colors: both")
    assert Precisions(found).settled(named) is named


def test_an_arm_that_bfloat16_would_round_away_is_refused_beside_others(plan_of):
    _, found = chosen(plan_of(AUTO, "grid.arms.both={smart: paper, mbpp: off}"), FAST)
    with pytest.raises(ConfigError) as refused:
        refuse_mixed(found.values(), [], may_mix=False)
    text = str(refused.value)
    assert "float32 (colors: both: bfloat16 would round smart.epsilon=1e-05 away)" in text
    assert "bfloat16 (colors: plain: with AMX-BF16 bfloat16 is 2 times as fast)" in text
    assert "training.precision=float32" in text and "grid.mixed_precision=true" in text and "\n" not in text
    assert refused.value.exit_code == 2
    refuse_mixed(found.values(), [], may_mix=True)


def test_a_run_gets_what_was_chosen_and_stays_the_same_run(plan_of):
    plan = plan_of(AUTO)
    job = plan.jobs[0]
    settled = Precisions({job.config: Chosen("x", "bfloat16", "it is fast")}).settled(job)
    assert settled.experiment.config.training.precision == settled.precision == "bfloat16"
    assert settled.key == job.key and settled.folder_name == job.folder_name
    other = Precisions({"first": Chosen("x", "bfloat16", "it is fast")}).settled(job)
    assert other.precision == "bfloat16", "a trial of a search has the choice of the first one"
    assert Precisions().settled(job) is job, "an encoder that cannot be loaded is told by the run itself"


def test_a_missing_encoder_is_left_to_the_run(plan_of):
    plan = plan_of(AUTO)
    lost = ["encoder.path=./gone"]
    jobs = [job for job in open_jobs(plan.jobs) if job.start is None]
    gone = [replace(job, experiment=build_experiment(job.experiment.document, lost)) for job in jobs]
    assert choose(gone, FAST) == {}


def test_the_permission_is_no_part_of_a_runs_identity(plan_of):
    allowed = plan_of(AUTO, "grid.mixed_precision=true")
    assert allowed.may_mix and [job.key for job in allowed.jobs] == [job.key for job in plan_of(AUTO).jobs]


def test_a_table_with_both_says_so(colors):
    plan, ledger, _ = colors
    table = plan.tables[0]
    runs = {
        "plain": {job.replicate: line_of(job, 0.5, precision="float32") for job in table.arms["plain"]},
        "SMART": {job.replicate: line_of(job, 0.5, precision="bfloat16") for job in table.arms["SMART"]},
    }
    told = "Not all runs have the same precision, which was chosen for them: bfloat16 and float32."
    assert told in notes(table, runs, "color", ledger)
    assert told not in notes(table, {"plain": runs["plain"]}, "color", ledger)


def test_runs_of_another_machine_are_refused_through_the_command_line(grid, tmp_path, cli):
    """The line of the first run is changed to what a machine of another kind would have written."""
    grid.write_text(grid.read_text().replace(NEAR, ""))
    folder = tmp_path / "s"
    command = ["sweep", str(grid), "-o", str(folder), "--jobs", "1", *SHORT, AUTO]
    result = cli(*command, "grid.seeds=[1]")
    assert result.code == 0, result.err
    (line,) = lines(folder)
    own = line["precision"]
    assert f"precision: {own} (auto: " in result.out + result.err
    file = folder / "runs.jsonl"
    file.write_text(json.dumps({**line, "precision": OTHER[own]}) + "\n")
    result = cli(*command, "grid.seeds=[1, 2]")
    assert result.code == 2 and len(lines(folder)) == 1
    assert f"{OTHER[own]} (colors: plain, seed 1, on {line['machine']}) and in {own} (" in result.err
    assert "training.precision=float32" in result.err
    result = cli(*command, "grid.seeds=[1, 2]", "grid.mixed_precision=true")
    assert result.code == 0 and [each["precision"] for each in lines(folder)] == [OTHER[own], own]
    assert "Not all runs have the same precision" in (folder / "RESULTS.md").read_text()
    result = cli(*command, "grid.seeds=[1, 2]", "--no-train")
    assert result.code == 2 and "grid.mixed_precision=true" in result.err


class SmallMachine(Pool):
    """The system ends the process that chooses."""

    def start(self, key, work, *arguments):
        super().start(key, vanish if key == "precision" else work, *arguments)


def vanish(jobs):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_choice_that_fails_stops_the_sweep(grid, tmp_path, cli, monkeypatch):
    grid.write_text(grid.read_text().replace(NEAR, ""))
    monkeypatch.setattr("mtsmart.sweeps.sweep.Pool", SmallMachine)
    result = cli("sweep", str(grid), "-o", str(tmp_path / "s"), "--jobs", "1", *SHORT, AUTO, "grid.seeds=[1]")
    assert result.code == 2 and not (tmp_path / "s/runs.jsonl").exists()
    told = "training.precision: cannot be chosen: its process ended with exit code -9 (killed, or out of memory?)"
    assert told in result.err and "training.precision=float32" in result.err


def test_lines_of_runs_that_name_their_precision_do_not_have_it(colors):
    plan, ledger, folder = colors
    ledger.add(line_of(plan.jobs[0], 0.5))
    assert "precision" not in lines(folder)[0]
