"""Progress bars of other libraries: none while mtsmart works, and the program's own settings hold afterwards."""

import importlib
import threading

import datasets
import pytest
import transformers

import mtsmart
from mtsmart.quiet import without_bars

HUB = importlib.import_module("huggingface_hub.utils.tqdm")


def settings():
    return (
        datasets.are_progress_bars_disabled(),
        transformers.logging.is_progress_bar_enabled(),
        dict(HUB.progress_bar_states),
    )


@pytest.fixture(params=[True, False], ids=["bars on", "bars off"])
def chosen(request):
    """The settings of a program that has chosen for itself."""
    before = settings()
    if request.param:
        datasets.enable_progress_bars()
        transformers.logging.enable_progress_bar()
        HUB.disable_progress_bars("huggingface_hub.snapshot_download")
    else:
        datasets.disable_progress_bars()
        transformers.logging.disable_progress_bar()
        HUB.enable_progress_bars("huggingface_hub.snapshot_download")
    yield settings()
    (datasets.disable_progress_bars if before[0] else datasets.enable_progress_bars)()
    (transformers.logging.enable_progress_bar if before[1] else transformers.logging.disable_progress_bar)()
    HUB.progress_bar_states.clear()
    HUB.progress_bar_states.update(before[2])


def test_no_bar_is_drawn(run, chosen, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("MTSMART_CACHE_DIR", str(tmp_path / "cache"))  # the rows are encoded anew
    loaded = mtsmart.load(run)
    loaded.predict("color", [{"text": "a red house"}])
    mtsmart.export(run, "color", tmp_path / "exported")
    assert capfd.readouterr() == ("", "")
    assert settings() == chosen


def test_the_settings_hold_again_after_an_error(chosen):
    with pytest.raises(mtsmart.MtsmartError):
        mtsmart.load("no folder of a run")
    assert settings() == chosen


def test_of_two_threads_the_last_one_puts_the_settings_back(chosen):
    inside, leave = threading.Event(), threading.Event()

    def other():
        with without_bars():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with without_bars():
        thread.start()
        assert inside.wait(10)
    assert datasets.are_progress_bars_disabled() and not transformers.logging.is_progress_bar_enabled()
    leave.set()
    thread.join()
    assert settings() == chosen
