"""R-Drop, R3F, VAT and FreeLB once more, in float64 and plain torch, from the papers' formulas.

Nothing here comes from the package. Models and tasks are those of ``reference_objective``.
"""

import zlib

import torch

from tests.regularizers import reference_objective as reference


class Pass:
    """What one batch gives to a term."""

    def __init__(self, run, task, inputs, labels, seed):
        self.model = run.model
        self.task = task
        self.inputs = inputs
        self.labels = labels
        self.seed = seed
        self.unit = run.unit
        self.real = inputs["attention_mask"].unsqueeze(-1).double()
        self.embeds = run.model.embed(inputs["input_ids"])
        self.clean = self.logits(self.embeds)
        self.loss = task.loss(self.clean, labels)

    def logits(self, embeds):
        return self.model(self.task, embeds, self.inputs)

    def generator(self, name):
        return torch.Generator().manual_seed(self.seed ^ zlib.crc32(name.encode()))


def kl_to(task, logits, target, labels):
    """KL(target || logits), or the squared error."""
    if task.kind == "number":
        return (logits - target).square().mean()
    p, q = logits.softmax(-1), target.softmax(-1)
    return task.average((q * (q.log() - p.log())).sum(-1), labels)


def by_text(tensor):
    """The l2 norm over all tokens of each text (B, 1, 1)."""
    return tensor.square().sum((1, 2), keepdim=True).sqrt()


def r_drop(one, settings):
    """Half of the paper's loss: (L1 + L2) / 2 + alpha / 4 (KL + KL). The clean pass is the first of the two."""
    second = one.logits(one.embeds)
    divergence = one.task.divergence(second, one.clean, one.labels)
    loss = (one.loss + one.task.loss(second, one.labels)) / 2 + settings["alpha"] / 4 * divergence
    return loss, divergence


def r3f(one, settings):
    """L + lambda KL_S(f(x) || f(x + z)), section 3."""
    shape = one.embeds.shape
    if settings["distribution"] == "normal":
        z = torch.randn(shape, dtype=torch.float64, generator=one.generator("r3f"))
    else:
        z = 2 * torch.rand(shape, dtype=torch.float64, generator=one.generator("r3f")) - 1
    noised = one.logits(one.embeds + settings["noise"] * one.unit * z * one.real)
    divergence = one.task.divergence(noised, one.clean, one.labels)
    return one.loss + settings["weight"] * divergence, divergence


def vat(one, settings):
    """L + alpha KL(f(x) || f(x + r)) with a constant f(x), equations 5 to 8 and the iteration of section 3.3."""
    fixed = one.clean.detach()
    start = one.embeds.detach()
    d = torch.randn(start.shape, dtype=torch.float64, generator=one.generator("vat")) * one.real
    d = d / by_text(d)
    for _ in range(settings["steps"]):
        at = (settings["xi"] * one.unit * d).requires_grad_(True)
        (gradient,) = torch.autograd.grad(kl_to(one.task, one.logits(start + at), fixed, one.labels), at)
        d = gradient * one.real / by_text(gradient * one.real)
    r = settings["epsilon"] * one.unit * d
    divergence = kl_to(one.task, one.logits(one.embeds + r), fixed, one.labels)
    return one.loss + settings["weight"] * divergence, divergence


def free_lb(one, settings):
    """Algorithm 1: the mean of K perturbed losses, whose gradient is the sum of g_t."""
    numbers = one.real.sum(1, keepdim=True) * one.embeds.shape[-1]
    z = 2 * torch.rand(one.embeds.shape, dtype=torch.float64, generator=one.generator("free_lb")) - 1
    delta = settings["noise"] * one.unit * z * one.real / numbers.sqrt()
    total = 0.0
    for _ in range(settings["steps"]):
        at = delta.clone().requires_grad_(True)
        loss = one.task.loss(one.logits(one.embeds + at), one.labels)
        total = total + loss / settings["steps"]
        (gradient,) = torch.autograd.grad(loss, at, retain_graph=True)
        gradient = gradient * one.real
        delta = delta + settings["step_size"] * one.unit * gradient / by_text(gradient)
        longest = settings["epsilon"] * one.unit
        delta = torch.where(by_text(delta) > longest, longest * delta / by_text(delta), delta)
    return one.loss + settings["weight"] * (total - one.loss), total - one.loss


TERMS = {"r_drop": r_drop, "r3f": r3f, "vat": vat, "free_lb": free_lb}


class Run(reference.Run):
    """Training with one term, update by update.

    Args:
        model: the model in float64, which is changed.
        name: the term.
        settings: the term's, by name.
        rate: the learning rate of every update.
    """

    def __init__(self, model, name, settings, rate):
        self.model = model
        self.term = TERMS[name]
        self.settings = settings
        self.rate = rate
        self.moments = {}
        matrix = model.encoder.get_input_embeddings().weight.detach()
        self.unit = float(matrix.square().mean().sqrt()) if settings.get("epsilon_unit") == "relative" else 1.0

    def update(self, task, inputs, labels, seed):
        """One update; the loss and the term's figure."""
        one = Pass(self, task, inputs, labels, seed)
        loss, figure = self.term(one, self.settings)
        self.model.zero_grad()
        loss.backward()
        self.step()
        return float(one.loss.detach()), float(figure.detach())
