"""An update as the trainer makes it, around any model and any method that acts on weights."""

import torch

from mtsmart.regularizers import Context, all_methods
from mtsmart.regularizers.shared.base import Regularizer


def method_of(method, model, settings, total_updates=10, **context):
    """A method on a model without tasks of its own; ``settings`` are complete."""
    return method(Context(model, {}, total_updates, **context), {"task": settings})


def update(methods: list[Regularizer], model, loss, optimizer):
    """One update. ``loss()`` gives the objective at the model's present weights."""

    def differentiate():
        model.zero_grad(set_to_none=True)
        with all_methods.differentiating(methods, model):
            loss().backward()

    differentiate()
    for method in methods:
        method.before_step(model, differentiate)
    optimizer.step()
    model.zero_grad(set_to_none=True)
    for method in methods:
        method.after_step(model)
    for method in methods:
        method.after_update(lambda: model)


def copies(model):
    """The parameters by name, in float64."""
    return {name: parameter.detach().double().clone() for name, parameter in model.named_parameters()}


def steps_of(model, rate=0.1):
    """Plain gradient descent, whose step is linear in the gradient."""
    return torch.optim.SGD(model.parameters(), lr=rate)
