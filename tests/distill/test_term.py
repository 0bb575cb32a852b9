"""The distillation term: closed forms, its minimum, its temperature; ensembles; stored rows back into batches."""

import importlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsmart.config.sections import EncoderConfig
from mtsmart.data.batch import Batch
from mtsmart.distill.term import Distill, DistillSettings
from mtsmart.losses import Role
from mtsmart.models.dropout import DropoutMasks
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.regularizers import CleanPass, Context
from mtsmart.task_types import TASK_TYPES, build_task
from mtsmart.task_types.interface.arranges_rows import arranged
from mtsmart.task_types.interface.distillable import Distillable
from mtsmart.tasks import TaskDefinition
from mtsmart.training.step import TrainStep

SOURCE = {"files": {"train": "unused.jsonl"}}
TAUGHT = [name for name in TASK_TYPES if issubclass(TASK_TYPES[name], Distillable)]


def task_of(kind="classification", labels=3, **more):
    names = {"labels": [f"l{i}" for i in range(labels)]} if kind in ("classification", "multi_label") else {}
    return build_task("t", TaskDefinition(task_type=kind, dataset=SOURCE, text=["a"], **names, **more))


def distill(task, weight, temperature):
    """The method at work on one task."""
    settings = DistillSettings(teachers=["unused"], weight=weight, temperature=temperature)
    return Distill(Context(None, {task.name: task}, 10), {task.name: settings})


def clean(task, logits, labels, teacher=None):
    targets = {"labels": labels, **({} if teacher is None else {"teacher": teacher})}
    batch = Batch("t", {"input_ids": torch.zeros(len(logits), 1)}, targets)
    loss = task.criterion(logits, batch)
    masks = DropoutMasks(logits.device)
    return CleanPass(None, batch, logits, logits, masks, task, loss, torch.Tensor.backward)


def total(task, logits, labels, teacher, weight, temperature):
    """The whole loss of a batch, as the training step adds it up, and KD."""
    inside = clean(task, logits, labels, teacher)
    method = distill(task, weight, temperature)
    value, figures = method.term(inside, method.settings[task.name])
    return inside.loss + weight * value, figures["KD"]


def bounded(shape):
    size = torch.Size(shape).numel()
    numbers = st.lists(st.floats(-4, 4, width=32), min_size=size, max_size=size)
    return numbers.map(lambda values: torch.tensor(values).reshape(shape))


@pytest.mark.parametrize("kd_loss", ["kl", "symmetric_kl", "js", "hellinger"])
@settings(max_examples=25, deadline=None)
@given(teacher=bounded((2, 3)), other=bounded((2, 3)), temperature=st.floats(0.5, 8), shift=st.floats(-3, 3))
def test_the_term_is_smallest_at_the_teachers_distribution(kd_loss, teacher, other, temperature, shift):
    """There it is 0 with a gradient of 0 (logits may differ by a constant), and nowhere below."""
    task, labels = task_of(kd_loss=kd_loss), torch.tensor([0, 2])
    there = (teacher + shift).requires_grad_()
    value, kd = total(task, there, labels, teacher, 1.0, temperature)
    value.backward()
    assert float(kd) == pytest.approx(0, abs=1e-4 * temperature**2)
    torch.testing.assert_close(there.grad, torch.zeros(2, 3), atol=1e-5 * temperature, rtol=0)
    assert float(total(task, other, labels, teacher, 1.0, temperature)[1]) >= -1e-6 * temperature**2  # rounding


