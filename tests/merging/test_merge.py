"""Merged runs: formulas in float64, what they can do afterwards, and what is refused."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import mtsmart
from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import ConfigError
from mtsmart.evaluation.stored_run import read_run
from mtsmart.merging.sums import WeightedSum
from mtsmart.models.loading import load_encoder
from mtsmart.runs.folder import RunFolder
from tests.two_layers import tiny_encoder, trained_workspace  # noqa: F401 (fixtures)

SETTINGS = ["smart=off", "mbpp=off", "training.max_updates=3", "training.report=false"]


@pytest.fixture(scope="module")
def place(tmp_path_factory, tiny_encoder):  # noqa: F811
    """A folder with two runs on both tasks, and one on each task alone."""
    from tests.conftest import make_workspace

    workspace = make_workspace(tmp_path_factory.mktemp("merging"), tiny_encoder)
    alone = [(name, [f"tasks=[{name}]"]) for name in ("near", "color")]
    for name, more in (("one", []), ("two", ["training.seed=7"]), *alone):
        mtsmart.train(workspace.experiment, [*SETTINGS, *more], output_dir=workspace.folder / name)
    return workspace.folder


@pytest.fixture
def runs(place, tmp_path, monkeypatch):
    """Name -> a run that no test changes; the working directory is a new folder."""
    monkeypatch.chdir(tmp_path)
    return {name: place / name for name in ("one", "two", "near", "color")}


def state_of(run):
    """The model's tensors, those with real numbers in float64."""
    state = read_run(RunFolder(run)).model.state_dict()
    return {name: one.double() if one.is_floating_point() else one for name, one in state.items()}


