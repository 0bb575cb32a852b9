"""The experiment of two tiny tasks with a grid, and a plan that tests fill with results."""

import re

import pytest

from mtsmart.config.loader import load_experiment
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.plan import make_plan
from mtsmart.sweeps.search.plan import make_search
from tests.sweeps.grids import GRID, SEARCH


@pytest.fixture
def grid(workspace):
    text = workspace.experiment.read_text()
    text = re.sub(r"^(smart|mbpp):.*\n", "", text, flags=re.MULTILINE)
    return workspace.write_experiment(text + GRID)


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


@pytest.fixture
def search_of(workspace, tmp_path):
    """A function that makes a search over the workspace's experiment."""
    text = re.sub(r"^(smart|mbpp):.*\n", "", workspace.experiment.read_text(), flags=re.MULTILINE)

    def search(more=SEARCH, *overrides):
        file = workspace.write_experiment(text + more)
        return make_search(load_experiment(file, overrides), ["tasks=[color]", *overrides])

    return search
