"""Which of the trained weights come from the pretrained encoder, and what they were at the start of the run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import torch
from torch import Tensor, nn

from mtsmart.models.adapters import without_adapters
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.weights import trained


def pretrained(model: MultiTaskModel) -> dict[str, nn.Parameter]:
    """The trained parameters of the encoder that come from its checkpoint, by their names in ``model``.

    Those of adapters do not, nor do those that the checkpoint lacks. In a run that starts from an earlier run they come
    from that run.
    """
    drawn = {f"encoder.model.{name}" for name in model.encoder.drawn}
    of_encoder = {name: one for name, one in trained(model).items() if name.startswith("encoder.")}
    own = {name: one for name, one in of_encoder.items() if name not in drawn}
    if not model.encoder.adapters:
        return own
    known = {f"encoder.{name}" for name, _ in without_adapters(model.encoder).named_parameters()}
    return {name: parameter for name, parameter in own.items() if name in known}


def named(model: MultiTaskModel, names: Iterable[str]) -> dict[str, nn.Parameter]:
    """Parameters by their names: for each update, because ``pretrained`` copies an encoder that has adapters."""
    parameters = dict(model.named_parameters())
    return {name: parameters[name] for name in names}


def reason_without(model: MultiTaskModel) -> str | None:
    """Why a method that changes only pretrained weights has nothing to do; None if it has."""
    return None if pretrained(model) else "no pretrained weight is trained, so there is nothing to change"


def fresh(model: MultiTaskModel, known: Collection[str] | None = None) -> dict[str, nn.Parameter]:
    """The other trained parameters: those of heads, of adapters, and what the encoder's checkpoint lacks.

    Args:
        model: has them.
        known: the names of the pretrained ones, where they have been found before.
    """
    names = pretrained(model) if known is None else known
    return {name: parameter for name, parameter in trained(model).items() if name not in names}


def mixable(model: MultiTaskModel) -> dict[str, nn.Parameter]:
    """Of the pretrained parameters the matrices that are no embeddings."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    return {name: one for name, one in pretrained(model).items() if one.ndim > 1 and id(one) not in tables}


class Start:
    """What named parameters were at the start of a run. Resume points hold it.

    Args:
        parameters: the values at present are kept.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter]) -> None:
        self._tensors = {name: parameter.detach().clone() for name, parameter in parameters.items()}

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def tensors(self) -> dict[str, Tensor]:
        """The values, for a resume point."""
        return self._tensors

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the values of a resume point.

        Raises:
            RuntimeError: they are of other parameters.
        """
        if tensors.keys() != self._tensors.keys():
            names = sorted(tensors.keys() ^ self._tensors.keys())
            raise RuntimeError(f"the start of the run is of other parameters: {', '.join(names[:3])}")
        for name, tensor in self._tensors.items():
            tensor.copy_(tensors[name])

    def follow(self, parameters: Mapping[str, nn.Parameter]) -> None:
        """Become what the parameters are now."""
        self.load({name: parameters[name].detach() for name in self._tensors})


def generator_of(device: torch.device, seed: int, *places: int) -> torch.Generator:
    """A generator that draws the same in each process and after each resume.

    Args:
        device: where it draws.
        seed: the run's.
        places: what else the numbers depend on, such as the update.
    """
    import numpy as np

    state = np.random.SeedSequence([seed, *places]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state[0] >> np.uint64(1)))
