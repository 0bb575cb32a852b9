"""A reader of task files in MT-DNN's form."""

import warnings

import pytest

from mtsmart.errors import MtsmartWarning
from mtsmart.tasks import TaskLibrary


@pytest.fixture
def load(tmp_path):
    """A task file's text -> its one task's definition, and what was told."""

    def call(text, name="mine"):
        (tmp_path / "t.yml").write_text(text)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            definition = TaskLibrary([tmp_path / "t.yml"])[name]
        assert {warning.category for warning in told} <= {MtsmartWarning}
        return definition, [str(warning.message).removeprefix(f"{tmp_path}/") for warning in told]

    return call
