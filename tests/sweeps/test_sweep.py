"""Sweeps through the real command line: tables, interruption at any moment, failures."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

import mtsmart
import mtsmart.api
from mtsmart.config.loader import build_experiment, load_experiment
from mtsmart.errors import CheckpointError, ConfigError, DataError, MtsmartWarning, StorageError, TrainingError
from mtsmart.evaluation.evaluator import Evaluation
from mtsmart.runs.interrupt import Interrupted
from mtsmart.sweeps import worker
from mtsmart.sweeps.conclusions import FIGURES, check_conclusions
from mtsmart.sweeps.ledger import FinishedRun, Ledger
from mtsmart.sweeps.page import write_page
from mtsmart.sweeps.plan import make_plan
from mtsmart.sweeps.pool import Outcome
from mtsmart.sweeps.sweep import _Interrupts, _Runner, missing_jobs
from mtsmart.sweeps.tables import compare
from mtsmart.sweeps.worker import train_job
from mtsmart.training.callbacks import Callback, Checkpointed, Evaluated, Logged, Started, UpdateDone

GRID = """
grid:
  seeds: [1, 2]
  starts:
    joint: {tasks: [color, near]}
  arms:
    plain: {smart: off, mbpp: off}
    both: {smart: tuned, mbpp: tuned}
    after joint: {start: joint, smart: off, mbpp: off}
  tables:
    colors: {tasks: [color]}
    near: {tasks: [near], arms: [plain, both]}
