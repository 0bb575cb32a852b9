"""The configuration of experiments: YAML with line numbers, strict sections, presets and overrides."""

from mtsmart.config.document import Document, read_yaml
from mtsmart.config.loader import Experiment, build_experiment, dump_config, load_experiment
from mtsmart.config.sections import RunConfig
from mtsmart.config.strict import StrictModel
from mtsmart.config.validate import validate

__all__ = [
    "Document",
    "Experiment",
    "RunConfig",
    "StrictModel",
    "build_experiment",
    "dump_config",
    "load_experiment",
    "read_yaml",
    "validate",
]
