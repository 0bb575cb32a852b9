"""Damaged or hostile run folders and resume points: one message that names the file, and nothing written."""

import json
import re
import shutil

import pytest

from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.storage.owned import Kind, start
from tests.reliability.refusals import assert_refused, contents


def write(name, text):
    return lambda run: (run / name).write_text(text)


def remove(name):
    return lambda run: (run / name).unlink()


def cut(name, manifest=True):
    def damage(run):
        file = run / name
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        if not manifest:
            (run / "model" / "manifest.json").unlink()

    return damage


def unsealed(name, text):
    """A file of the model as somebody without a manifest would hand it over."""

    def damage(run):
        (run / "model" / name).write_text(text)
        (run / "model" / "manifest.json").unlink()

    return damage


def encoder_settings(**values):
    """Other settings in the encoder's configuration; the manifest is gone."""

    def damage(run):
        file = run / "model" / "encoder" / "config.json"
        unsealed("encoder/config.json", json.dumps(json.loads(file.read_text()) | values))(run)

    return damage


def deep_heads(layers, *names):
    """Heads on an encoder that is as wide as it says; they have weights for none of their layers."""

    def damage(run):
        from transformers import AutoModel

        folder = run / "model" / "encoder"
        model = AutoModel.from_pretrained(folder)
        model.config.update({"hidden_size": 1200, "num_hidden_layers": 1, "intermediate_size": 8})
        type(model)(model.config).save_pretrained(folder)
        for name in {*names} - {"color"}:
            shutil.copy(run / "model" / "heads" / "color.safetensors", run / "model" / "heads" / f"{name}.safetensors")
        head = {"kind": "sequence_classification", "num_labels": 2, "type": "plain", "layers": layers}
        unsealed("heads.json", json.dumps(dict.fromkeys(names, head)))(run)

    return damage