"""
RUNS_A_SEED = 6
NEAR = "    near: {tasks: [near], arms: [plain, both]}\n"  # of GRID: left out where one table is enough
ROWS = {"train": "32 rows, def", "validation": "16 rows, abc"}


@pytest.fixture
def grid(workspace):
    text = workspace.experiment.read_text()
    text = re.sub(r"^(smart|mbpp):.*\n", "", text, flags=re.MULTILINE)
    return workspace.write_experiment(text + GRID)


def command(grid, folder, *more):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, "-m", "mtsmart", "sweep", str(grid), "-o", str(folder), "--jobs", "2", *more]
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )


def finish(process):
    out, _ = process.communicate(timeout=500)
    assert process.returncode == 0, out
    return out


def lines(folder):
    file = folder / "runs.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def without_clocks(folder):
    """The page but for what never repeats: the column of costs and the hours."""
    page = (folder / "RESULTS.md").read_text()
    kept = []
    for line in page.splitlines():
        cells = line.split("|")
        kept.append("|".join(cells[:9] + cells[10:]) if len(cells) > 9 else re.sub(r"took .* hours", "", line))
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


@pytest.mark.parametrize(("stops", "seeds"), [(2, 1), pytest.param(5, 2, marks=pytest.mark.slow)])
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
        while process.poll() is None and len(lines(stopped)) <= before:
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


def test_ctrl_c_while_its_processes_load_is_a_stop_like_any_other(grid, tmp_path):
    """A terminal signals all of them."""
    process = command(grid, tmp_path / "s")
    said = process.stdout.readline()
    assert "to be trained" in said
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130 and "Stopped. The same command goes on." in out, out
    assert "Traceback" not in out and "Aborted" not in out


def test_terminated_it_says_how_to_go_on(grid, tmp_path):
    process = command(grid, tmp_path / "s")
    while process.poll() is None and not lines(tmp_path / "s"):
        time.sleep(0.01)
    process.terminate()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 143 and "Stopped. The same command goes on." in out
    assert "Traceback" not in out


def test_the_clock_stands_still_between_updates(monkeypatch):
    now = iter(range(100))
    monkeypatch.setattr(worker.time, "process_time", lambda: next(now))
    clock = worker._Clock()
    clock.receive(Started({}, {}, {}, [], updates=3, done=0, device="cpu", regularizers=[]))
    for update in range(3):  # a second each, as is each of what is done between them
        clock.receive(UpdateDone(update, rows=1))
        clock.receive(Logged(update, 1e-3, {}, {}, {}))
        clock.receive(Evaluated(Evaluation({}), update, best=False))
        clock.receive(Checkpointed(update))
    assert clock.seconds / clock.updates == 1


def test_a_runs_line_is_what_training_it_alone_gives(grid, tmp_path):
    grid.write_text(grid.read_text().replace(NEAR, ""))
    finish(command(grid, tmp_path / "s", "grid.seeds=[3]", "grid.tables.colors.arms=[both]", "grid.baseline=both"))
    (line,) = lines(tmp_path / "s")
    assert line["run"] == "colors: both"
    text = grid.read_text().partition("\ngrid:")[0]
    alone = tmp_path / "alone.yaml"
    alone.write_text(text)
    run = mtsmart.train(alone, ["tasks=[color]", "training.seed=3"], output_dir=tmp_path / "alone")
    assert line["tasks"] == run.results["last"]["tasks"] and line["updates"] == run.results["last"]["update"]
    assert {"R", "flips", "delta/x", "D"} == set(line["figures"])
    assert line["seconds_per_update"] > 0


class _StopsItself(Callback):
    """Ctrl-C after three updates."""

    def on_update(self, event):
        if event.update == 3:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def unfinished(colors):
    """The first run of a plan after three updates, with its resume point."""
    plan, _, folder = colors
    job = plan.jobs[0]
    with pytest.raises(Interrupted):
        mtsmart.api.train_experiment(job.experiment, folder / "unfinished" / job.folder_name, callback=_StopsItself())
    return job, folder


def test_a_run_goes_on_from_its_resume_point(unfinished, monkeypatch):
    job, folder = unfinished
    clocks = []
    monkeypatch.setattr(worker, "_Clock", lambda made=worker._Clock: clocks.append(made()) or clocks[-1])
    line = train_job(job, folder, None, keep=False)
    alone = mtsmart.api.train_experiment(job.experiment, folder / "alone")
    assert line.tasks == alone.results["last"]["tasks"]
    assert clocks[0].updates == line.updates - 3 > 0


def test_a_run_whose_encoder_is_gone_keeps_its_resume_point(unfinished):
    job, folder = unfinished
    broken = replace(job, experiment=build_experiment(job.experiment.document, [f"encoder.path={folder / 'gone'}"]))
    with pytest.raises(CheckpointError, match="there is no such folder"):
        train_job(broken, folder, None, keep=False)
    assert list((folder / "unfinished" / job.folder_name / "checkpoints").glob("*"))


@pytest.mark.parametrize(("ours", "failed"), [(None, True), (signal.SIGINT, False)])
def test_a_run_that_something_else_ended_is_named(colors, ours, failed):
    """A signal to one of the processes and not to the sweep: the run is not passed over in silence."""
    plan, ledger, folder = colors
    interrupts = _Interrupts(print)
    runner = _Runner(plan, ledger, folder, 1, print, interrupts)
    interrupts.signal = ours
    runner._ended(plan.jobs[0], Outcome(interrupted=True), 0)
    with pytest.raises(TrainingError, match="plain, seed 1: something else .* signal") if failed else nullcontext():
        runner.check()


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
    assert "has 1 resume points of runs that this grid does not have" in out and others.is_dir()
    assert "Not finished yet: both." in (tmp_path / "s" / "RESULTS.md").read_text()


def test_train_refuses_a_grid(grid, cli):
    result = cli("train", str(grid))
    assert result.code == 2 and re.search(r"experiment\.yaml:\d+: grid: .*mtsmart sweep", result.err)


def test_two_sweeps_of_one_folder(grid, tmp_path, cli):
    process = command(grid, tmp_path / "s")
    try:
        while process.poll() is None and not (tmp_path / "s" / ".holder.json").exists():
            time.sleep(0.01)
        result = cli("sweep", str(grid), "-o", str(tmp_path / "s"))
        assert result.code == 2 and f"process {process.pid} on" in result.err
    finally:
        process.terminate()
        process.communicate(timeout=120)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", "0"], r"--jobs: should be at least 1, got 0"),
        (["grid.seeds=[]"], r"command line: grid\.seeds: should have at least 1 item"),
        (["grid=null"], r"has no grid"),
        (["training.epochs=x"], r"command line: training\.epochs"),
        (["--no-train"], r"s: --no-train: holds no finished runs of this grid"),
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
    assert result.code == 2 and "holds no finished runs of this grid" in result.err


def line_of(job, score, **more):
    values = {
        "run": job.label,
        "config": job.config,
        "seed": job.seed,
        "tasks": {"color": {"accuracy": score}},
        "updates": 10,
        "seconds": 5.0,
        "seconds_per_update": 0.5,
        "figures": {},
        "rows": {"color": ROWS},
        "versions": {"torch": "2"},
        "machine": "m",
        "device": "cpu",
    }
    return FinishedRun(**values | more)


@pytest.fixture
def colors(grid, tmp_path):
    """A plan of two arms and five seeds on one task, and an empty ledger."""
    grid.write_text(
        grid.read_text().partition("  starts:")[0] + "  arms: {plain: {smart: off}, SMART: {smart: paper}}\n"
    )
    experiment = load_experiment(grid, ["tasks=[color]", "grid.seeds=[1, 2, 3, 4, 5]"])
    folder = tmp_path / "t"
    folder.mkdir()
    return make_plan(experiment, [], folder), Ledger(folder / "runs.jsonl"), folder


def fill(plan, ledger, gain):
    for number, job in enumerate(plan.tables[0].arms["plain"]):
        ledger.add(line_of(job, 0.5 + number / 100))
    for number, job in enumerate(plan.tables[0].arms["SMART"]):
        ledger.add(line_of(job, 0.5 + number / 100 + gain[number], seconds_per_update=1.25))


def test_the_tables_figures(colors):
    plan, ledger, folder = colors
    fill(plan, ledger, [0.03, 0.031, 0.032, 0.03, 0.027])
    write_page(plan, ledger, folder, print)
    page = (folder / "RESULTS.md").read_text()
    assert "| plain | 5 | 52.00 | 1.58 | 0.71 |  |  |  | 1.0 |" in page
    assert re.search(
        r"\| SMART \| 5 \| 55\.00 \| .* \| \*\*\+3\.00\*\*, \+2\.\d+ to \+3\.\d+ \| 5 to 0 \| < 0\.001 \| 2\.5 \|", page
    )
    assert "accuracy of color on 16 rows" in page
    assert "<svg" in (folder / f"{plan.name}.svg").read_text()


@pytest.mark.parametrize("other", [{"machine": "another"}, {"device": "cuda:0"}])
def test_costs_compare_runs_of_one_kind_of_machine(colors, other):
    plan, ledger, _ = colors
    fill(plan, ledger, [0] * 5)
    for number, job in enumerate(plan.tables[0].arms["SMART"]):
        ledger.add(line_of(job, 0.5, seconds_per_update=9.0 if number < 4 else 1.0, **(other if number < 4 else {})))
    assert [row.cost for row in compare(plan, ledger)[0].rows] == [1.0, 2.0]
    ledger.add(line_of(plan.tables[0].arms["SMART"][4], 0.5, **other))
    assert [row.cost for row in compare(plan, ledger)[0].rows] == [1.0, None]


def test_tables_wait_for_nothing_that_training_needs(grid, colors):
    """Loading torch and transformers takes seconds, in each process that does."""
    plan, ledger, folder = colors
    fill(plan, ledger, [0, 0, 0, 0, 0])
    overrides = ["tasks=[color]", "grid.seeds=[1, 2, 3, 4, 5]"]
    code = (
        "import sys; from mtsmart.cli.app import main; from mtsmart.sweeps.sweep import sweep\n"
        f"sweep({str(grid)!r}, {overrides}, output_dir={str(folder)!r})\n"
        "print(sorted({'torch', 'transformers', 'datasets', 'accelerate'} & {*sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert (folder / "RESULTS.md").is_file()


def test_few_seeds_are_too_few_to_say_what_is_significant(colors):
    plan, ledger, folder = colors
    arms = plan.tables[0].arms
    arms.update({arm: jobs[:4] for arm, jobs in arms.items()})
    for job in plan.jobs:
        if job.seed < 5:
            ledger.add(line_of(job, 0.7 if job.label == "plain" else 0.1))
    write_page(plan, ledger, folder, print)
    assert "- tiny: too few seeds to say: every arm\n" in (folder / "RESULTS.md").read_text()


def test_nothing_is_significant_before_all_runs_are_there(colors):
    plan, ledger, folder = colors
    fill(plan, ledger, [0.03, 0.031, 0.032, 0.03, 0.027])
    assert compare(plan, ledger)[0].rows[1].is_significant
    write_page(plan, ledger, folder, print)
    assert "Not significant" not in (folder / "RESULTS.md").read_text(), "it lists what is not"
    plan.tables[0].arms["SMART"].append(replace(plan.jobs[0], seed=99))
    assert not compare(plan, ledger)[0].rows[1].is_significant
    write_page(plan, ledger, folder, print)
    assert f"- {plan.name}: not finished: every arm\n" in (folder / "RESULTS.md").read_text()


def test_the_correction_counts_arms_that_have_no_run_yet(colors):
    plan, ledger, _ = colors
    fill(plan, ledger, [0.03, 0.01, 0.04, 0.02, 0.01])
    found = compare(plan, ledger)[0].rows[1]
    assert 0.005 < found.difference.p < 0.05 and found.is_significant
    for number in range(10):
        plan.tables[0].arms[f"later {number}"] = [replace(job, config="0" * 64) for job in plan.jobs[:5]]
    assert not compare(plan, ledger)[0].rows[1].is_significant


def test_a_tables_titles_do_not_depend_on_what_is_finished(grid, tmp_path):
    """One of two starts, of other tasks, is finished; conclusions name the same row before and after."""
    grid.write_text(grid.read_text().replace("  arms:", "    first: {tasks: [color]}\n  arms:").replace(NEAR, ""))
    grid.write_text(grid.read_text().replace("  tables:", "    after first: {start: first}\n  tables:"))
    plan, ledger = make_plan(load_experiment(grid), [], tmp_path), Ledger(tmp_path / "runs.jsonl")
    ledger.add(line_of(plan.tables[0].arms["first"][0], 0.5))
    assert compare(plan, ledger)[0].title == "starts: color"


def test_suites_are_known_by_their_tasks(grid, tmp_path):
    (tmp_path / "c.md").write_text("{{t: quick_similar / plain / mean}}")
    grid.write_text(re.sub(r"  tables:(.|\n)*", "  tables: {t: {tasks: [quickstart]}}\n", grid.read_text()))
    check_conclusions(make_plan(load_experiment(grid, [f"grid.conclusions={tmp_path / 'c.md'}"]), [], tmp_path))


def test_no_difference_is_called_none(colors):
    plan, ledger, folder = colors
    fill(plan, ledger, [0, 0, 0, 0, 0])
    write_page(plan, ledger, folder, print)
    page = (folder / "RESULTS.md").read_text()
    assert "+0.00, +0.00 to +0.00 | 0 to 0 | 1.000" in page and "every arm" in page


def test_conclusions_take_their_figures_from_the_table(colors):
    plan, ledger, folder = colors
    fill(plan, ledger, [0.03, 0.031, 0.032, 0.03, 0.027])
    plan.conclusions = folder / "c.md"
    plan.conclusions.write_text(f"SMART gains {{{{{plan.name} / SMART / difference}}}} points.\n")
    write_page(plan, ledger, folder, print)
    assert "SMART gains +3.00 points." in (folder / "RESULTS.md").read_text()
    plan.conclusions.write_text(f"SMART beats plain in {{{{{plan.name}/SMART / wins}}}} of 5.\n".replace("/S", " / S"))
    write_page(plan, ledger, folder, print)
    assert "SMART beats plain in 5 of 5." in (folder / "RESULTS.md").read_text()
    places = "; ".join(f"{{{{{plan.name} / SMART / {figure}}}}}" for figure in FIGURES)  # each has its value
    plan.conclusions.write_text(places)
    write_page(plan, ledger, folder, print)
    shown = r"5; 55\.00; 1\.\d\d; 0\.\d\d; \+3\.00; \+2\.\d\d to \+3\.\d\d; 5; 0; < 0\.001; 2\.5"
    assert re.search(rf"^{shown}$", (folder / "RESULTS.md").read_text(), re.MULTILINE)


def test_a_figures_name_may_go_over_a_line(colors):
    plan, ledger, folder = colors
    fill(plan, ledger, [0.03] * 5)
    plan.conclusions = folder / "c.md"
    plan.conclusions.write_text(f"{{{{{plan.name} / SMART /\n  difference}}}} {{{{{plan.name} /\nSMART / wins}}}}\n")
    check_conclusions(plan)
    write_page(plan, ledger, folder, print)
    assert "+3.00 5" in (folder / "RESULTS.md").read_text()
    plan.conclusions.write_text(f"a\nb {{{{{plan.name} / SMRT /\nmean}}}}")
    with pytest.raises(ConfigError, match=r"c\.md:2: there is no such figure, got '.* / SMRT / mean'"):
        check_conclusions(plan)
    write_page(plan, ledger, folder, print)  # as when the text has changed since the check
    assert "b (no such figure)" in (folder / "RESULTS.md").read_text()


def test_conclusions_without_a_figure_say_so(colors):
    plan, ledger, folder = colors
    ledger.add(line_of(plan.tables[0].arms["plain"][0], 0.5))
    plan.conclusions = folder / "c.md"
    places = " ".join(f"{{{{{plan.name} / {place}}}}}" for place in ("SMART / mean", "plain / mean", "plain / p"))
    plan.conclusions.write_text(places)
    check_conclusions(plan)
    write_page(plan, ledger, folder, print)
    assert "(to come) 50.00 (none)" in (folder / "RESULTS.md").read_text()


def test_conclusions_are_checked_before_anything_is_trained(grid, tmp_path, cli):
    text = grid.read_text().replace("grid:\n", f"grid:\n  conclusions: {tmp_path / 'c.md'}\n")
    grid.write_text(text)
    for content, message in {
        b"\n\n{{colors / bth / mean}}": "c.md:3: there is no such figure, got 'colors / bth / mean'. Did you mean",
        b"{{joint: color / joint / mean}}": "there is no such figure",
        b"\xff": "grid.conclusions: cannot be read: it is not UTF-8",
    }.items():
        (tmp_path / "c.md").write_bytes(content)
        result = cli("sweep", grid, "-o", tmp_path / "s")
        assert result.code == 2 and message in result.err, result.err
        assert not (tmp_path / "s").exists()
    (tmp_path / "c.md").write_text("{{starts: color / joint / mean}} {{near / both / interval}}")
    check_conclusions(make_plan(load_experiment(grid), [], tmp_path))


def test_without_matplotlib_the_tables_stay(colors, monkeypatch):
    plan, ledger, folder = colors
    fill(plan, ledger, [0, 0, 0, 0, 0])
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    told = []
    write_page(plan, ledger, folder, told.append)
    assert told == ["plots need matplotlib, so they are left out: pip install 'mtsmart[plots]'"]
    assert ".svg" not in (folder / "RESULTS.md").read_text()


@pytest.mark.parametrize(
    ("change", "seeds", "note"),
    [
        (
            {"rows": {"color": ROWS | {"validation": "17 rows, xyz"}}},
            1,
            "not all scored on the same rows: the data has",
        ),
        ({"rows": {"color": ROWS | {"train": "32 rows, xyz"}}}, 1, "not all trained on the same rows: the data has"),
        ({"rows": {"color": ROWS | {"train": "32 rows, xyz"}}}, 5, "The arms were not trained on the same rows"),
        ({"updates": 11}, 5, "The arms differ in their number of updates"),
        ({"device": "cuda"}, 5, "Not all runs come from the same versions and kind of machine"),
        ({"versions": {"torch": "3"}}, 1, "Not all runs come from the same versions"),
        ({"tasks": {"color": {"f1": 0.7}}}, 5, "SMART is left out: it is scored by f1"),
    ],
)
def test_what_differs_beside_the_arm_is_told(colors, change, seeds, note):
    plan, ledger, folder = colors
    fill(plan, ledger, [0, 0, 0, 0, 0])
    write_page(plan, ledger, folder, print)
    assert "\n- " not in (folder / "RESULTS.md").read_text().partition("## Not significant")[0]
    for job in plan.tables[0].arms["SMART"][:seeds]:
        ledger.add(line_of(job, 0.5, **change))
    write_page(plan, ledger, folder, print)
    page = (folder / "RESULTS.md").read_text()
    assert note in page and ("| SMART |" in page) == ("left out" not in note)


def test_what_is_missing_or_the_same_is_told(colors):
    plan, ledger, folder = colors
    plan.tables[0].arms["again"] = plan.tables[0].arms["plain"]
    fill(plan, ledger, [0, 0, 0, 0, 0])
    plan.tables[0].arms["SMART"].append(replace(plan.jobs[0], seed=99))
    write_page(plan, ledger, folder, print)
    page = (folder / "RESULTS.md").read_text()
    assert "Not finished yet: SMART (seeds 99)." in page and "trained once: plain = again." in page


def test_starts_are_compared_with_the_first_that_has_the_task(colors):
    plan, ledger, _ = colors
    plan.tables[0] = replace(plan.tables[0], name="starts", baseline=None)
    fill(plan, ledger, [0.01] * 5)
    (found,) = compare(plan, ledger)
    assert found.baseline == "plain" and found.rows[1].difference.mean == pytest.approx(0.01)


def test_names_are_shown_letter_by_letter(colors):
    plan, ledger, folder = colors
    table = plan.tables[0]
    names = ["a|b", "**bold**", "<b>", "cost $x^{$ a", "雪" * 60, "__a__", "x_y ~~z", "&amp;"]
    for name, jobs in zip(names, [table.arms["plain"]] + [table.arms["SMART"]] * 7, strict=True):
        table.arms[name] = jobs
    plan.tables += [replace(table, name=name) for name in ("a/b", "A b", "火", "雪")]
    fill(plan, ledger, [0, 0, 0, 0, 0])
    told = []
    write_page(plan, ledger, folder, told.append)
    page = (folder / "RESULTS.md").read_text()
    assert "| \\_\\_a\\_\\_ |" in page and "| x_y \\~\\~z |" in page and "| \\&amp; |" in page
    assert "| a\\|b |" in page and "| \\*\\*bold\\*\\* |" in page and "| \\<b\\> |" in page
    plots = re.findall(r"\]\(([^)]*\.svg)\)", page)
    assert not told and plots == [f"{plan.name}.svg", "a-b.svg", "a-b~2.svg", "table.svg", "table~2.svg"]
    assert all((folder / plot).is_file() for plot in plots)


def test_an_unfinished_last_line_is_trained_again(colors):
    plan, ledger, _ = colors
    ledger.add(line_of(plan.jobs[0], 0.5))
    with ledger.file.open("a") as stream:
        stream.write('{"run": "half')
    again = Ledger(ledger.file)
    assert plan.jobs[0].key in again and plan.jobs[1].key not in again
    again.add(line_of(plan.jobs[1], 0.25))
    assert [json.loads(line)["tasks"]["color"]["accuracy"] for line in ledger.file.open()] == [0.5, 0.25]


def test_a_whole_last_line_without_its_newline_counts(colors):
    plan, ledger, _ = colors
    for job in plan.jobs[:2]:
        ledger.add(line_of(job, 0.5))
    ledger.file.write_bytes(b"\n" + ledger.file.read_bytes().rstrip(b"\n"))
    again = Ledger(ledger.file)
    assert len(again) == 2
    again.add(line_of(plan.jobs[2], 0.5))
    again.add(line_of(plan.jobs[3], 0.5))
    assert len(Ledger(ledger.file)) == 4


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


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no json", r"runs\.jsonl:2: is not what a sweep wrote: Invalid JSON"),
        ("[1]", r"runs\.jsonl:2: is not what a sweep wrote: .*object"),
        ("{}", r"runs\.jsonl:2: run: is not what a sweep wrote: Field required"),
        ('{"run": "x", "config": 3}', r"runs\.jsonl:2: config: is not what a sweep wrote: .*string"),
        ("[" * 100_000, r"runs\.jsonl:2: is not what a sweep wrote: Invalid JSON"),
    ],
)
def test_a_damaged_line_is_named(colors, line, message):
    plan, ledger, _ = colors
    ledger.add(line_of(plan.jobs[0], 0.5))
    with ledger.file.open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(DataError, match=message):
        Ledger(ledger.file)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused(colors, score):
    plan, ledger, _ = colors
    line = line_of(plan.jobs[0], 0.5).model_dump() | {"tasks": {"color": {"accuracy": score}}}
    ledger.file.write_text(json.dumps(line) + "\n")
    with pytest.raises(DataError, match=r"runs\.jsonl:1: tasks\.color\.accuracy: .*finite number"):
        Ledger(ledger.file)


def test_lines_are_not_written_through_a_link(colors):
    _, ledger, folder = colors
    (folder / "elsewhere").write_text("")
    ledger.file.symlink_to("elsewhere")
    with pytest.raises(StorageError, match=r"runs\.jsonl: is a link"):
        Ledger(ledger.file)


def test_a_run_whose_data_changed_begins_anew(colors, workspace):
    """It is known by its configuration; the rows behind it have another hash than those of its resume point."""
    plan, _, folder = colors
    job = plan.jobs[0]
    mtsmart.api.train_experiment(job.experiment, folder / "unfinished" / job.folder_name)
    file = workspace.folder / "color_train.jsonl"
    file.write_text(file.read_text().replace("red", "blue", 1))
    with pytest.warns(MtsmartWarning, match="plain, seed 1 begins anew"):
        line = train_job(job, folder, None, keep=False)
    alone = mtsmart.api.train_experiment(job.experiment, folder / "alone")
    assert line.tasks == alone.results["last"]["tasks"]


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
