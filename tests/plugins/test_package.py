"""A package with entry points, installed into an environment of its own, adds one of each kind of extension."""

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from safetensors.torch import load_file

from mtsmart.errors import MissingPackageError
from mtsmart.reporting.runs_tables import runs_in
from tests.served import Served

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(__file__).parent / "package"
LIBRARIES = ["transformers.modeling_utils", "torch._dynamo", "datasets", "accelerate", "sklearn.metrics"]


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a fresh environment that has the package, and shares the installed dependencies.

    It has loaded the libraries, and nothing of mtsmart, once for all commands.
    """
    folder = tmp_path_factory.mktemp("environment")
    source = tmp_path_factory.mktemp("source") / "package"
    shutil.copytree(PACKAGE, source)  # an installation leaves files beside its source
    venv.create(folder / "env", with_pip=False, symlinks=True)
    interpreter = folder / "env" / "bin" / "python"
    asked = [str(interpreter), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    # The checkout comes first, however mtsmart itself is installed; its dependencies may lie in two folders.
    shared = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    lines = [str(ROOT), *(f"import site; site.addsitedir({path!r})" for path in shared)]
    (site / "shared.pth").write_text("\n".join(lines) + "\n")
    install = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--no-build-isolation", "--no-index", str(source)], check=True, capture_output=True)
    served = Served(str(interpreter), "-P", modules=LIBRARIES)
    yield served
    served.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tests.conftest import sentences, write_jsonl

    folder = tmp_path_factory.mktemp("plugins")
    texts = sentences(40)
    mood = [{"text": text, "label": "red" if "red" in text else "other"} for text in texts]
    loud = [{"text": text, "score": "!" * (len(text) % 5) or "0"} for text in texts]
    for name, rows in (("mood", mood), ("loud", loud)):
        write_jsonl(folder / f"{name}_train.jsonl", rows[:28])
        write_jsonl(folder / f"{name}_validation.jsonl", rows[28:])
    shutil.copytree(PACKAGE / "example", folder, dirs_exist_ok=True)
    return folder


def command(python, folder, *arguments):
    return python.run(folder, module="mtsmart", arguments=[*map(str, arguments)])


@pytest.fixture(scope="module")
def trained(python, folder, tiny_encoder):
    done = command(python, folder, "train", "experiment.yaml", f"encoder.path={tiny_encoder}", "--output-dir", "run")
    assert done.code == 0, done.err
    return folder / "run"


def test_training_uses_the_regulariser_the_loss_the_metric_the_head_and_the_weighting(trained):
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    training = [line for line in lines if line["type"] == "train"]
    assert all("C" in figures for line in training for figures in line["tasks"].values())
    assert training[-1]["weight/mood"] != training[0]["weight/mood"]
    evaluation = [line for line in lines if line["type"] == "evaluation"][-1]["tasks"]
    assert set(evaluation["mood"]) == {"accuracy", "error_rate"}
    assert evaluation["mood"]["error_rate"] == pytest.approx(evaluation["mood"]["accuracy"] - 1)
    assert json.loads((trained / "model" / "heads.json").read_text())["mood"]["type"] == "first_token"
    assert "Confidence penalty: weight 2." in (trained / "README.md").read_text()


def test_the_run_records_the_package_of_each_entry_that_it_uses(trained):
    recorded = json.loads((trained / "results.json").read_text())["extensions"]
    assert {(each["package"], each["version"]) for each in recorded} == {("mtsmart-extras", "0.1")}
    used = {"confidence", "shout", "first_token", "smoothed", "error_rate", "positive_uncertainty", "csv_files"}
    assert {each["name"] for each in recorded} == {*used, "bias_only"}


def test_where_the_package_is_not_installed_the_run_is_listed_with_the_package_that_it_needs(trained):
    error = runs_in(trained.parent)[trained]
    assert isinstance(error, MissingPackageError)
    assert str(error).endswith("The run was trained with the package mtsmart-extras 0.1: install it")


def test_the_tracker_has_what_metrics_jsonl_says(trained):
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    expected = [f"{line['update']},{line['learning_rate']!r}" for line in lines if line["type"] == "train"]
    folder = trained / "tracking" / "csv_files"
    assert (folder / "overall-learning_rate.csv").read_text().splitlines() == expected
    assert "name: extras" in (folder / "config.yaml").read_text()


def test_the_transform_leaves_all_but_the_biases_as_they_were(trained, tiny_encoder):
    before = load_file(Path(tiny_encoder) / "model.safetensors")
    after = load_file(trained / "model" / "encoder" / "model.safetensors")
    moved = {name for name, tensor in after.items() if not tensor.equal(before[name])}
    assert moved and all(name.endswith("bias") for name in moved)


def test_the_run_predicts_with_them(python, folder, trained):
    options = ("--task", "loudness", "--input", folder / "loud_validation.jsonl")
    done = command(python, folder, "predict", trained, *options)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert len(rows) == 12 and all(0 <= row["prediction"] <= 10 for row in rows)


def test_the_commands_list_them_and_tell_what_is_broken_in_one_line(python, folder):
    done = command(python, folder, "methods")
    assert done.code == 0
    assert "confidence " in done.out and "Confidence penalty" in done.out and "smart " in done.out
    (told,) = done.err.splitlines()
    assert "the package mtsmart-extras has entries that cannot be used (regulariser 'broken', 'smart')" in told
    assert "'broken': No module named 'a_package_that_is_not_installed'" in told
    one = command(python, folder, "methods", "confidence")
    assert "Pereyra et al. 2017, equation 4" in one.out
    types = command(python, folder, "tasks", "types")
    assert "shout" in types.out and "Shouting: how loud a text is" in types.out


def test_a_broken_method_that_is_asked_for_is_one_line_with_the_reason(python, folder):
    done = command(python, folder, "train", "experiment.yaml", "broken.weight=1")
    assert done.code == 2
    assert "No module named 'a_package_that_is_not_installed'" in done.err.splitlines()[-1]
    assert "Traceback" not in done.err
