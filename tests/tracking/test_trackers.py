"""Trackers show what metrics.jsonl says, also of a run that was killed and resumed, and never touch training."""

import importlib.util
import json
import os
import shutil
import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml

import mtsmart
from mtsmart.errors import StorageError
from mtsmart.log import NOTICE
from mtsmart.tracking import TRACKERS, Opening, ProjectSettings, Tracker
from mtsmart.tracking.shared.curves import figures_of
from mtsmart.training.callbacks import Callback
from tests.conftest import make_workspace

SETTINGS = ["training.checkpoint_every=4", "training.log_every=1", "training.evaluate_every=3", "training.epochs=1"]


class Notebook(Tracker[ProjectSettings]):
    """A tracker that keeps what it gets in a file, and doubles what it gets twice."""

    Settings = ProjectSettings
    package = "json"

    class Inner:
        def start(self):
            pass

        def finish(self):
            pass

        def store_init_configuration(self, values):
            self.configuration = values

    def build(self):
        self.file = self.opening.folder / "notes.jsonl"
        return self.Inner()

    @property
    def run_id(self):
        return self.opening.known_id or "first"

    def log(self, figures, update):
        print("a line on standard output")
        np.random.rand()
        if update in self.fails_at:
            raise OSError(f"no route to http://me:{'hunter2' * 2}@host with {os.environ['NOTEBOOK_API_KEY']}\nmore")
        with self.file.open("a") as stream:
            stream.write(json.dumps([self.run_id, update, figures]) + "\n")

    fails_at = ()

    def show(self, title, picture, update):
        assert picture.read_bytes().startswith(b"\x89PNG")
        with (self.opening.folder / "pictures.txt").open("a") as stream:
            stream.write(f"{title} at {update}\n")


class DiskOfAKill(Callback):
    """Keeps what is on the disk at an update: what a process leaves that is killed then."""

    def __init__(self, update: int, folders: list[Path]) -> None:
        self.update = update
        self.folders = folders

    def on_evaluation(self, event):
        if event.update == self.update:
            for folder in self.folders:
                if folder.exists():
                    shutil.copytree(folder, self._aside(folder))

    def restore(self):
        for folder in self.folders:
            if folder.exists():
                shutil.rmtree(folder)
                self._aside(folder).rename(folder)

    def _aside(self, folder: Path) -> Path:
        return folder.with_name(f"{folder.name} at {self.update}")


@pytest.fixture
def notebook():
    with TRACKERS.lending({"notebook": Notebook}):
        yield Notebook


