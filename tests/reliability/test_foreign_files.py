"""No command changes or removes a file that mtsmart did not write, also if it is killed and started again.

The small ones run with every test. `make torture` runs 200 layouts of such files with 20 kills each.
"""

import gc
import os
import shutil

import pytest
import yaml

import mtsmart
from mtsmart.errors import StorageError
from mtsmart.sweeps.folder import own_sweep
from tests.reliability import foreign
from tests.reliability.refusals import assert_refused, contents

LAYOUTS = int(os.environ.get("MTSMART_FOREIGN_LAYOUTS", "200"))


def check(tmp_path, command, layouts, kills):
    found = []
    gc.freeze()  # A collection in a forked process would copy all that it looks at.
    for seed in range(layouts):
        root = tmp_path / f"{seed}"
        root.mkdir()
        found += foreign.violations(root, command, seed, kills)
        shutil.rmtree(root)
    print(f"{command.__name__}: {layouts} layouts, {layouts * kills} kills, {len(found)} violations")
    assert not found, found[:5]


@pytest.mark.parametrize("command", foreign.COMMANDS, ids=lambda command: command.__name__)
def test_files_of_others_stay(tmp_path, command):
    check(tmp_path, command, layouts=3, kills=2)


@pytest.mark.torture
@pytest.mark.parametrize("command", foreign.COMMANDS, ids=lambda command: command.__name__)
def test_files_of_others_stay_in_many_layouts(tmp_path, command):
    check(tmp_path, command, LAYOUTS, kills=20)


@pytest.mark.parametrize("command", foreign.COMMANDS, ids=lambda command: command.__name__)
def test_without_files_of_others_each_command_does_its_work(tmp_path, command):
    """Else the tests above would show nothing."""
    if command in (foreign.resume, foreign.predict):
        foreign.in_child(foreign._interrupted, tmp_path)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    changes = foreign.in_child(command, tmp_path)
    assert 0.4 * foreign.MOST_CHANGES[command] < changes <= foreign.MOST_CHANGES[command]
    assert {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith((".new", ".old"))]


@pytest.mark.parametrize(
    "output",
    [
        *("d.jsonl", "linked.jsonl", "soft.jsonl", "run/metrics.jsonl", "run/model/x.csv", "run/checkpoints/x.tsv"),
        *("encoder/x.csv", "other/model/x.csv", "metrics.csv"),
    ],
)
def test_predictions_replace_nothing_that_a_run_reads_or_owns(trained, run, cli, output):
    root = run.parent
    config = (run / "config.yaml").read_text().replace(str(trained / "d.jsonl"), str(root / "d.jsonl"))
    encoder = yaml.safe_load(config)["encoder"]["path"]
    (run / "config.yaml").write_text(config.replace(encoder, str(root / "encoder")))
    shutil.copytree(encoder, root / "encoder")
    shutil.copytree(run, root / "other")
    for name in ("d.jsonl", "in.jsonl"):
        shutil.copyfile(trained / "d.jsonl", root / name)
    os.link(root / "d.jsonl", root / "linked.jsonl")
    os.link(run / "metrics.jsonl", root / "metrics.csv")
    (root / "soft.jsonl").symlink_to("d.jsonl")
    before = contents(root)
    assert_refused(cli("predict", run, "-t", "color", "-i", root / "in.jsonl", "--output", root / output), "output: ")
    assert contents(root) == before


def test_a_file_of_this_name_is_replaced_where_nobody_reads_it(trained, run, cli):
    (run.parent / "out.jsonl").write_text("old")
    result = cli("predict", run, "-t", "color", "-i", trained / "d.jsonl", "--output", run.parent / "out.jsonl")
    assert result.code == 0 and "prediction" in (run.parent / "out.jsonl").read_text()


@pytest.mark.parametrize("name", ["model/new", "checkpoints/new"])
def test_no_run_and_no_export_goes_into_the_files_of_a_run(trained, run, cli, name):
    before = contents(run)
    assert_refused(cli("train", trained / "e.yaml", "-o", run / name), "which may delete it")
    shutil.copytree(run, run.parent / "other")
    assert_refused(cli("export", run, "-t", "color", run.parent / "other" / name), "which may delete it")
    assert contents(run) == before


def test_another_name_of_a_runs_file_keeps_its_content(trained, run):
    """As in a backup of hard links: what is appended goes into a file of its own."""
    shutil.copytree(run, run.parent / "backup", copy_function=os.link)
    before = contents(run.parent / "backup")
    changes = {"resume": True, "allow_changes": ["training.epochs"]}
    mtsmart.train(trained / "e.yaml", ["training.epochs=3"], output_dir=run, **changes)
    assert contents(run.parent / "backup") == before


@pytest.mark.parametrize("name", ["thesis.txt", "runs.jsonl", "RESULTS.md", "starts/a/b", ".git/HEAD"])
def test_a_sweep_takes_no_folder_of_others(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    before = contents(tmp_path)
    if name.startswith("starts/"):  # version 0.1.0 left such folders, so only what is in them stays
        own_sweep(tmp_path)
    else:
        with pytest.raises(StorageError, match="did not write"):
            own_sweep(tmp_path)
    assert before.items() <= contents(tmp_path).items()
