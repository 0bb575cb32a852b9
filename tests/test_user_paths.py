"""Home folders that nobody knows."""

import os
from pathlib import Path

import pytest

import mtsmart
from mtsmart.config.loader import parse_override
from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import cache_dir
from mtsmart.data.sources import has_split
from mtsmart.errors import ConfigError
from mtsmart.models.loading import resolve_path
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.mtdnn import data_folders
from mtsmart.user_paths import user_path

UNKNOWN = "~nobody_of_this_name/x"
ON_THE_HUB = {"task_type": "classification", "text": ["a"], "labels": ["x", "y"], "dataset": {"path": "owner/data"}}


def on_the_hub(config):
    return has_split(TaskDefinition.model_validate(ON_THE_HUB), "train", config)


READERS = {
    "data.cache_dir": lambda: cache_dir(DataConfig(cache_dir=UNKNOWN)),
    "data.hub_dir": lambda: on_the_hub(DataConfig(hub_dir=UNKNOWN)),
    "encoder.path": lambda: resolve_path(UNKNOWN),
    "folder": lambda: mtsmart.export("run", "task", UNKNOWN),
    "output_dir": lambda: mtsmart.train("quickstart", output_dir=UNKNOWN),
    "command line": lambda: parse_override(f"data.cache_dir={UNKNOWN}"),
}
VARIABLES = {
    "MTSMART_CACHE_DIR": lambda: cache_dir(DataConfig()),
    "MTSMART_HUB_DIR": lambda: on_the_hub(DataConfig()),
    "MTSMART_CANONICAL_DIR": lambda: data_folders(Path()),
}


@pytest.mark.parametrize("place", READERS)
def test_a_home_that_is_not_known_is_one_error_with_its_place(place):
    with pytest.raises(ConfigError, match=f"{place}.*home folder is not known, got '{UNKNOWN}'"):
        READERS[place]()


@pytest.mark.parametrize("name", VARIABLES)
def test_a_home_in_the_environment_is_one_error_with_the_variable(name, monkeypatch):
    monkeypatch.setenv(name, UNKNOWN)
    with pytest.raises(ConfigError, match=f"environment: {name}: the home folder is not known"):
        VARIABLES[name]()


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    monkeypatch.delenv("MTSMART_CACHE_DIR", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user id without an entry
    with pytest.raises(ConfigError, match="without MTSMART_CACHE_DIR: data.cache_dir: the home folder is not known"):
        cache_dir(DataConfig())


def test_a_home_is_put_in_the_place_of_its_sign(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/x") == tmp_path / "x"
    assert user_path("x/~") == Path("x/~")