def records(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def curves(run: Path) -> dict[str, list[tuple[int, float]]]:
    """What metrics.jsonl says: curve -> (update, value)."""
    found: dict[str, list[tuple[int, float]]] = {}
    for record in records(run):
        for name, value in figures_of(record).items():
            found.setdefault(name, []).append((record["update"], value))
    return found


def of_tensorboard(run: Path) -> dict[str, list[tuple[int, float]]]:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    events = accumulator.EventAccumulator(str(run / "tracking" / "tensorboard"), {"scalars": 0}).Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def of_mlflow(run: Path) -> dict[str, list[tuple[int, float]]]:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    client = mlflow.MlflowClient(str(run.parent / "mlruns"))
    (found,) = client.search_runs([client.get_experiment_by_name("mtsmart").experiment_id])
    assert found.info.status == "FINISHED" and found.data.params["training.epochs"] == "1"
    names = [name for name in found.data.metrics if not name.startswith("best/")]
    of_run = found.info.run_id
    return {name: [(one.step, one.value) for one in client.get_metric_history(of_run, name)] for name in names}


def of_notebook(run: Path) -> dict[str, list[tuple[int, float]]]:
    lines = [json.loads(line) for line in (run / "tracking" / "notebook" / "notes.jsonl").read_text().splitlines()]
    assert {run_id for run_id, _, _ in lines} == {"first"}
    found: dict[str, list[tuple[int, float]]] = {}
    for _, update, figures in lines:
        for name, value in figures.items():
            if not name.startswith("best/"):
                found.setdefault(name, []).append((update, value))
    return found


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


@pytest.fixture(scope="module")
def resumed(tmp_path_factory, tiny_encoder) -> Path:
    """A run with all trackers that are here, killed after update 6, which they have, and resumed after update 4."""
    workspace = make_workspace(tmp_path_factory.mktemp("tracked"), tiny_encoder)
    trackers = {"notebook": {}}
    if is_installed("tensorboard"):
        trackers["tensorboard"] = {}
    if is_installed("mlflow"):
        trackers["mlflow"] = {"uri": str(workspace.folder / "mlruns")}
    settings = [*SETTINGS, f"tracking={json.dumps(trackers)}"]
    run = workspace.folder / "run"
    disk = DiskOfAKill(6, [run, workspace.folder / "mlruns"])
    with TRACKERS.lending({"notebook": Notebook}):
        mtsmart.train(workspace.experiment, settings, output_dir=run, callback=disk)
        disk.restore()
        assert records(run)[-1]["update"] == 6
        mtsmart.train(workspace.experiment, settings, output_dir=run, resume=True)
    return run


@pytest.mark.parametrize("name", ["notebook", "tensorboard", "mlflow"])
def test_a_killed_and_resumed_run_has_one_curve(resumed, name):
    read = {"notebook": of_notebook, "tensorboard": of_tensorboard, "mlflow": of_mlflow}[name]
    found = read(resumed)
    precise = np.float32 if name == "tensorboard" else float
    expected = {curve: [(at, precise(value)) for at, value in points] for curve, points in curves(resumed).items()}
    assert found == expected
    assert len(found["overall/learning_rate"]) == 12 and len(found["overall/score"]) == 4


def test_the_numbers_are_those_of_a_run_without_trackers(resumed, trained_run):
    plain = trained_run(*SETTINGS)
    for file in ("metrics.jsonl", "results.json"):
        assert (resumed / file).read_bytes() == (plain / file).read_bytes()


def test_tensorboard_has_the_configuration_the_results_and_pictures(resumed, tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from PIL import Image
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tracker = TRACKERS["tensorboard"](TRACKERS["tensorboard"].Settings(), Opening(tmp_path, "run"))
    Image.new("RGB", (3, 2), "red").save(tmp_path / "red.png")
    tracker.show("a picture", tmp_path / "red.png", 5)
    tracker.close(completed=True)
    images = EventAccumulator(str(tmp_path)).Reload().Images("a picture")
    assert [(image.step, image.width, image.height) for image in images] == [(5, 3, 2)]

    texts = EventAccumulator(str(resumed / "tracking" / "tensorboard")).Reload()
    (configuration,) = texts.Tensors("configuration/text_summary")
    assert b"learning_rate: 0.001" in configuration.tensor_proto.string_val[0]
    score = json.loads((resumed / "results.json").read_text())["score"]
    (results,) = texts.Tensors("results/text_summary")
    assert f"| best/score | {score} |".encode() in results.tensor_proto.string_val[0]


def test_a_tracker_that_fails_is_told_of_once_and_gets_the_rest_after_a_resume(
    workspace, notebook, caplog, monkeypatch, capsys
):
    monkeypatch.setenv("NOTEBOOK_API_KEY", "very-secret")
    settings = [*SETTINGS, "tracking=notebook"]
    train = partial(mtsmart.train, workspace.experiment, output_dir=workspace.folder / "run", progress=False)
    monkeypatch.setattr(notebook, "fails_at", (2,))
    with caplog.at_level(NOTICE, logger="mtsmart"):
        run = train([*settings, "training.max_updates=4"])
    told = [record.getMessage() for record in caplog.records if "notebook" in record.getMessage()]
    assert len(told) == 1 and "no route to http://***@host with ***. Training goes on" in told[0]
    assert [update for update, _ in of_notebook(run.path)["overall/learning_rate"]] == [1]

    monkeypatch.setattr(notebook, "fails_at", ())
    run = train([*settings, "training.max_updates=8"], resume=True, allow_changes=["training.max_updates"])
    assert of_notebook(run.path) == curves(run.path) and records(run.path)[-1]["update"] == 8
    captured = capsys.readouterr()
    assert captured.out == "" and "a line on standard output" in captured.err


def test_a_tracker_that_a_resumed_run_is_the_first_to_have_gets_all_lines(workspace, notebook):
    train = partial(mtsmart.train, workspace.experiment, output_dir=workspace.folder / "run")
    train([*SETTINGS, "training.max_updates=4"])
    run = train([*SETTINGS, "tracking=notebook"], resume=True, allow_changes=["training.max_updates"])
    assert of_notebook(run.path) == curves(run.path)


def test_a_damaged_line_is_named_where_a_tracker_lacks_it(workspace, notebook, caplog):
    train = partial(mtsmart.train, workspace.experiment, output_dir=workspace.folder / "run")
    file = train([*SETTINGS, "training.max_updates=4"]).path / "metrics.jsonl"
    file.write_text(file.read_text().replace('"update": 2', '"update": -', 1))
    with caplog.at_level(NOTICE, logger="mtsmart"):
        train([*SETTINGS, "tracking=notebook"], resume=True, allow_changes=["training.max_updates"])
    told = [record.getMessage() for record in caplog.records if "notebook" in record.getMessage()]
    assert len(told) == 1 and "metrics.jsonl:2: is not what a run wrote: Invalid JSON" in told[0]


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.part", "json.no_such_part"])
def test_what_is_not_installed_is_one_line_before_anything_is_written(workspace, notebook, cli, monkeypatch, module):
    monkeypatch.setattr(notebook, "package", module)
    result = cli("train", workspace.experiment, "tracking=notebook", "-o", "run")
    assert result.code == 2 and not (workspace.folder / "run").exists()
    assert result.err == (
        f"mtsmart: command line: tracking.notebook: needs the package {module}, which is not installed. "
        f"pip install {module.partition('.')[0]}\n"
    )


def test_what_an_own_tracker_needs_is_an_extra_of_mtsmart(workspace, cli, monkeypatch):
    monkeypatch.setattr(TRACKERS["wandb"], "package", "no_such_package")
    result = cli("train", workspace.experiment, "tracking=wandb", "-o", "run")
    assert result.code == 2 and result.err.endswith("is not installed. pip install 'mtsmart[wandb]'\n")


def no_run_id(tracker):
    raise RuntimeError("there is no run")


@pytest.mark.parametrize(
    ("run_id", "reason"),
    [
        (no_run_id, "there is no run"),
        (lambda tracker: None, "its run_id is None, and must be a text"),
        (lambda tracker: object(), "its run_id is of the type object, and must be a text"),
    ],
)
def test_a_tracker_without_a_name_of_its_run_is_told_of_once(workspace, notebook, caplog, monkeypatch, run_id, reason):
    train = partial(mtsmart.train, workspace.experiment, output_dir=workspace.folder / "run")
    settings = [*SETTINGS, "tracking=notebook"]
    with monkeypatch.context() as patched, caplog.at_level(NOTICE, logger="mtsmart"):
        patched.setattr(notebook, "run_id", property(run_id))
        patched.setattr(notebook, "log", lambda tracker, figures, update: None)
        train([*settings, "training.max_updates=4"])
    told = [record.getMessage() for record in caplog.records if "notebook" in record.getMessage()]
    assert len(told) == 1 and told[0].startswith(
        f"notebook failed and is not used any more: {reason}. Training goes on"
    )
    run = train([*settings, "training.max_updates=8"], resume=True, allow_changes=["training.max_updates"])
    assert of_notebook(run.path) == curves(run.path) and records(run.path)[-1]["update"] == 8


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("tracking=tensorbord", "tracking.tensorbord: unknown key. Did you mean 'tensorboard'?"),
        ("tracking.wandb.api_key=very-secret", "set WANDB_API_KEY in the environment"),
        ("tracking.comet.token=very-secret", "set COMET_API_KEY in the environment"),
        ("tracking.wandb.mode=of", "tracking.wandb.mode: is not one of the choices, got 'of'"),
        ("tracking.mlflow.uri=http://me:very-secret@host/", "set MLFLOW_TRACKING_USERNAME"),
    ],
)
def test_settings_that_are_wrong_or_secret_are_refused(workspace, cli, setting, told):
    result = cli("train", workspace.experiment, setting, "-o", "run")
    assert result.code == 2 and told in result.err and result.err.count("\n") == 1
    assert "very-secret" not in result.err and not (workspace.folder / "run").exists()


