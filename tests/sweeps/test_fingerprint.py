"""A sweep knows a run again that an earlier version has finished."""

import pytest

from mtsmart.config.loader import load_experiment
from mtsmart.sweeps.ledger import LEDGER, Ledger
from mtsmart.sweeps.plan import make_plan
from tests.sweeps.grids import line_of

# Labels as an experiment has them, and as earlier versions kept them: by their YAML value.
SPELLINGS = [("[00, 01]", "['0', '1']"), ("[1.10, 2]", "['1.1', '2']"), ("[False, True]", "[false, true]")]


@pytest.mark.parametrize(("written", "kept"), SPELLINGS)
def test_a_run_of_an_earlier_version_is_known_by_labels_of_equal_meaning(workspace, tmp_path, written, kept):
    """A ledger with the spelling of today goes on, too."""
    text = workspace.tasks.read_text()
    grid = "grid: {seeds: [1, 2], arms: {one: {}}}\n"
    experiment = workspace.write_experiment(workspace.experiment.read_text() + grid)
    folder = tmp_path / "s"
    folder.mkdir()

    def jobs(labels):
        workspace.tasks.write_text(text.replace("[other, red]", labels))
        return make_plan(load_experiment(experiment), [], folder).jobs

    new = jobs(written)
    old = jobs(kept)
    assert {job.config for job in new}.isdisjoint(job.config for job in old)
    Ledger(folder / LEDGER).add(line_of(old[0], 0.5))
    assert [job.key for job in jobs(written)] == [job.key for job in old]
    Ledger(folder / LEDGER).add(line_of(new[0], 0.5))
    assert [job.key for job in jobs(written)] == [job.key for job in new]
