"""The loss map: criteria, divergences, the directions in which divergences grow, and ensembles of predictions."""

from mtsmart.losses.criteria import CRITERIA, Criterion
from mtsmart.losses.directions import DIRECTIONS
from mtsmart.losses.divergences import DIVERGENCES, Divergence
from mtsmart.losses.ensembles import ENSEMBLES
from mtsmart.losses.roles import Role

__all__ = ["CRITERIA", "DIRECTIONS", "DIVERGENCES", "ENSEMBLES", "Criterion", "Divergence", "Role"]
