"""The page of a sweep: figures, significance, plots, and notes about what differs beside the arms."""

import re
import subprocess
import sys
from dataclasses import replace

import matplotlib
import pytest

from mtsmart.config.loader import load_experiment
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.page import write_page
from mtsmart.sweeps.plan import make_plan
from mtsmart.sweeps.tables import CHURN, compare
from tests.sweeps.grids import NEAR, ROWS, fill, line_of, marked


def test_the_tables_figures(colors):
    plan, ledger, folder = colors
    fill(plan, ledger, [0.03, 0.031, 0.032, 0.03, 0.027])
    write_page(plan, ledger, marked(folder), print)
    page = (folder / "RESULTS.md").read_text()
    assert "| plain | 5 | 52.00 | 1.58 | 0.71 |  |  |  | 1.0 |" in page
    assert re.search(
        r"\| SMART \| 5 \| 55\.00 \| .* \| \*\*\+3\.00\*\*, \+2\.\d+ to \+3\.\d+ \| 5 to 0 \| < 0\.001 \| 2\.5 \|", page
    )
    assert "accuracy of color on 16 rows" in page
    assert "<svg" in (folder / f"{plan.name}.svg").read_text()


def test_a_matplotlibrc_changes_no_plot(colors, monkeypatch):
    """Matplotlib reads one from the working directory."""
    plan, ledger, folder = colors
    fill(plan, ledger, [0.03, 0.031, 0.032, 0.03, 0.027])
    write_page(plan, ledger, marked(folder), print)
    plot = folder / f"{plan.name}.svg"
    before = plot.read_bytes()
    for name, value in (("font.size", 30), ("axes.facecolor", "red"), ("text.usetex", True)):
        monkeypatch.setitem(matplotlib.rcParams, name, value)
    plot.unlink()
    write_page(plan, ledger, marked(folder), print)
    assert plot.read_bytes() == before


@pytest.mark.parametrize("other", [{"machine": "another"}, {"device": "cuda:0"}])
def test_costs_compare_runs_of_one_kind_of_machine(colors, other):
    plan, ledger, _ = colors
    fill(plan, ledger, [0] * 5)
    for number, job in enumerate(plan.tables[0].arms["SMART"]):
        ledger.add(line_of(job, 0.5, seconds_per_update=9.0 if number < 4 else 1.0, **(other if number < 4 else {})))
    assert [row.cost for row in compare(plan, ledger)[0].rows] == [1.0, 2.0]
    ledger.add(line_of(plan.tables[0].arms["SMART"][4], 0.5, **other))
    assert [row.cost for row in compare(plan, ledger)[0].rows] == [1.0, None]


def test_a_cost_is_the_median_over_the_seeds(colors):
    """One run that other work on the machine slowed does not change it."""
    plan, ledger, _ = colors
    fill(plan, ledger, [0] * 5)
    for job, seconds in zip(plan.tables[0].arms["SMART"], (1.0, 1.0, 1.5, 2.0, 50.0), strict=True):
        ledger.add(line_of(job, 0.5, seconds_per_update=seconds))
    assert [row.cost for row in compare(plan, ledger)[0].rows] == [1.0, 3.0]


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
    write_page(plan, ledger, marked(folder), print)
    assert "- tiny: too few seeds to say: every arm\n" in (folder / "RESULTS.md").read_text()


def test_nothing_is_significant_before_all_runs_are_there(colors):
    plan, ledger, folder = colors
    fill(plan, ledger, [0.03, 0.031, 0.032, 0.03, 0.027])
    assert compare(plan, ledger)[0].rows[1].is_significant
    write_page(plan, ledger, marked(folder), print)
    assert "Not significant" not in (folder / "RESULTS.md").read_text(), "it lists what is not"
    plan.tables[0].arms["SMART"].append(replace(plan.jobs[0], seed=99))
    assert not compare(plan, ledger)[0].rows[1].is_significant
    write_page(plan, ledger, marked(folder), print)
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


def test_no_difference_is_called_none(colors):
    plan, ledger, folder = colors
    fill(plan, ledger, [0, 0, 0, 0, 0])
    write_page(plan, ledger, marked(folder), print)
    page = (folder / "RESULTS.md").read_text()
    assert "+0.00, +0.00 to +0.00 | 0 to 0 | 1.000" in page and "every arm" in page


def test_without_matplotlib_the_tables_stay(colors, monkeypatch):
    plan, ledger, folder = colors
    fill(plan, ledger, [0, 0, 0, 0, 0])
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    notified = []
    write_page(plan, ledger, marked(folder), notified.append)
    assert notified == ["plots need matplotlib, so they are left out: pip install 'mtsmart[plots]'"]
    assert ".svg" not in (folder / "RESULTS.md").read_text()