RUNS = {
    "no configuration": (remove("config.yaml"), "is not the folder of a run"),
    "empty configuration": (write("config.yaml", ""), "config.yaml: is empty"),
    "configuration that is a list": (write("config.yaml", "- a\n"), "config.yaml:1: must be a mapping"),
    "configuration that is a text": (write("config.yaml", "hello"), "config.yaml:1: must be a mapping"),
    "configuration with a tag": (write("config.yaml", "name: !!python/object/apply:os.system [ls]\n"), "config.yaml:1: "),
    "configuration with a bomb": (write("config.yaml", "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(f"{y}: &{y} [{','.join(['*' + x] * 9)}]\n" for x, y in zip("abcdefgh", "bcdefghi", strict=True))), "config.yaml:.*expands to too many values"),
    "configuration with an unknown key": (write("config.yaml", "tasks: {color: {}}\nnonsense: 1\n"), "config.yaml:2: nonsense: unknown key"),
    "configuration without tasks": (write("config.yaml", "name: x\nencoder: {path: y}\n"), "config.yaml.*tasks"),
    "configuration with a task that is none": (write("config.yaml", "tasks: {color: {}}\nencoder: {path: y}\n"), "config.yaml.*color"),
    "no heads": (remove("model/heads.json"), "holds no trained model"),
    "heads that are no JSON": (write("model/heads.json", "{"), "heads.json: is damaged"),
    "heads that are a list": (write("model/heads.json", "[]"), "heads.json: is damaged"),
    "heads with an unknown key": (write("model/heads.json", '{"color": {"king": 1}}'), "heads.json: is damaged"),
    "a head with a path for a name": (write("model/heads.json", '{"../x": {"kind": "sequence_classification", "num_labels": 2}}'), "no name of a head, got '../x'"),
    "a head of no known kind": (unsealed("heads.json", '{"color": {"kind": "nonsense", "num_labels": 2}}'), "nonsense"),
    "a head of no known type": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "type": "nonsense"}}'), "nonsense"),
    "a head with texts for numbers": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": "two"}}'), "heads"),
    "a head with too many labels": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 5}}'), "color.safetensors: cannot be loaded"),
    "cut weights": (cut("model/encoder/model.safetensors"), "model.safetensors: is damaged"),
    "cut weights without a manifest": (cut("model/encoder/model.safetensors", manifest=False), "cannot be loaded"),
    "cut head": (cut("model/heads/color.safetensors"), "color.safetensors: is damaged"),
    "cut head without a manifest": (cut("model/heads/color.safetensors", manifest=False), "color.safetensors: cannot be loaded"),
    "no weights": (remove("model/encoder/model.safetensors"), "model.safetensors: is missing"),
    "a manifest that is no JSON": (write("model/manifest.json", "x"), "manifest.json: is damaged"),
    "a manifest of lists": (write("model/manifest.json", '{"files": []}'), "manifest.json: is damaged"),
    "a manifest that leads elsewhere": (write("model/manifest.json", '{"files": {"../../x": {"size": 1, "sha256": "a"}}}'), "names a file outside its folder"),
    "a manifest with a name that no file can have": (write("model/manifest.json", '{"files": {"' + "x" * 5000 + '": {"size": 1, "sha256": "a"}}}'), "model: manifest.json: cannot be read: File name too long"),
    "a manifest nested too deeply": (write("model/manifest.json", "[" * 100_000), "manifest.json: is damaged: it is nested too deeply"),
    "a tokenizer that is no JSON": (unsealed("encoder/tokenizer.json", "{"), "cannot be loaded"),
    "a tokenizer of nonsense": (unsealed("encoder/tokenizer.json", '{"version": "1.0", "model": {"type": "Nonsense"}}'), "cannot be loaded"),
    "an encoder that is no JSON": (unsealed("encoder/config.json", "{"), "cannot be loaded"),
    "an encoder of no known type": (unsealed("encoder/config.json", '{"model_type": "nonsense"}'), "cannot be loaded"),
    "an encoder of another size": (unsealed("encoder/config.json", '{"model_type": "bert", "hidden_size": 24, "num_attention_heads": 2, "vocab_size": 7}'), "cannot be loaded|cannot be"),
    "decoding that is a list": (unsealed("decoding.json", "[]"), "decoding.json: is damaged: it does not map tasks to numbers"),
    "decoding that is a number": (unsealed("decoding.json", "5"), "decoding.json: is damaged"),
    "decoding of a text": (unsealed("decoding.json", '{"color": {"threshold": "x"}}'), "decoding.json: is damaged"),
    "a head that drops all": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "dropout": 2.0}}'), "no dropout of a head, got 2.0"),
    "a head that drops NaN": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "dropout": NaN}}'), "no dropout of a head"),
    "a head of endless labels": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2000000000}}'), "no width of a head"),
    "a head of more labels than weights": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 9000000}}'), "heads.json: color.num_labels: is damaged: the heads ask for 2,695 MB"),
    "a head of fewer labels than names": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "labels": ["a", "b", "c"]}}'), "heads.json: color: is damaged: the head has 2 outputs and names for 3"),
    "a head of more labels than names": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "labels": []}}'), "heads.json: color: is damaged: the head has 2 outputs and names for 0"),
    "a head of endless layers": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "type": "plain", "layers": 2000000000}}'), "no number of layers of a head"),
    "a head of more layers than weights": (deep_heads(64, "color"), "heads.json: color.layers: is damaged: the heads ask for 352 MB, and their weights are far smaller, got 64"),
    "two heads of more layers than weights": (deep_heads(32, "color", "near"), "heads.json: color.layers: is damaged: the heads ask for 352 MB, and their weights are far smaller, got 32"),
    "a head with a dot in its name": (unsealed("heads.json", '{"a.b": {"kind": "sequence_classification", "num_labels": 2}}'), "no name of a head, got 'a.b'"),
    "a manifest with an endless size": (write("model/manifest.json", '{"files": {"heads.json": {"size": 1e400, "sha256": "a"}}}'), "manifest.json: is damaged"),
    "an encoder of endless layers": (unsealed("encoder/config.json", '{"model_type": "bert", "num_hidden_layers": 1000000000}'), "config.json has num_hidden_layers 1000000000"),
    "an encoder of less than no layers": (unsealed("encoder/config.json", '{"model_type": "bert", "num_hidden_layers": -1}'), "its configuration has num_hidden_layers -1"),
    "decoding that is no JSON": (unsealed("decoding.json", "{"), "decoding.json: is damaged"),
    "an encoder of endless positions": (encoder_settings(max_position_embeddings=100_000_000), "config.json has max_position_embeddings 100000000"),
    "an encoder of more layers than weights": (encoder_settings(num_hidden_layers=500, intermediate_size=100_000), "its configuration asks for 3,... MB or more, its weights have 0"),
    "an encoder with another one's weights": (encoder_settings(model_type="gpt2"), "cannot be loaded: its weights lack"),
    "an encoder with a spread that is no number": (encoder_settings(initializer_range=float("nan")), "its configuration has initializer_range nan"),
    "an encoder of less than no attention heads": (encoder_settings(num_attention_heads=-2), "encoder.path: cannot be used: "),
    "an encoder in chunks that divide no batch": (encoder_settings(chunk_size_feed_forward=7), "its configuration has chunk_size_feed_forward 7"),
    "an encoder's configuration that is far too large": (unsealed("encoder/config.json", " " * (2**24 + 1)), "config.json is larger than 16 MB"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(RUNS))
