"""``mtsmart train``."""

from __future__ import annotations

from mtsmart.cli.options import AllowChanges, AsJson, ExperimentArgument, OutputDir, Overrides, Quiet, Resume
from mtsmart.quiet import quiet_libraries


def train(
    experiment: ExperimentArgument,
    overrides: Overrides = None,
    output_dir: OutputDir = None,
    resume: Resume = False,
    allow_changes: AllowChanges = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train several tasks jointly on one shared encoder."""
    quiet_libraries()
    from mtsmart import api
    from mtsmart.cli.training_output import Shown, run_and_report

    run_and_report(
        lambda callback: api.train(
            experiment,
            overrides or [],
            output_dir=output_dir,
            resume=resume,
            allow_changes=allow_changes or [],
            callback=callback,
            progress=False,
        ),
        Shown(quiet, as_json),
    )
