"""Chooses the precision of a sweep's runs, in a process of its own: it loads their encoders and uses the device."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mtsmart.config.sections import EncoderConfig, RunConfig
from mtsmart.errors import MtsmartError
from mtsmart.models.encoder import Encoder
from mtsmart.models.loading import load_encoder
from mtsmart.processes import ALONE
from mtsmart.quiet import quiet_libraries
from mtsmart.runs.changes import Described
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import run_path
from mtsmart.storage.consistent import read_consistently
from mtsmart.sweeps.plan import Job, definitions_of
from mtsmart.sweeps.work.precision import Chosen
from mtsmart.training.precision import MACHINE, Hardware, choose_precision


def choose(jobs: Iterable[Job], hardware: Hardware = MACHINE) -> dict[str, Chosen]:
    """What is chosen for runs that leave their precision open.

    A run whose encoder cannot be loaded gets no choice: it fails, and says so itself.

    Args:
        jobs: the runs.
        hardware: what is asked of the machine.

    Returns:
        hash of a configuration -> the choice.
    """
    quiet_libraries()
    encoders: dict[str, Encoder] = {}
    found: dict[str, Chosen] = {}
    for job in jobs:
        with suppress(MtsmartError):
            # A start that is not trained yet has the widths of its encoder, and nearly its embeddings.
            source = (job.start or job).experiment.config
            name = f"{source.init} {source.encoder}"
            if name not in encoders:
                encoders = {name: _encoder_of(source)}  # One at a time, because they may be large.
            given = Described(job.experiment.config, definitions_of(job.experiment, job.start))
            choice = choose_precision(given, encoders[name], ALONE.device, hardware)
            found[job.config] = Chosen(job.label, choice.precision, choice.reason)
    return found


def _encoder_of(config: RunConfig) -> Encoder:
    """The encoder that a run starts from."""
    if config.init is None:
        return load_encoder(config.encoder)[0]
    folder = RunFolder(run_path(config.init.run, key="init.run"))
    return read_consistently(lambda: folder.model, _stored_encoder)


def _stored_encoder(model: Path) -> Encoder:
    return load_encoder(EncoderConfig(path=str(model / "encoder")))[0]