def test_run_folder(run, cli, name):
    damage, message = RUNS[name]
    damage(run)
    before = contents(run.parent)
    assert_refused(cli("evaluate", run), message)
    assert contents(run.parent) == before


def _with_best(update="1", score="0.5"):
    return f'{{"tasks": {{}}, "best": {{"update": {update}, "score": {score}, "tasks": {{}}}}}}'


DAMAGED_RESULTS = [
    *("[]", "{}", "5", "null", '{"tasks": []}', '{"tasks": {"color": 5}}', "{"),
    *(_with_best(update='"x"'), _with_best(update="-1"), _with_best(update="null"), _with_best(update="1.5")),
    *(_with_best(score='"abc"'), _with_best(score="[]"), _with_best(score="true"), _with_best(score="Infinity")),
]


@pytest.mark.parametrize("text", DAMAGED_RESULTS)
def test_damaged_results(run, cli, text):
    (run / "results.json").write_text(text)
    assert_refused(cli("export", run, "--task", "color", "exported"), "results.json: is damaged")
    assert not (run.parent / "exported").exists()
    listed = cli("runs", "list", run.parent)
    assert listed.code == 0 and "damaged" in listed.out, listed.err


UNREADABLE_RESULTS = {
    "nested": (b"[" * 200_000, "is damaged: it is nested too deeply"),
    "not UTF-8": (b'"\xff"', "is damaged: 'utf-8' codec can't decode byte 0xff"),
}


@pytest.mark.parametrize("name", list(UNREADABLE_RESULTS))
def test_results_that_cannot_be_read(run, cli, name):
    content, message = UNREADABLE_RESULTS[name]
    (run / "results.json").write_bytes(content)
    assert_refused(cli("export", run, "--task", "color", "exported"), f"results.json: {message}")


def test_resume_points_behind_a_link_are_neither_written_nor_deleted(workspace, cli):
    outside = workspace.folder / "elsewhere" / "update-backup"
    outside.mkdir(parents=True)
    (outside / "precious").write_text("x")
    (workspace.folder / "r").mkdir()
    start(workspace.folder / "r", Kind.RUN)
    (workspace.folder / "r" / "checkpoints").symlink_to("../elsewhere")
    result = cli("train", workspace.experiment, "-o", "r")
    assert_refused(result, "r/checkpoints: is a link; a run writes into its own folder")
    assert list(contents(workspace.folder / "elsewhere")) == [outside / "precious"]


