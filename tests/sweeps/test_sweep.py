"""Sweeps through the real command line: interruption at any moment, failures, flags."""

import os
import random
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

import mtsmart
import mtsmart.api
from mtsmart.config.loader import load_experiment
from mtsmart.runs.lock import HOLDER
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.plan import make_plan
from mtsmart.sweeps.work.grid import missing_jobs
from tests.forked import prepared_context
from tests.sweeps.grids import NEAR, RUNS_A_SEED, command, fill, finish, forked, line_of, lines


def without_clocks(folder):
    """The page but for what never repeats: the column of costs and the time that all took."""
    page = (folder / "RESULTS.md").read_text()
    kept = []
    for line in page.splitlines():
        cells = line.split("|")
        kept.append("|".join(cells[:9] + cells[10:]) if len(cells) > 9 else re.sub(r"took [^.]*(\.\d+ s)?\.", "", line))
    return kept


@pytest.mark.slow
def test_stopped_at_any_moment_it_ends_with_the_same_tables(grid, tmp_path):
    """SIGKILL and Ctrl-C while it is loaded, plans, trains, goes on or writes its page, five times."""
    grid.write_text(grid.read_text().replace(NEAR, ""))
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    began = time.monotonic()
    finish(command(grid, whole))
    took, rng, seen = time.monotonic() - began, random.Random(1), []
    for number in range(5):
        process = command(grid, stopped)
        time.sleep(rng.uniform(0, 0.7 * took))
        process.send_signal(signal.SIGKILL if number % 2 else signal.SIGINT)
        out, _ = process.communicate(timeout=120)
        assert process.returncode in (0, 130, -signal.SIGINT, -signal.SIGKILL), out
        seen = seen + [line for line in lines(stopped) if line not in seen]
    finish(command(grid, stopped))
    runs = lines(stopped)
    assert runs[: len(seen)] == seen, "a finished run's line is never written again"
    assert len(runs) == len({(run["config"], run["seed"]) for run in runs}) == len(lines(whole))
    assert without_clocks(stopped) == without_clocks(whole)


@pytest.mark.slow
@pytest.mark.parametrize(("stops", "seeds"), [(2, 1), (5, 2)])
def test_a_stopped_sweep_ends_with_the_same_tables(grid, tmp_path, stops, seeds):
    """SIGKILL and Ctrl-C within a second of a run's end; no finished run is trained again."""
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    number_of_runs = RUNS_A_SEED * seeds
    grid.write_text(grid.read_text().replace("seeds: [1, 2]", f"seeds: {list(range(1, seeds + 1))}"))
    assert f"{number_of_runs} of {number_of_runs} runs are done" in finish(command(grid, whole))
    rng = random.Random(0)
    seen = []
    for number in range(stops):
        before = len(lines(stopped))
        process = command(grid, stopped)
        while process.poll() is None and len(lines(stopped)) == before:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 1))
        process.send_signal(signal.SIGKILL if number % 2 else signal.SIGINT)
        out, _ = process.communicate(timeout=120)
        assert process.returncode in (-signal.SIGKILL, 130), out
        seen.append(lines(stopped))
    assert 0 < len(seen[0]) < len(seen[-1]) < number_of_runs
    finish(command(grid, stopped))
    for earlier in seen:
        assert lines(stopped)[: len(earlier)] == earlier, "a finished run's line is never written again"
    runs = lines(stopped)
    assert len(runs) == len({(run["config"], run["seed"]) for run in runs}) == number_of_runs
    assert without_clocks(stopped) == without_clocks(whole)
    assert sorted(path.name for path in stopped.glob("*.svg")) == sorted(path.name for path in whole.glob("*.svg"))
    for plot in whole.glob("*.svg"):
        assert (stopped / plot.name).read_bytes() == plot.read_bytes()
    assert not any((stopped / "unfinished").iterdir())
    before = (stopped / "runs.jsonl").read_bytes()
    assert f"{number_of_runs} runs, 0 of them to be trained" in finish(command(grid, stopped))
    assert (stopped / "runs.jsonl").read_bytes() == before


@pytest.mark.slow
def test_ctrl_c_while_its_processes_load_is_a_stop_like_any_other(grid, tmp_path):
    """A terminal signals all of them."""
    process = forked(grid, tmp_path / "s")
    wait_until(process, lambda: process.out.exists() and "to be trained" in process.out.read_text())
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    code = process.wait(timeout=120)
    out = process.out.read_text()
    assert code == 130 and "Stopped. The same command continues." in out, out
    assert "Traceback" not in out and "Aborted" not in out


@pytest.mark.slow
def test_while_it_runs_another_is_refused_and_terminated_it_says_how_to_go_on(grid, tmp_path, cli):
    process = forked(grid, tmp_path / "s")
    try:
        wait_until(process, (tmp_path / "s" / HOLDER).exists)
        result = cli("sweep", str(grid), "-o", str(tmp_path / "s"))
        assert result.code == 2 and f"process {process.pid} on" in result.err
        wait_until(process, lambda: lines(tmp_path / "s"))
    finally:
        os.kill(process.pid, signal.SIGTERM)
        code = process.wait(timeout=120)
    out = process.out.read_text()
    assert code == 143 and "Stopped. The same command continues." in out
    assert "Traceback" not in out


def wait_until(process, true):
    """Until something holds or the process has ended."""
    while not process.ended() and not true():
        time.sleep(0.01)


