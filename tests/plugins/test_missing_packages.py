"""Runs that were trained with a package which is not installed, or which is broken."""

import json
import shutil

import pytest
import yaml
from typer.testing import CliRunner

import mtsmart
from mtsmart.cli.app import app
from mtsmart.errors import ConfigError, MissingPackageError, MtsmartError
from mtsmart.models.adapters import read_adapters
from mtsmart.models.transforms import TRANSFORMS
from mtsmart.reporting.runs_tables import runs_in, runs_json
from mtsmart.runs.finetune import finetune_experiment
from mtsmart.runs.folder import RunFolder

CONFIG = "name: run\ntasks: {color: {}}\nencoder:\n  path: x\n  gone: {rank: 4}\n"
OFF = {"preset": "off"}
BROKEN = "The transform of the encoder 'gone' of the package extras cannot be used: no module named 'extras'"


@pytest.fixture
def run(trained_run, tmp_path):
    """A copy of a finished run that a test may change."""
    return shutil.copytree(trained_run(), tmp_path / "runs" / "run")


def change(run, **settings):
    """Lay settings over a run's configuration, those of its task ``color`` among them."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    for name, value in settings.items():
        if name == "color":
            config["tasks"]["color"].update(value)
        else:
            config[name] = {**config[name], **value} if name in config else value
    (run / "config.yaml").write_text(yaml.safe_dump(config))


def record(run, group, name):
    """Say in results.json that the run was trained with a package."""
    results = json.loads((run / "results.json").read_text())
    results["extensions"] = [{"group": group, "name": name, "package": "mtsmart-gone", "version": "1.2"}]
    (run / "results.json").write_text(json.dumps(results))


def listed(run):
    (facts,) = runs_json(runs_in(run.parent))
    return facts


@pytest.mark.parametrize("settings", [{"supcon": OFF}, {"color": {"supcon": OFF}}, {"encoder": {"gone": False}}])
def test_what_is_off_needs_no_package(run, settings):
    change(run, **settings)
    assert listed(run)["state"] == "finished"
    assert mtsmart.load(run, device="cpu").evaluate().score is not None
    assert finetune_experiment(RunFolder(run), "color", []).config.name


def test_a_file_of_the_users_own_stays_strict(tmp_path):
    (tmp_path / "e.yaml").write_text("tasks: [quick_attitude]\nencoder: {path: x}\nsupcon: {preset: 'off'}\n")
    with pytest.raises(ConfigError, match="supcon: unknown key. No installed package .* Choose from: ") as error:
        mtsmart.train(tmp_path / "e.yaml")
    assert not isinstance(error.value, MissingPackageError)


@pytest.mark.parametrize(
    ("group", "key", "settings", "kind"),
    [
        ("regularizers", "supcon", {"supcon": {"weight": 1}}, "regulariser"),
        ("regularizers", "tasks.color.supcon", {"color": {"supcon": {"weight": 1}}}, "regulariser"),
        ("transforms", "encoder.supcon", {"encoder": {"supcon": True}}, "transform of the encoder"),
        ("weightings", "weighting.supcon", {"weighting": {"supcon": {}}}, "weighting"),
        ("trackers", "tracking.supcon", {"tracking": {"supcon": {}}}, "tracker"),
    ],
)
@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_run_that_needs_a_package_names_it_and_is_not_damaged(run, group, key, settings, kind, is_recorded):
    change(run, **settings)
    hint = f"{key}: unknown key. No installed package has a {kind} of this name"
    if is_recorded:
        record(run, f"mtsmart.{group}", "supcon")
        hint += ". The run was trained with the package mtsmart-gone 1.2: install it"
    facts = listed(run)
    assert facts["state"] == "missing package" and facts["error"].endswith(hint)
    with pytest.raises(MissingPackageError) as error:
        mtsmart.load(run)
    assert str(error.value) == facts["error"]


@pytest.mark.parametrize(
    ("group", "settings", "kind"),
    [
        ("task_types", {"task_type": "gone"}, "task type"),
        ("losses", {"loss": "gone"}, "loss"),
        ("metrics", {"metrics": ["gone"]}, "metric"),
    ],
)
def test_a_task_that_needs_a_package_names_it(run, group, settings, kind):
    change(run, color=settings)
    record(run, f"mtsmart.{group}", "gone")
    missing = f"No installed package has the {kind} 'gone'. The run was trained with the package mtsmart-gone 1.2"
    with pytest.raises(MissingPackageError, match=missing):
        mtsmart.load(run, device="cpu").task("color")
    facts = listed(run)
    assert facts["state"] == "missing package" and facts["error"].startswith(missing)
    assert facts["tasks"] and facts["score"] is not None


def test_the_list_tells_the_reason(run):
    change(run, supcon={"weight": 1})
    record(run, "mtsmart.regularizers", "supcon")
    shown = CliRunner().invoke(app, ["runs", "list", str(run.parent)], env={"COLUMNS": "200"})
    assert "missing package" in shown.output and "damaged" not in shown.output
    assert "supcon: unknown key. No installed package has a regulariser of this name" in shown.output
    assert "mtsmart-gone 1.2" in shown.output


def test_a_run_without_packages_records_none(run):
    assert "extensions" not in json.loads((run / "results.json").read_text())


def test_a_run_whose_package_is_gone_says_so(tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIG)
    with pytest.raises(MtsmartError) as error:
        mtsmart.load(tmp_path)
    place = f"{tmp_path / 'config.yaml'}:5: encoder.gone: unknown key"
    assert str(error.value) == f"{place}. No installed package has a transform of the encoder of this name"


def test_a_run_whose_package_is_broken_says_why(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text(CONFIG)
    list(TRANSFORMS)
    monkeypatch.setitem(TRANSFORMS._broken, "gone", BROKEN)
    with pytest.raises(MtsmartError, match=f"encoder.gone: unknown key. {BROKEN}$"):
        mtsmart.load(tmp_path)
    (tmp_path / "adapters.json").write_text('{"gone": {"rank": 4}}')
    with pytest.raises(MtsmartError, match=f"adapters.json: there is no such adapter, got 'gone'. {BROKEN}$"):
        read_adapters(tmp_path)
