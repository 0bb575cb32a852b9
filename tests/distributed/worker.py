"""Trains in one or in several processes, and leaves what the tests compare: gradients, weights, teachers, batches.

``python worker.py OUT arguments...`` under a launcher, or ``main`` in one process; the arguments are those of
``mtsmart train``.
"""

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

from safetensors.torch import save_file

from mtsmart.cli import app
from mtsmart.models.weights import state_of
from mtsmart.training import trainer
from mtsmart.training.figures import guard
from mtsmart.training.sharding import gathered


def rank():
    """The number of this process."""
    return os.environ.get("RANK", "0")


def recorded_norm(out, parameters, limit):
    """Keeps the first update's gradients, as they are before they are clipped."""
    parameters = list(parameters)
    file = out / f"gradients-{rank()}.safetensors"
    if not file.exists():
        found = {str(index): gathered(p.grad).clone() for index, p in enumerate(parameters) if p.grad is not None}
        save_file(found, file)
    return guard.gradient_norm(parameters, limit)


class Recorded(trainer.Trainer):
    """Keeps in the folder ``out`` which rows it saw, and the end."""

    out: Path

    def update(self, batches):
        with (self.out / f"rows-{rank()}.jsonl").open("a") as stream:
            for batch in batches:
                first, total = (0, len(batch.rows)) if batch.part is None else batch.part.rows
                line = {"update": self.progress.update, "task": batch.task, "first": first, "total": total}
                stream.write(json.dumps({**line, "rows": list(batch.rows)}) + "\n")
        if os.environ.get("STOP_AT") == f"{rank()}:{self.progress.update}":
            signal.raise_signal(signal.SIGTERM)
        if os.environ.get("FAIL_AT") == f"{rank()}:{self.progress.update}":
            from mtsmart.errors import TrainingError

            raise TrainingError("this process was told to fail")
        super().update(batches)

    def train(self, resume_from=None, **more):
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        held = sum((p.to_local() if hasattr(p, "to_local") else p).numel() for p in parameters)
        (self.out / f"held-{rank()}.json").write_text(json.dumps(held / sum(p.numel() for p in parameters)))
        results = super().train(resume_from, **more)
        save_file(state_of(self.student.whole()), self.out / f"weights-{rank()}.safetensors")
        if "mbpp" in self.step.regularizers:
            save_file(self.step.regularizers["mbpp"].tensors(), self.out / f"teacher-{rank()}.safetensors")
        return results


def main(out, *arguments):
    """Train with these arguments of ``mtsmart train``, and leave in the folder what is compared."""
    from mtsmart import running

    Path(out).mkdir(exist_ok=True)
    Recorded.out = Path(out)
    trainer.gradient_norm = partial(recorded_norm, Recorded.out)
    running.Trainer = Recorded
    sys.argv = ["mtsmart", "train", *arguments]
    app.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
