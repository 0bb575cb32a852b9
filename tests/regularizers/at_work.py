"""Regularisers at work on a model, as tests need them."""

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.regularizers import Context


def preset(method, name="tuned", **changes):
    """A preset's complete settings, with changes."""
    return REGULARIZERS[method].preset(name).model_copy(update=changes)


def at_work(method, model, tasks, settings, total_updates=10):
    """A method on a model; all tasks have the same settings."""
    return REGULARIZERS[method](Context(model, dict(tasks), total_updates), dict.fromkeys(tasks, settings))


def first_settings(method):
    """The settings of a method's first preset. A method without presets gets placeholders for what it requires."""
    if method.presets:
        return method.presets[0].settings
    required = [name for name, field in method.Settings.model_fields.items() if field.is_required()]
    return method.Settings(**{name: ["unused"] for name in required})