@pytest.mark.parametrize("name", ["README.md", "model/my_weights.pt", "model.old/a", ".git/HEAD", "config.yaml"])
def test_a_folder_that_holds_something_is_no_place_for_a_run(workspace, cli, name):
    file = workspace.folder / "mine" / name
    file.parent.mkdir(parents=True)
    file.write_text("mine: 1\n")
    for more in ([], ["--resume"]):
        result = cli("train", workspace.experiment, "-o", "mine", *more)
        top = name.split("/")[0]
        assert_refused(result, rf"^mtsmart: mine: holds files that mtsmart did not write \({re.escape(top)}\)\. Name")
    assert contents(workspace.folder / "mine") == {file: b"mine: 1\n"}


def test_what_users_keep_in_a_runs_folder_stays(run, trained, cli):
    kept = ["notes", "notes.new", "model/notes", "checkpoints/update-notes/b", ".mine.new", "model.old/half"]
    kept += [".results.json.0123456789ab.new", "checkpoints/update-00000002/notes"]
    for name in kept:
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("x")
    more = ["training.epochs=4", "--allow-changes", "training.epochs"]
    assert cli("train", trained / "e.yaml", *more, "-o", run, "--resume").code == 0
    for name in kept:
        assert (run / name).read_text() == "x", name


def test_a_changed_card_stays(run, trained, cli):
    (run / "README.md").write_text("my own words")
    more = ["training.epochs=3", "--allow-changes", "training.epochs"]
    result = cli("train", trained / "e.yaml", *more, "-o", run, "--resume")
    assert result.code == 0 and "README.md: was written by somebody else, so it stays as it is" in result.err
    assert (run / "README.md").read_text() == "my own words"


def each_point(change):
    def damage(run):
        for point in list_checkpoints(run / "checkpoints"):
            change(point)

    return damage


def empty_manifest(name, text):
    """A resume point whose manifest vouches for nothing."""

    return each_point(lambda point: empty_manifest_of(point, name, text))


def empty_manifest_of(point, name, text):
    (point / name).write_text(text)
    (point / "manifest.json").write_text('{"files": {}}')


def edited(**values):
    def damage(point):
        state = json.loads((point / "state.json").read_text())
        empty_manifest_of(point, "state.json", json.dumps(state | values))

    return each_point(damage)


POINTS = {
    "all cut": (each_point(lambda p: (p / "model.safetensors").write_bytes(b"x")), "is damaged.*No resume point is whole"),
    "no manifests": (each_point(lambda p: (p / "manifest.json").unlink()), "is incomplete: its manifest.json is missing"),
    "a state that is no JSON": (empty_manifest("state.json", "{"), "cannot be resumed from|is damaged"),
    "a state without what is needed": (empty_manifest("state.json", "{}"), "cannot be resumed|is another run"),
    "a state of lists": (empty_manifest("state.json", "[]"), "cannot be resumed|is damaged"),
    "a state of another update": (edited(update=-5), "cannot be resumed from: state.json is of update -5"),
    "a state of an endless update": (edited(update=10**30), "cannot be resumed from: state.json is of update 1000"),
    "a state of a batch that is none": (edited(batch=-1), "cannot be resumed from: state.json: batch is no count, got -1"),
    "a state whose regularizers are a text": (edited(regularizers="x"), "cannot be resumed from: state.json: regularizers is no mapping"),
    "an optimizer that is none": (empty_manifest("optimizer.safetensors", "x"), "cannot be resumed from"),
    "a teacher that is none": (empty_manifest("mbpp.safetensors", "x"), "cannot be resumed from"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(POINTS))
def test_resume_points(trained, run, cli, name):
    damage, message = POINTS[name]
    damage(run)
    before = contents(run / "checkpoints")
    result = cli("train", trained / "e.yaml", "training.epochs=3", "-o", run, "--resume", "--allow-changes", "training")
    assert_refused(result, message)
    assert contents(run / "checkpoints") == before
