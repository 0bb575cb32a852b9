"""Regularisers at work on a model, as tests need them."""

from mtsmart.config.methods import REGULARIZERS
from mtsmart.regularizers import Context


def preset(method, name="tuned", **changes):
    """A preset's complete settings, with changes."""
    return REGULARIZERS[method].preset(name).model_copy(update=changes)


def at_work(method, model, tasks, settings, total_updates=10):
    """A method on a model; all tasks have the same settings."""
    return REGULARIZERS[method](Context(model, dict(tasks), total_updates), dict.fromkeys(tasks, settings))
