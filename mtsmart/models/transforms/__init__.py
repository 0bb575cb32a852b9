"""What can be done to an encoder after it is loaded, one file a transform.

A module in this folder that registers a transform is found by itself, and so is one of an installed package (entry
points of the group ``mtsmart.transforms``).
"""

from mtsmart.config.transforms import TRANSFORMS
from mtsmart.models.transform import Adapter, Order, Transform

__all__ = ["TRANSFORMS", "Adapter", "Order", "Transform"]
