"""Where a run from another person makes files: only where the present user says so."""

import mtsmart
from mtsmart.config.document import dump_yaml, read_yaml
from mtsmart.runs.finetune import finetune_experiment
from mtsmart.runs.folder import RunFolder


def with_a_place(run, place):
    """Let the stored configuration name a folder for the cache."""
    file = run / "config.yaml"
    text = file.read_text(encoding="utf-8")
    assert "\ndata:\n" in text
    file.write_text(text.replace("\ndata:\n", f"\ndata:\n  cache_dir: {place}\n"), encoding="utf-8")


def test_a_run_from_another_person_makes_no_files_where_it_says(trained_run, tmp_path):
    run = trained_run(name="strangers")
    place = tmp_path / "elsewhere"
    with_a_place(run, place)
    loaded = mtsmart.load(run)
    loaded.evaluate("color")
    loaded.predict("color", [{"text": "a red dog"}])
    assert not place.exists()
    assert finetune_experiment(RunFolder(run), "color", []).config.data.cache_dir is None
    own = finetune_experiment(RunFolder(run), "color", [f"data.cache_dir={place}"])
    assert own.config.data.cache_dir == str(place)


def test_a_run_from_another_person_names_no_files_of_tasks(trained_run, tmp_path):
    run = trained_run(name="strangers")
    for place in ("/", tmp_path / "gone.yaml"):
        config = read_yaml(run / "config.yaml").data
        (run / "config.yaml").write_text(dump_yaml({**config, "task_files": [str(place)]}), encoding="utf-8")
        assert finetune_experiment(RunFolder(run), "color", []).config.task_files == []


def test_a_card_of_somebody_else_stays(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.open()
    run.card_file.write_text("mine")
    assert not run.store_page(run.card_file, "ours")
    assert run.card_file.read_text() == "mine"
    run.card_file.unlink()
    assert run.store_page(run.card_file, "ours") and run.store_page(run.card_file, "ours again")
    assert run.card_file.read_text() == "ours again"


def test_predictions_leave_nothing_in_the_cache_and_need_none(trained_run, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.touch()  # a file, so that no folder can be made there
    monkeypatch.setenv("MTSMART_CACHE_DIR", str(cache))
    predictions = mtsmart.load(trained_run(name="own")).predict("color", [{"text": "a red dog"}, {"text": "blue"}])
    assert len(predictions) == 2
    assert cache.read_bytes() == b""