def test_a_runs_line_is_what_training_it_alone_gives(grid, tmp_path, cli):
    prepared_context()  # whose server the sweep takes, which has loaded all
    grid.write_text(grid.read_text().replace(NEAR, ""))
    settings = ["grid.seeds=[3]", "grid.tables.colors.arms=[both]", "grid.baseline=both"]
    done = cli("sweep", grid, "-o", tmp_path / "s", *settings)
    assert done.code == 0, done.err
    (line,) = lines(tmp_path / "s")
    assert line["run"] == "colors: both"
    text = grid.read_text().partition("\ngrid:")[0]
    alone = tmp_path / "alone.yaml"
    alone.write_text(text)
    arm = ["tasks=[color]", "training.seed=3", "smart=tuned", "mbpp=tuned"]
    run = mtsmart.train(alone, arm, output_dir=tmp_path / "alone")
    assert line["tasks"] == run.results["last"]["tasks"] and line["updates"] == run.results["last"]["update"]
    assert {"R", "flips", "delta/x", "D"} == set(line["figures"])
    assert line["seconds_per_update"] > 0


@pytest.mark.slow
def test_a_run_that_fails_is_named_and_the_others_are_trained(grid, tmp_path):
    changed = grid.read_text().replace(
        "both: {smart: tuned, mbpp: tuned}", "both: {smart: off, mbpp: off, optimizer: {learning_rate: 1e30}}"
    )
    grid.write_text(changed.replace(NEAR, ""))
    others = tmp_path / "s" / "unfinished" / "0123456789abcdef-7" / "checkpoints"
    others.mkdir(parents=True)
    process = command(grid, tmp_path / "s", "grid.seeds=[1]", "grid.baseline=both", "--jobs", "1")
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 2 and "Traceback" not in out
    assert re.search(r"colors: both, seed 1: .*training\.non_finite=skip", out)
    assert {run["run"] for run in lines(tmp_path / "s")} == {"joint", "colors: plain", "colors: after joint"}
    assert "contains 1 resume point of runs that this grid does not have" in out and others.is_dir()
    assert "Not finished yet: both." in (tmp_path / "s" / "RESULTS.md").read_text()


def test_train_refuses_a_grid(grid, cli):
    result = cli("train", str(grid))
    assert result.code == 2 and re.search(r"experiment\.yaml:\d+: grid: .*mtsmart sweep", result.err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", "0"], r"--jobs: should be at least 1, got 0"),
        (["grid.seeds=[]"], r"command line: grid\.seeds: should have at least 1 item"),
        (["grid=null"], r"has no grid"),
        (["training.epochs=x"], r"command line: training\.epochs"),
        (["--no-train"], r"s: --no-train: holds no finished runs of this sweep"),
        (["grid.conclusions=c.md"], r"command line: grid\.conclusions: there is no such file, got '.*c\.md'"),
    ],
)
def test_flags_that_do_not_fit(grid, cli, tmp_path, arguments, message):
    result = cli("sweep", str(grid), "-o", str(tmp_path / "s"), *arguments)
    assert result.code == 2 and re.search(message, result.err), result.err
    assert not (tmp_path / "s").exists()


def test_a_page_of_ones_own_is_not_replaced(grid, cli, tmp_path):
    (tmp_path / "RESULTS.md").write_text("# Mine\n")
    result = cli("sweep", str(grid), "-o", str(tmp_path))
    assert result.code == 2 and "RESULTS.md: is not one that a sweep wrote" in result.err, result.err
    assert (tmp_path / "RESULTS.md").read_text() == "# Mine\n" and not (tmp_path / "runs.jsonl").exists()


def test_another_grids_page_is_not_called_this_ones(colors, grid, cli):
    plan, ledger, folder = colors
    fill(plan, ledger, [0] * 5)
    result = cli("sweep", str(grid), "-o", str(folder), "--no-train", "tasks=[color]", "grid.seeds=[7]")
    assert result.code == 2 and "holds no finished runs of this sweep" in result.err


def test_runs_are_trained_in_the_order_of_the_tables_and_starts_when_they_are_needed(grid, tmp_path):
    plan = make_plan(load_experiment(grid), [], tmp_path)
    ledger = Ledger(tmp_path / "runs.jsonl")
    labels = [(job.label, job.seed) for job in missing_jobs(plan, ledger, tmp_path).values()]
    arms = ["colors: plain", "colors: both", "joint", "colors: after joint"]
    assert labels[:8] == [(arm, seed) for seed in (1, 2) for arm in arms]
    for job in plan.jobs[:3]:
        ledger.add(line_of(job, 0.5))
    (first, *_) = missing_jobs(plan, ledger, tmp_path).values()
    assert (first.label, first.seed) == ("joint", 1), "its model is gone, and a run needs it"


@pytest.mark.slow
def test_starts_that_are_gone_are_trained_again_for_what_is_missing(grid, tmp_path):
    folder = tmp_path / "s"
    finish(command(grid, folder, "grid.seeds=[1]"))
    shutil.rmtree(folder / "starts")
    kept = [line for line in (folder / "runs.jsonl").read_text().splitlines() if '"colors: after joint"' not in line]
    dropped = [run for run in lines(folder) if run["run"] == "colors: after joint"]
    Path(folder / "runs.jsonl").write_text("\n".join(kept) + "\n")
    assert "2 of them to be trained" in finish(command(grid, folder, "grid.seeds=[1]"))
    (again,) = [run for run in lines(folder) if run["run"] == "colors: after joint"]
    assert again["tasks"] == dropped[0]["tasks"]
    assert (folder / "runs.jsonl").read_text().splitlines()[:-1] == kept, "the start has its line already"