def test_only_the_user_says_where_figures_are_sent(workspace, trained_run, notebook):
    """A run that was handed over may name a server; to fine-tune from it sends nothing there."""
    run = trained_run(*SETTINGS)
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["tracking"] = {"notebook": {}}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    overrides = ["training.epochs=1", "training.evaluate_every=99"]
    tuned = mtsmart.finetune(run, "color", overrides, output_dir=workspace.folder / "tuned")
    assert not (tuned.path / "tracking").exists()


def test_files_of_others_are_left_alone(workspace, notebook, caplog):
    run = mtsmart.train(
        workspace.experiment, [*SETTINGS, "training.max_updates=4"], output_dir=workspace.folder / "run"
    )
    (run.path / "tracking").mkdir()
    (run.path / "tracking" / "state.json").write_text("my own")
    settings = [*SETTINGS, "training.max_updates=5", "tracking=notebook"]
    with pytest.raises(StorageError, match="was not written by mtsmart"):
        mtsmart.train(
            workspace.experiment,
            settings,
            output_dir=run.path,
            resume=True,
            allow_changes=["training.max_updates"],
        )
    assert (run.path / "tracking" / "state.json").read_text() == "my own"


class Recorded:
    """Any object of a library: keeps the arguments of each call under the name of the function."""

    def __init__(self, calls: dict, name: str = "") -> None:
        self.__dict__.update(_calls=calls, _name=name)

    def __getattr__(self, name):
        return "7" if name in ("id", "name") else Recorded(self._calls, f"{self._name}.{name}".lstrip("."))

    def __call__(self, *arguments, **options):
        self._calls.setdefault(self._name, []).append((arguments, options))
        return "7" if self._name.endswith("get_key") else self

    def __setitem__(self, key, value):
        self._calls.setdefault(self._name, []).append(((key, value), {}))