@settings(max_examples=25, deadline=None)
@given(z=bounded((2, 3)), v=bounded((2, 3)), weight=st.floats(0, 1), t=st.floats(0.5, 8))
def test_value_and_gradient_are_the_closed_form_in_float64(z, v, weight, t):
    """(1 - w) CE + w T^2 KL(teacher || student); dKD/dz = T (p - q) / B (Hinton et al. 2015, equation 2)."""
    labels = torch.tensor([0, 2])
    z64, v64 = z.double(), v.double()
    p, q = torch.softmax(z64 / t, -1), torch.softmax(v64 / t, -1)
    kd = t**2 * (q * (q.log() - p.log())).sum(-1).mean()
    gold = -torch.log_softmax(z64, -1)[torch.arange(2), labels].mean()
    gradient = weight * t * (p - q) / 2
    gradient += (1 - weight) * (torch.softmax(z64, -1) - torch.nn.functional.one_hot(labels, 3)) / 2
    z = z.requires_grad_()
    value, figure = total(task_of(kd_loss="kl"), z, labels, v, weight, t)
    value.backward()
    assert float(value.detach()) == pytest.approx(float((1 - weight) * gold + weight * kd), rel=1e-4, abs=1e-4)
    assert float(figure) == pytest.approx(float(kd), rel=1e-4, abs=1e-4)
    torch.testing.assert_close(z.grad.double(), gradient, atol=2e-5, rtol=1e-4)


def test_t_squared_keeps_the_gradients_size():
    """Hinton et al. 2015, equation 4: for high T and centred logits, T^2 times the gradient is (z - v) / C."""
    torch.manual_seed(0)
    z, v = (each - each.mean(-1, keepdim=True) for each in torch.randn(2, 1, 5))
    gradients = []
    for temperature in (50.0, 100.0):
        student = z.clone().requires_grad_()
        total(task_of(labels=5, kd_loss="kl"), student, torch.tensor([0]), v, 1.0, temperature)[0].backward()
        torch.testing.assert_close(student.grad, (z - v) / 5, rtol=0.1, atol=5e-3)
        gradients.append(student.grad)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0.1, atol=5e-3)


def test_weight_one_ignores_the_gold_labels_and_weight_zero_the_teacher():
    task, teacher = task_of(), torch.randn(4, 3)
    logits = torch.randn(4, 3)

    def gradient(labels, teacher, weight):
        student = logits.clone().requires_grad_()
        total(task, student, labels, teacher, weight, 2.0)[0].backward()
        return student.grad

    one, other = torch.tensor([0, 1, 2, 0]), torch.tensor([1, 2, 0, 1])
    assert torch.equal(gradient(one, teacher, 1.0), gradient(other, teacher, 1.0))
    assert not torch.allclose(gradient(one, teacher, 0.5), gradient(other, teacher, 0.5))
    assert torch.equal(gradient(one, teacher, 0.0), gradient(one, -teacher, 0.0))


def test_batches_without_a_teacher_are_left_alone():
    task = task_of()
    assert distill(task, 0.5, 2.0).loss(clean(task, torch.randn(2, 3), torch.tensor([0, 1]))) is None