@pytest.mark.parametrize(
    ("change", "seeds", "note"),
    [
        (
            {"rows": {"color": ROWS | {"validation": "17 rows, xyz"}}},
            1,
            "not all scored on the same rows, because the data has",
        ),
        (
            {"rows": {"color": ROWS | {"train": "32 rows, xyz"}}},
            1,
            "not all trained on the same rows, because the data has",
        ),
        ({"rows": {"color": ROWS | {"train": "32 rows, xyz"}}}, 5, "The arms were not trained on the same rows"),
        ({"updates": 11}, 5, "The arms differ in their number of updates"),
        ({"device": "cuda"}, 5, "Not all runs come from the same versions and kind of machine"),
        ({"versions": {"torch": "3"}}, 1, "Not all runs come from the same versions"),
        ({"tasks": {"color": {"f1": 0.7}}}, 5, "SMART is left out, because its metric is f1"),
    ],
)
def test_what_differs_beside_the_arm_is_told(colors, change, seeds, note):
    plan, ledger, folder = colors
    fill(plan, ledger, [0, 0, 0, 0, 0])
    write_page(plan, ledger, marked(folder), print)
    assert "\n- " not in (folder / "RESULTS.md").read_text().partition("## Not significant")[0]
    for job in plan.tables[0].arms["SMART"][:seeds]:
        ledger.add(line_of(job, 0.5, **change))
    write_page(plan, ledger, marked(folder), print)
    page = (folder / "RESULTS.md").read_text()
    assert note in page and ("| SMART |" in page) == ("left out" not in note)


def test_what_is_missing_or_the_same_is_told(colors):
    plan, ledger, folder = colors
    plan.tables[0].arms["again"] = plan.tables[0].arms["plain"]
    fill(plan, ledger, [0, 0, 0, 0, 0])
    plan.tables[0].arms["SMART"].append(replace(plan.jobs[0], seed=99))
    write_page(plan, ledger, marked(folder), print)
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
    notified = []
    write_page(plan, ledger, marked(folder), notified.append)
    page = (folder / "RESULTS.md").read_text()
    assert "| \\_\\_a\\_\\_ |" in page and "| x_y \\~\\~z |" in page and "| &amp;amp; |" in page
    assert "| a\\|b |" in page and "| \\*\\*bold\\*\\* |" in page and "| &lt;b&gt; |" in page
    plots = re.findall(r"\]\(([^)]*\.svg)\)", page)
    assert not notified and plots == [f"{plan.name}.svg", "a-b.svg", "a-b~2.svg", "table.svg", "table~2.svg"]
    assert all((folder / plot).is_file() for plot in plots)


def test_text_of_the_ledger_stays_text(colors):
    plan, ledger, folder = colors
    evil = "m\x1b[2J\n# H\n<script> | ![a](b)"
    for job in plan.jobs:
        ledger.add(line_of(job, 0.5, machine=evil, device=evil, versions={evil: evil}))
    write_page(plan, ledger, marked(folder), print)
    page = (folder / "RESULTS.md").read_text()
    assert page.replace("\n", "").isprintable() and "\n# H" not in page
    assert r"m\\x1b\[2J # H &lt;script&gt; \| !\[a\](b)" in page


def test_further_metrics_are_compared_below_the_main_one(colors):
    plan, ledger, folder = colors
    for arm, jobs in plan.tables[0].arms.items():
        for number, job in enumerate(jobs):
            error = 0.3 + number / 100 - (0.1 + number / 1000 if arm == "SMART" else 0)
            ledger.add(line_of(job, 0.5, tasks={"color": {"accuracy": 0.5, "ece": error}}))
    write_page(plan, ledger, marked(folder), print)
    page = (folder / "RESULTS.md").read_text()
    assert "| arm | ece | ece to plain |" in page
    assert "Lower is better for ece." in page
    assert "| plain | 32.00 |  |" in page
    assert re.search(r"\n\| SMART \| 21\.80 \| \*\*-10\.20\*\*, -10\.3\d to -10\.0\d \|", page)
    assert "Churn" not in page, "no answers are kept"


def test_kept_answers_give_the_churn_of_seeds(colors):
    plan, ledger, folder = colors
    for arm, jobs in plan.tables[0].arms.items():
        for number, job in enumerate(jobs):
            answers = [int(arm == "plain" and row == number) for row in range(16)]  # two seeds of plain: 2 of 16 rows
            ledger.add(line_of(job, 0.5, answers={"color": answers}))
    write_page(plan, ledger, marked(folder), print)
    page = (folder / "RESULTS.md").read_text()
    assert "Lower is better for churn of seeds. Churn is the share" in page
    assert "| plain | 12.50 |  |" in page
    assert "| SMART | 0.00 | -12.50, -12.50 to -12.50 |" in page, "five equal differences have p = 1/16"


@pytest.mark.parametrize(
    "change",
    [{"answers": None}, {"rows": {"color": {**ROWS, "validation": "16 rows, other"}}}],
    ids=["answers", "rows"],
)
def test_runs_on_other_rows_or_without_answers_have_no_churn(colors, change):
    plan, ledger, _ = colors
    for arm, jobs in plan.tables[0].arms.items():
        for job in jobs:
            odd = arm == "SMART" and job.seed == jobs[0].seed
            ledger.add(line_of(job, 0.5, **{"answers": {"color": [0] * 16}, **(change if odd else {})}))
    assert [row.arm for row in compare(plan, ledger)[0].others[CHURN]] == ["plain"]
