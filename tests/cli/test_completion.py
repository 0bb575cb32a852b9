"""What a shell offers after the Tab key, and that it comes without libraries that take long to import."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def offered(cli, monkeypatch):
    """What bash offers for a line; its last word is not complete."""

    # Otherwise the program would be called as pytest is.
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)

    def words(line):
        monkeypatch.setenv("_MTSMART_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", f"mtsmart {line}")
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" "))))
        return cli().out.split()

    return words


def test_experiments(workspace, offered):
    assert offered("train quick") == ["quickstart"]
    assert offered("train exp") == ["experiment.yaml"]
    assert "evidence/evidence" in offered("sweep evidence/")


def test_runs(trained_run, workspace, offered):
    run = trained_run(name="mine")
    (workspace.folder / "other").mkdir()
    (workspace.folder / "runs").mkdir()
    run.rename("runs/mine")
    assert offered("evaluate ") == ["runs/mine", "other/", "runs/"]
    assert offered("evaluate runs/m") == ["runs/mine"]
    assert offered(f"predict {workspace.folder}/runs/") == [f"{workspace.folder}/runs/mine"]


def test_tasks(trained_run, workspace, offered):
    trained_run(name="run")
    assert offered("predict run --task ") == ["color", "near"]
    assert offered("finetune run -t snl") == ["snli", "snli_cad"]
    assert offered("tasks show co") == ["copa", "copa_ranking", "cola"]
    assert offered("tasks show --task-file tiny_tasks.yaml co")[:2] == ["color", "copa"]
    (workspace.folder / "run" / "config.yaml").unlink()
    assert "rte" in offered("predict run --task ")


def test_settings(offered):
    assert offered("train quickstart optimizer.l") == ["optimizer.learning_rate="]
    assert offered("train quickstart smart.epsilon_") == ["smart.epsilon_unit="]


COMPLETE = """
import sys
sys.argv = ["mtsmart"]
from mtsmart.cli.app import main
try:
    main()
finally:
    print([name for name in ("torch", "transformers", "datasets", "numpy") if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("line", ["tasks show rt", "train quickstart training.epo"])
def test_no_heavy_library_is_imported(line):
    words = {"_MTSMART_COMPLETE": "complete_bash", "COMP_WORDS": f"mtsmart {line}", "COMP_CWORD": "3"}
    before = os.times().children_user
    done = subprocess.run(
        [sys.executable, "-c", COMPLETE], env={**os.environ, **words}, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() in (["rte"], ["training.epochs="])
    assert done.stderr.strip() == "[]"
    assert os.times().children_user - before < 1
