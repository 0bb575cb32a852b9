"""Seeded changes of the texts of tasks that are only scored: ``dataset.perturb``.

Each kind has one file, which registers it. A new file is enough.
"""

from mtsmart.data.perturbations.base import PERTURBATIONS, VERSION, Perturbation, perturbed, perturbed_rows

__all__ = ["PERTURBATIONS", "VERSION", "Perturbation", "perturbed", "perturbed_rows"]