def test_a_temperature_has_no_meaning_for_regression():
    task, logits, teacher = task_of("regression"), torch.randn(4, 1), torch.randn(4, 1)
    for temperature in (1.0, 3.0):
        kd = total(task, logits, torch.zeros(4), teacher, 0.5, temperature)[1]
        assert float(kd) == pytest.approx(float((logits - teacher).square().mean()), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(first=bounded((2, 3)), second=bounded((2, 3)), t=st.floats(0.5, 8))
def test_an_ensembles_softmax_at_temperature_is_the_mean_of_its_teachers(first, second, t):
    batch = Batch("t", {})
    target = task_of().ensemble([first, second], batch, t)
    mean = (torch.softmax(first.double() / t, -1) + torch.softmax(second.double() / t, -1)) / 2
    torch.testing.assert_close(torch.softmax(target.double() / t, -1), mean, atol=1e-6, rtol=1e-5)
    target = task_of("multi_label").ensemble([first, second], batch, t)
    mean = (torch.sigmoid(first.double() / t) + torch.sigmoid(second.double() / t)) / 2
    torch.testing.assert_close(torch.sigmoid(target.double() / t), mean, atol=1e-6, rtol=1e-5)
    target = task_of("regression").ensemble([first[:, :1], second[:, :1]], batch, t)
    torch.testing.assert_close(target, (first[:, :1] + second[:, :1]) / 2)


def test_an_ensemble_of_certain_teachers_stays_finite():
    far = torch.tensor([[200.0, -200.0]])
    for kind in ("classification", "multi_label"):
        assert torch.isfinite(task_of(kind, labels=2).ensemble([far, far, -far], Batch("t", {}), 1.0)).all()


# Every type -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts(tiny_encoder):
    """For each task type a task, its model and a batch of its example rows of varied length."""
    built = {}
    for kind in TAUGHT:
        example = importlib.import_module(f"tests.task_types.examples.{kind}")
        task = build_task("example", TaskDefinition(**example.DEFINITION))
        torch.manual_seed(0)
        encoder, tokenizer = load_encoder(EncoderConfig(path=str(tiny_encoder)))
        model = MultiTaskModel(encoder, {"example": task.head_spec}).eval()
        columns = {name: [row[name] for row in example.ROWS] for name in example.ROWS[0]}
        import datasets

        rows = datasets.Dataset.from_dict({**columns, "row": list(range(len(example.ROWS)))})
        encoded = task.encode(arranged(task, rows)[:], tokenizer, 24, with_labels=True)
        features = [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]
        built[kind] = (task, model, task.collate(features, tokenizer, seed=0))
    return built


def logits_of(task, model, batch):
    return task.adapt(model("example", model.embed(batch.inputs["input_ids"]), batch.inputs), batch)


@pytest.mark.parametrize("kind", TAUGHT)
def test_rebatch_is_the_inverse_of_unbatch(kind, parts):
    """What comes back is the same prediction wherever it counts, and the same rows."""
    task, model, batch = parts[kind]
    logits = logits_of(task, model, batch).detach()
    rows = task.unbatch(logits, batch)
    again = task.rebatch(rows, batch)
    assert again.shape == logits.shape
    assert all(torch.equal(a, b) for a, b in zip(task.unbatch(again, batch), rows, strict=True))
    assert float(task.divergence(logits, again, batch, Role.DISTILLATION)) == 0.0
    assert float(task.divergence(logits + torch.randn_like(logits), again, batch, Role.DISTILLATION)) > 0


@pytest.mark.parametrize("kind", TAUGHT)
@pytest.mark.parametrize("temperature", [1.0, 2.0, 100.0])
def test_an_ensemble_of_one_teacher_is_that_teacher(kind, temperature, parts):
    task, model, batch = parts[kind]
    logits = logits_of(task, model, batch).detach()
    for count in (1, 3):
        target = task.ensemble([task.rebatch(task.unbatch(logits, batch), batch)] * count, batch, temperature)
        assert target.shape == logits.shape
        t = temperature if task.tempered else 1.0
        assert float(task.divergence(logits / t, target / t, batch, Role.DISTILLATION)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", TAUGHT)
def test_one_update_moves_towards_the_teacher(kind, parts):
    task, model, batch = parts[kind]
    torch.manual_seed(1)
    logits = logits_of(task, model, batch).detach()
    teacher = task.rebatch(task.unbatch(logits + torch.randn_like(logits), batch), batch)
    batch.targets["teacher"] = teacher
    step = TrainStep(model, {"example": task}, {"distill": distill(task, 1.0, 2.0)})
    batch.task = "example"
    state = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    loss, before = step(batch)
    loss.backward()
    optimizer.step()
    after = step(batch)[1]
    model.load_state_dict(state)
    model.zero_grad()
    del batch.targets["teacher"]
    assert 0 < float(after["KD"]) < float(before["KD"])


def test_types_that_cannot_be_distilled():
    assert set(TASK_TYPES) - set(TAUGHT) == {"masked_lm"}


def test_an_ensemble_of_span_teachers_is_their_mean_over_what_counts(parts):
    """Start and end each over context and classification tokens, whatever teachers say of the question's tokens."""
    task, _, batch = parts["span"]
    torch.manual_seed(0)
    counts = batch.layout["candidates"].bool()
    teachers = [3 * torch.randn(*counts.shape, 2, dtype=torch.float64) for _ in range(2)]
    target = task.ensemble([each.float() for each in teachers], batch, 2.0)
    assert 0 < int(counts[0].sum()) < counts.shape[1]
    for row, mask in enumerate(counts):
        mean = sum(torch.softmax(each[row, mask] / 2, 0) for each in teachers) / 2
        torch.testing.assert_close(torch.softmax(target[row, mask].double() / 2, 0), mean, atol=1e-6, rtol=1e-4)
