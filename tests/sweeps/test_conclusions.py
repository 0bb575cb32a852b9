"""The text of conclusions, which takes its figures from the tables."""

import re

import pytest

from mtsmart.config.loader import load_experiment
from mtsmart.errors import ConfigError
from mtsmart.sweeps.conclusions import FIGURES, check_conclusions
from mtsmart.sweeps.page import write_page
from mtsmart.sweeps.plan import make_plan
from tests.sweeps.grids import fill, line_of, marked


def test_suites_are_known_by_their_tasks(grid, tmp_path):
    (tmp_path / "c.md").write_text("{{t: quick_similar / plain / mean}}")
    grid.write_text(re.sub(r"  tables:(.|\n)*", "  tables: {t: {tasks: [quickstart]}}\n", grid.read_text()))
    check_conclusions(make_plan(load_experiment(grid, [f"grid.conclusions={tmp_path / 'c.md'}"]), [], tmp_path))


def test_conclusions_take_their_figures_from_the_table(colors):
    plan, ledger, folder = colors
    fill(plan, ledger, [0.03, 0.031, 0.032, 0.03, 0.027])
    plan.conclusions = folder / "c.md"
    plan.conclusions.write_text(f"SMART gains {{{{{plan.name} / SMART / difference}}}} points.\n")
    write_page(plan, ledger, marked(folder), print)
    assert "SMART gains +3.00 points." in (folder / "RESULTS.md").read_text()
    plan.conclusions.write_text(f"SMART beats plain in {{{{{plan.name}/SMART / wins}}}} of 5.\n".replace("/S", " / S"))
    write_page(plan, ledger, marked(folder), print)
    assert "SMART beats plain in 5 of 5." in (folder / "RESULTS.md").read_text()
    places = "; ".join(f"{{{{{plan.name} / SMART / {figure}}}}}" for figure in FIGURES)  # each has its value
    plan.conclusions.write_text(places)
    write_page(plan, ledger, marked(folder), print)
    shown = r"5; 55\.00; 1\.\d\d; 0\.\d\d; \+3\.00; \+2\.\d\d to \+3\.\d\d; 5; 0; < 0\.001; 2\.5"
    assert re.search(rf"^{shown}$", (folder / "RESULTS.md").read_text(), re.MULTILINE)


def test_a_figures_name_may_go_over_a_line(colors):
    plan, ledger, folder = colors
    fill(plan, ledger, [0.03] * 5)
    plan.conclusions = folder / "c.md"
    plan.conclusions.write_text(f"{{{{{plan.name} / SMART /\n  difference}}}} {{{{{plan.name} /\nSMART / wins}}}}\n")
    check_conclusions(plan)
    write_page(plan, ledger, marked(folder), print)
    assert "+3.00 5" in (folder / "RESULTS.md").read_text()
    plan.conclusions.write_text(f"a\nb {{{{{plan.name} / SMRT /\nmean}}}}")
    with pytest.raises(ConfigError, match=r"c\.md:2: there is no such figure, got '.* / SMRT / mean'"):
        check_conclusions(plan)
    write_page(plan, ledger, marked(folder), print)  # as when the text has changed since the check
    assert "b (no such figure)" in (folder / "RESULTS.md").read_text()


def test_conclusions_without_a_figure_say_so(colors):
    plan, ledger, folder = colors
    ledger.add(line_of(plan.tables[0].arms["plain"][0], 0.5))
    plan.conclusions = folder / "c.md"
    places = " ".join(f"{{{{{plan.name} / {place}}}}}" for place in ("SMART / mean", "plain / mean", "plain / p"))
    plan.conclusions.write_text(places)
    check_conclusions(plan)
    write_page(plan, ledger, marked(folder), print)
    assert "(to come) 50.00 (none)" in (folder / "RESULTS.md").read_text()


def test_other_metrics_than_the_main_one_are_named_before_the_figure(colors):
    plan, ledger, folder = colors
    plan.conclusions = folder / "c.md"
    names = (
        "SMART / ece / difference",
        "SMART / churn of seeds / mean",
        "plain / ece / p",
        "plain / ec / mean",
        "SMART / mean",
    )
    plan.conclusions.write_text("; ".join(f"{{{{{plan.name} / {name}}}}}" for name in names))
    check_conclusions(plan)
    ledger.add(line_of(plan.tables[0].arms["plain"][0], 0.5, tasks={"color": {"accuracy": 0.5, "ece": 0.2}}))
    write_page(plan, ledger, marked(folder), print)
    assert "(to come); (to come); (none); (none); (to come)" in (folder / "RESULTS.md").read_text()
    for arm, jobs in plan.tables[0].arms.items():
        for number, job in enumerate(jobs):
            scores = {"accuracy": 0.5, "ece": 0.2 + (0.1 if arm == "SMART" else 0)}
            answers = [int(row == number) for row in range(16)]
            ledger.add(line_of(job, 0.5, tasks={"color": scores}, answers={"color": answers}))
    write_page(plan, ledger, marked(folder), print)
    assert "+10.00; 12.50; (none); (none); 50.00" in (folder / "RESULTS.md").read_text()
    plan.conclusions.write_text(f"{{{{{plan.name} / SMRT / ece / mean}}}}")
    with pytest.raises(ConfigError, match=r"c\.md:1: there is no such figure, got '.* / SMRT / ece / mean'"):
        check_conclusions(plan)


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