def equal(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("base", [None, "start"])
def test_a_run_with_itself_is_itself_to_the_bit(runs, base):
    weights = [0.25, 0.75] if base is None else [0.7, 0.3]
    merged = mtsmart.merge([runs["one"]] * 2, weights, base=base)
    assert equal(state_of(merged.path), state_of(runs["one"]))


def test_a_third_of_each_of_three_is_the_whole_to_the_bit():
    summed = WeightedSum()
    tensors = {"w": torch.randn(1000, generator=torch.Generator().manual_seed(1)), "count": torch.arange(3)}
    for _ in range(3):
        summed.add(1 / 3, tensors)
    assert equal(summed.total(), tensors) and equal(summed.mean(), tensors)


@pytest.mark.parametrize("other", [{"w": torch.ones(1)}, {"w": torch.ones(2), "b": torch.ones(2)}, {}])
def test_tensors_of_another_form_are_no_part_of_a_sum(other):
    summed = WeightedSum()
    summed.add(0.5, {"w": torch.ones(2)})
    with pytest.raises(ValueError, match="other names or shapes"):
        summed.add(0.5, other)
    assert summed.is_single and summed.weight == 0.5


@pytest.mark.parametrize("base", [None, "start"])
def test_weights_one_and_zero_are_the_first_run(runs, base):
    merged = mtsmart.merge([runs["one"], runs["two"]], [1, 0], base=base)
    assert equal(state_of(merged.path), state_of(runs["one"]))


def test_a_misspelt_start_is_told(runs):
    with pytest.raises(ConfigError, match="is neither 'start' nor a folder, got 'strat'. Did you mean 'start'?"):
        mtsmart.merge([runs["one"], runs["two"]], base="strat")


def test_a_soup_is_the_weighted_mean(runs):
    merged = mtsmart.merge([runs["one"], runs["two"]], [0.3, 0.7], output_dir="soup")
    one, two = state_of(runs["one"]), state_of(runs["two"])
    for name, found in state_of(merged.path).items():
        if found.is_floating_point():
            assert torch.equal(found, (0.3 * one[name] + 0.7 * two[name]).float().double()), name


def test_one_run_and_its_start_are_interpolated_and_its_heads_stay(runs, tiny_encoder):  # noqa: F811
    merged = mtsmart.merge([runs["one"]], [0.5], base="start")
    start = load_encoder(EncoderConfig(path=str(tiny_encoder)))[0].state_dict()
    one, found = state_of(runs["one"]), state_of(merged.path)
    for name, value in start.items():
        if value.is_floating_point():
            expected = (0.5 * one[f"encoder.{name}"] + 0.5 * value.double()).float().double()
            assert torch.equal(found[f"encoder.{name}"], expected), name
    heads = [name for name in one if name.startswith("heads.")]
    assert heads and all(torch.equal(found[name], one[name]) for name in heads)


def test_task_arithmetic_adds_differences_from_a_run_and_keeps_heads_of_one_run(runs):
    merged = mtsmart.merge([runs["one"], runs["near"]], [0.4, 0.9], base=runs["two"])
    one, near, two, found = (state_of(run) for run in (runs["one"], runs["near"], runs["two"], merged.path))
    for name, value in found.items():
        if not value.is_floating_point():
            continue
        if "color" in name:
            assert torch.equal(value, one[name])
        else:  # the encoder, and the head of near, which all three have
            expected = two[name] + 0.4 * (one[name] - two[name]) + 0.9 * (near[name] - two[name])
            torch.testing.assert_close(value, expected, atol=1e-6, rtol=1e-6)


def test_a_merged_run_is_a_run_like_others(runs, cli, tmp_path):
    made = cli("merge", runs["one"], runs["two"], "--weights", "0.5,0.5", "-o", "soup")
    assert (made.code, made.err) == (0, "") and "The merged run is in soup" in made.out
    lines = (tmp_path / "soup" / "README.md").read_text().splitlines()
    (description,) = [line for line in lines if line.startswith("Merged with mtsmart: 0.5")]
    assert runs["one"].name in description and "/" not in description
    assert json.loads((tmp_path / "soup" / "results.json").read_text())["score"] is None
    assert mtsmart.load("soup").evaluate().score is not None
    assert mtsmart.load("soup").predict("color", [{"text": "a red house"}])
    tuned = mtsmart.finetune("soup", "color", SETTINGS, output_dir="tuned")
    assert tuned.results["score"] is not None
    assert mtsmart.export("soup", "color", "exported").architecture


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one"], "there must be two runs, or one run and a base. Name more runs, or use --base start"),
        (["one", "two", "--weights", "0.5,0.6"], "--weights: sum to 1.1, got [0.5, 0.6]. Let them sum to 1, or"),
        (["one", "two", "--weights", "0.5"], "--weights: must be one number for each of the 2 runs, got [0.5]"),
        (["one", "two", "--weights", "a,b"], "--weights: should be numbers, got 'a,b'"),
        (["one", "two", "--weights", "nan,1"], "--weights: must be finite, got [nan, 1.0]"),
        (["one", "two", "--weights", "1,-1", "--base", "start"], "--weights: those of the runs with a head for"),
        (["one", "--weights", "1e308", "--base", "start"], "--weights: are too large: the merged model is not finite"),
        (["one", "gone"], "gone: is not the folder of a run"),
    ],
)
def test_what_cannot_be_merged_is_refused_in_one_line(runs, cli, tmp_path, arguments, message):
    given = [runs.get(argument, argument) for argument in arguments]
    result = cli("merge", *given, "-o", "merged")
    assert result.code == 2 and message in result.err and result.err.count("\n") == 1
    assert not (tmp_path / "merged").exists()


def change(file, edit):
    data = json.loads(file.read_text())
    edit(data)
    file.write_text(json.dumps(data))


def changed_copy(run, folder, edit):
    shutil.copytree(run, folder)
    (folder / "model" / "manifest.json").unlink()
    edit(folder / "model")


