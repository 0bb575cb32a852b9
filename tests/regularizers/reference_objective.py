"""SMART and MBPP once more, in float64 and plain torch. Nothing here comes from the package.

Jiang et al. 2020, algorithm 1: the perturbation of lines 5 to 9, the terms of equations 1 and 3, the teacher.
Three types of tasks: "class" (softmax over rows), "number" (squared error), "tokens" (softmax over labelled tokens).
"""

import copy

import torch
import torch.nn.functional as F


class Model(torch.nn.Module):
    """An encoder of transformers and a linear map for each task, over the mean of the tokens or over each token."""

    def __init__(self, encoder, heads):
        super().__init__()
        self.encoder = encoder
        self.heads = torch.nn.ModuleDict(heads)

    def embed(self, ids):
        return self.encoder.get_input_embeddings()(ids)

    def forward(self, task, embeds, inputs):
        hidden = self.encoder(
            inputs_embeds=embeds, attention_mask=inputs["attention_mask"], token_type_ids=inputs["token_type_ids"]
        ).last_hidden_state
        if task.kind != "tokens":
            mask = inputs["attention_mask"].unsqueeze(-1).double()
            hidden = (hidden * mask).sum(1) / mask.sum(1)
        return self.heads[task.name](hidden)


class Task:
    """One task: its loss, its divergence and the ``u`` of each direction, all averaged over what counts."""

    def __init__(self, name, kind):
        self.name = name
        self.kind = kind

    def loss(self, logits, labels):
        if self.kind == "number":
            return (logits[:, 0] - labels).square().mean()
        if self.kind == "class":
            return F.cross_entropy(logits, labels)
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)

    def average(self, values, labels):
        return values[labels != -100].mean() if self.kind == "tokens" else values.mean()

    def divergence(self, logits, target, labels):
        if self.kind == "number":
            return (logits - target).square().mean()
        p, q = logits.softmax(-1), target.softmax(-1)
        both = (p * (p.log() - q.log())).sum(-1) + (q * (q.log() - p.log())).sum(-1)
        return self.average(both, labels)

    def slope(self, logits, labels, generator):
        """<u, logits>, whose gradient in the embeddings is the direction away from the decision."""
        if self.kind == "number":
            return (torch.randn(logits.shape, generator=generator).double() * logits).mean()
        u = logits.softmax(-1).detach()
        u = u - F.one_hot(u.argmax(-1), u.shape[-1])
        return self.average((u * logits).sum(-1), labels)


def perturbation(model, task, inputs, labels, clean, embeds, smart, unit, seed):
    """Delta (B, T, H) inside the linf ball of each token."""
    real = inputs["attention_mask"].unsqueeze(-1).double()
    epsilon, eta, sigma = (unit * smart[name] for name in ("epsilon", "step_size", "noise"))
    generator = torch.Generator().manual_seed(seed)
    start = embeds.detach()

    def step(delta, gradient):
        gradient = gradient * real
        longest = gradient.abs().amax(-1, keepdim=True).clamp_min(1e-30)
        return (delta + eta * gradient / longest).clamp(-epsilon, epsilon)

    steps = smart["steps"]
    if smart["direction"] == "ascent":
        delta = sigma * torch.randn(start.shape, dtype=start.dtype, generator=generator) * real
    else:
        slope = task.slope(clean, labels, generator)
        (gradient,) = torch.autograd.grad(slope, embeds, retain_graph=True)
        delta = step(torch.zeros_like(start), gradient)
        steps -= 1
    for _ in range(steps):
        at = delta.clone().requires_grad_(True)
        value = task.divergence(model(task, start + at, inputs), clean.detach(), labels)
        (gradient,) = torch.autograd.grad(value, at)
        delta = step(delta, gradient)
    return delta.clamp(-epsilon, epsilon).detach()


class Run:
    """Training, update by update.

    Args:
        model: the model in float64, which is changed.
        smart, mbpp: settings by name.
        rate: the learning rate of every update.
        total: how many updates there will be.
    """

    def __init__(self, model, smart, mbpp, rate, total):
        self.model = model
        self.teacher = copy.deepcopy(model)
        self.smart = smart
        self.mbpp = mbpp
        self.rate = rate
        self.total = total
        self.done = 0
        self.moments = {}
        matrix = model.encoder.get_input_embeddings().weight.detach()
        self.unit = float(matrix.square().mean().sqrt()) if smart["epsilon_unit"] == "relative" else 1.0

    def update(self, task, inputs, labels, seed):
        """One update; the loss, R and D."""
        embeds = self.model.embed(inputs["input_ids"])
        clean = self.model(task, embeds, inputs)
        loss = task.loss(clean, labels)
        delta = perturbation(self.model, task, inputs, labels, clean, embeds, self.smart, self.unit, seed)
        r = task.divergence(self.model(task, embeds + delta, inputs), clean, labels)
        with torch.no_grad():
            taught = self.teacher(task, self.teacher.embed(inputs["input_ids"]), inputs)
        d = task.divergence(clean, taught, labels)
        self.model.zero_grad()
        (loss + self.smart["weight"] * r + self.mbpp["weight"] * d).backward()
        self.step()
        self.follow()
        return float(loss.detach()), float(r.detach()), float(d.detach())

    @torch.no_grad()
    def step(self):
        """Clip to norm 1, then AdamW (Loshchilov and Hutter 2019) with decay 0.01 of matrices."""
        trained = [(name, p) for name, p in self.model.named_parameters() if p.grad is not None]
        norm = torch.stack([p.grad.norm() for _, p in trained]).norm()
        factor = min(1.0, 1.0 / (float(norm) + 1e-6))
        for name, p in trained:
            gradient = p.grad * factor
            count, first, second = self.moments.get(name, (0, torch.zeros_like(p), torch.zeros_like(p)))
            count = count + 1
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient.square()
            self.moments[name] = (count, first, second)
            if p.ndim > 1:
                p.mul_(1 - self.rate * 0.01)
            scale = (second / (1 - 0.999**count)).sqrt() + 1e-8
            p.sub_(self.rate * (first / (1 - 0.9**count)) / scale)

    @torch.no_grad()
    def follow(self):
        """teacher <- (1 - beta) theta + beta teacher."""
        self.done += 1
        is_early = self.done <= self.mbpp["early"] * self.total
        beta = self.mbpp["early_beta"] if is_early else self.mbpp["beta"]
        for average, p in zip(self.teacher.parameters(), self.model.parameters(), strict=True):
            average.copy_((1 - beta) * p + beta * average)