@pytest.mark.parametrize(
    ("name", "package", "opens", "logs", "goes_on"),
    [
        ("wandb", "wandb", "init", "init.log", {"id": "7", "resume": "allow"}),
        ("trackio", "trackio", "init", "init.log", {"name": "7", "resume": "allow", "private": True}),
        ("comet", "comet_ml", "start", "start.log_metric", {"experiment_key": "7", "mode": "get_or_create"}),
    ],
)
def test_libraries_are_called_as_they_are_meant_to_be(tmp_path, monkeypatch, name, package, opens, logs, goes_on):
    """Against a stand-in of the library, because each is large; a resumed run names the library's own run."""
    calls: dict = {}
    library = ModuleType(package)
    library.__dict__.update(__version__="99.0", __getattr__=Recorded(calls).__getattr__)
    monkeypatch.setitem(sys.modules, package, library)
    kind = TRACKERS[name]
    first = kind(kind.Settings(project="mine"), Opening(tmp_path, "tickets"))
    assert first.run_id == "7"
    first.describe({"training.epochs": 1}, "text")
    first.log({"train/color/loss": 0.5}, 3)
    first.conclude({"best/score": 0.7}, 3)
    first.show("picture", tmp_path / "a.png", 3)
    first.close(completed=True)
    kind(kind.Settings(project="mine"), Opening(tmp_path, "tickets", known_id="7", after=3))
    (_, begun), (_, resumed) = calls[opens]
    assert "mine" in begun.values() and "tickets" in str([*begun.values(), calls.get("ExperimentConfig")])
    assert {key: resumed[key] for key in goes_on} == goes_on
    assert "train/color/loss" in str(calls[logs][0]) and calls[logs][0][1]["step"] == 3


@pytest.mark.slow
def test_a_tracker_gets_the_pictures_of_the_report(workspace, notebook, monkeypatch):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.delenv("MTSMART_REPORTS")
    settings = [*SETTINGS, "tracking=notebook"]
    run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "pictured")
    titles = (run.path / "tracking" / "notebook" / "pictures.txt").read_text().splitlines()
    assert any("color" in title and "loss" in title for title in titles)
    assert len(set(titles)) == len(titles) > 2
