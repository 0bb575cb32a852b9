"""The built wheel, installed elsewhere, carries the tasks, their data and the experiments."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that nothing in the checkout can leak in or be left behind."""
    import shutil

    source = tmp_path_factory.mktemp("source") / "mtsmart"
    ignore = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, source, ignore=ignore)
    shutil.rmtree(source / "runs", ignore_errors=True)  # of a user; mtsmart/runs is a package
    out = tmp_path_factory.mktemp("wheel")
    code = f"from setuptools import build_meta; build_meta.build_wheel({str(out)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True, text=True)
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_wheel_lists_its_tasks_and_experiments(wheel, tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    code = (
        "import mtsmart; from mtsmart.config.loader import find_experiment\n"
        "from mtsmart.data.readers import read_table\n"
        f"assert mtsmart.__file__.startswith({str(site)!r}), mtsmart.__file__\n"
        "tasks = mtsmart.load_tasks()\n"
        "print(*tasks); print(find_experiment('quickstart'))\n"
        "print(read_table(tasks['quick_entail'].dataset.files['train']).num_rows)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    tasks, experiment, rows = done.stdout.splitlines()
    assert {"rte", "snli", "hans", "quick_entail"} <= set(tasks.split())
    assert experiment.startswith(str(site))
    assert int(rows) >= 400


def test_wheel_holds_every_yaml_and_nothing_that_does_not_belong(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for kind in ("tasks", "experiments"):
        for file in (ROOT / kind).rglob("*.yaml"):
            assert f"mtsmart/shipped/{kind}/{file.relative_to(ROOT / kind)}" in names
    assert "mtsmart/shipped/experiments/evidence/conclusions.md" in names  # which evidence.yaml names
    assert "mtsmart/py.typed" in names
    kinds = ("*.j2", "*.css", "*.txt", "*.html")
    for file in (file for kind in kinds for file in (ROOT / "mtsmart").rglob(kind)):
        assert str(file.relative_to(ROOT)) in names
    assert all(name.startswith(("mtsmart/", "mtsmart-")) for name in names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_the_editable_installation_finds_its_tasks(tmp_path):
    """What the test environment itself is: started from elsewhere, it lists the shipped tasks."""
    command = [sys.executable, "-m", "mtsmart", "tasks", "list"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "quick_entail" in done.stdout
