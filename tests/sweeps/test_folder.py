"""A sweep's folder, of which a part came from another machine through git: the marker names the rest alone."""

import re
import shutil

import pytest

from mtsmart.errors import StorageError
from mtsmart.resources import shipped
from mtsmart.storage.owned import PREFIX, Kind, OwnedFolder
from mtsmart.sweeps.folder import check_sweep, own_sweep
from mtsmart.sweeps.ledger import LEDGER
from mtsmart.sweeps.page import PAGE, write_page
from tests.sweeps.grids import fill

COMMANDS = [
    (grid, folder)
    for file in sorted(shipped("experiments").rglob("*.yaml"))
    for grid, folder in re.findall(r"mtsmart sweep (experiments/\S+) -o (\S+)", file.read_text())
]


@pytest.fixture
def half_marked(colors):
    """A plan, its ledger, and the folder with a page and plots that the marker does not name."""
    plan, ledger, folder = colors
    fill(plan, ledger, [0.02] * 5)
    owned = own_sweep(folder)
    write_page(plan, ledger, owned, print)
    OwnedFolder(folder, Kind.SWEEP, owned.token, {LEDGER: None}).write()
    return plan, ledger, folder


def test_a_page_and_its_plots_from_a_commit_are_replaced(half_marked):
    pytest.importorskip("matplotlib", reason="matplotlib draws the plots")
    plan, ledger, folder = half_marked
    page = (folder / PAGE).read_text()
    plots = sorted(file.name for file in folder.glob("*.svg"))
    assert plots
    check_sweep(folder)
    owned = own_sweep(folder)
    assert OwnedFolder.read(folder) == owned and sorted(owned.files) == sorted([LEDGER, PAGE, *plots])
    write_page(plan, ledger, owned, print)
    assert (folder / PAGE).read_text() == page


def test_a_plot_that_the_page_does_not_name_stays(half_marked):
    plan, ledger, folder = half_marked
    for plot in folder.glob("*.svg"):
        plot.unlink()
    name = "tiny.svg"
    (folder / PAGE).write_text((folder / PAGE).read_text().replace(f"]({name})", "]()"))
    (folder / name).write_text("mine")
    owned = own_sweep(folder)
    assert PAGE in owned.files and name not in owned.files
    with pytest.raises(StorageError, match=rf"{name}: was not written by mtsmart, and would be replaced"):
        write_page(plan, ledger, owned, print)
    assert (folder / name).read_text() == "mine"


def test_a_page_of_another_program_is_still_refused(half_marked):
    folder = half_marked[2]
    (folder / PAGE).write_text("# Mine\n")
    with pytest.raises(StorageError, match=r"RESULTS\.md: was not written by mtsmart, and would be replaced"):
        own_sweep(folder)
    assert (folder / PAGE).read_text() == "# Mine\n"


@pytest.mark.parametrize(("grid", "folder"), COMMANDS, ids=[grid for grid, _ in COMMANDS])
def test_the_commands_in_shipped_grids_name_folders_that_a_sweep_may_fill(tmp_path, grid, folder):
    """Also in a fresh clone, whose folders have no marker."""
    root = shipped("experiments").parent
    assert (root / grid).is_file()
    copy = tmp_path / "sweep"
    if (root / folder).is_dir():
        shutil.copytree(root / folder, copy, ignore=shutil.ignore_patterns(f"{PREFIX}*"))
    check_sweep(copy)