def other_layers(model):
    config = model / "encoder" / "config.json"
    change(config, lambda data: data.update(num_hidden_layers=1))
    weights = model / "encoder" / "model.safetensors"
    kept = {name: one for name, one in load_file(weights).items() if ".layer.1." not in name}
    save_file(kept, weights, metadata={"format": "pt"})


def other_words(model):
    def swap(data):
        words = data["model"]["vocab"]
        words["red"], words["blue"] = words["blue"], words["red"]

    change(model / "encoder" / "tokenizer.json", swap)


def other_labels(model):
    change(model / "heads.json", lambda data: data["color"].update(labels=["red", "other"]))
    config = model.parent / "config.yaml"
    text = config.read_text()
    config.write_text(text.replace("- other\n    - red", "- red\n    - other"))


def other_unit(model):
    change(model / "decoding.json", lambda data: data["near"].update(mean=5.0))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (other_layers, "has another encoder than the first run, whose num_hidden_layers is 2, got 1"),
        (other_words, "has another tokenizer than the first run"),
        (other_labels, "color: the head of this task has other labels or another form"),
        (other_unit, "near: the head of this task gives numbers in another unit"),
    ],
)
def test_runs_that_do_not_fit_are_refused(runs, cli, tmp_path, edit, message):
    changed_copy(runs["two"], tmp_path / "other", edit)
    result = cli("merge", runs["one"], "other", "-o", "merged")
    assert result.code == 2 and message in result.err, result.err
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("as_base", [False, True])
@pytest.mark.parametrize(
    ("first", "edit", "message"),
    [
        ("near", other_labels, "color: the head of this task has other labels or another form than that of {one}"),
        ("color", other_unit, "near: the head of this task gives numbers in another unit than that of {one}"),
    ],
)
def test_each_run_is_compared_with_the_first_owner_of_a_head(runs, cli, tmp_path, first, edit, message, as_base):
    changed_copy(runs["two"], tmp_path / "other", edit)
    last = ["--base", "other"] if as_base else ["other"]
    result = cli("merge", runs[first], runs["one"], *last, "-o", "merged")
    assert result.code == 2 and message.format(one=runs["one"]) in result.err, result.err
    assert not (tmp_path / "merged").exists()


def test_a_task_that_uses_another_tasks_head_in_one_run_is_refused(workspace, cli):
    tint = workspace.tasks.read_text().partition("near:")[0].replace("color:", "tint:")
    workspace.tasks.write_text(workspace.tasks.read_text() + tint)
    for name, shared in (("own", []), ("shared", ["tasks.tint.share_head=color"])):
        settings = [*SETTINGS, "tasks=[color,tint]", *shared]
        mtsmart.train(workspace.experiment, settings, output_dir=name)
    result = cli("merge", "own", "shared", "-o", "merged")
    assert result.code == 2 and "shared: tint: this task uses the head of task color" in result.err, result.err
    assert "in own that of task tint" in result.err and not (workspace.folder / "merged").exists()


def test_thresholds_come_from_a_run_that_trained_the_head(workspace):
    task = ["tasks=[color]", "tasks.color.task_type=multi_label", "tasks.color.metrics=null"]
    settings = [*SETTINGS, *task, "tasks.color.options={threshold: tuned}"]
    mtsmart.train(workspace.experiment, settings, output_dir="tuned")
    shutil.copytree("tuned", "untrained")
    for name, threshold in (("tuned", 0.125), ("untrained", 0.875)):
        model = workspace.folder / name / "model"
        (model / "manifest.json").unlink()
        change(model / "decoding.json", lambda data, found=threshold: data["color"].update(threshold=found))
    change(workspace.folder / "untrained" / "results.json", lambda data: data.update(untrained=["color"]))
    mtsmart.merge(["untrained", "tuned"], [0.75, 0.25], output_dir="merged")
    decoding = json.loads((workspace.folder / "merged" / "model" / "decoding.json").read_text())
    assert decoding == {"color": {"threshold": 0.125}}
