"""Heads of other packages: what they give, and whether the model has their weights, is looked at before training."""

import pytest

from mtsmart.models.heads import HEADS
from tests.plugins.test_faults_in_packages import PACKAGE, bad, train  # noqa: F401 (fixtures)

HEAD = """
class Own(nn.Module):
    def __init__(self, encoder, spec):
        super().__init__()
        {build}

    def forward(self, outputs, inputs):
        return {give}
"""
LINEAR = "self.o = nn.Linear(encoder.hidden_size, spec.num_labels)"
FIRST = "self.o(outputs[0][:, 0])"


@pytest.fixture
def own_head(bad, train, workspace):  # noqa: F811
    """How a head is built and what it gives -> exit code and last line of a run with it."""

    def run(build=LINEAR, give=FIRST):
        module = bad(HEAD.format(build=build, give=give))
        text = workspace.tasks.read_text()
        workspace.tasks.write_text(text.replace("[other, red]", "[other, red]\n  head: {type: b_head}", 1))
        with HEADS.lending({"b_head": module.Own}):
            return train("tasks=[color]")

    return run


WANTED = "It must give logits of shape (2, 2), which is (B, C)"
SHAPES = [
    (LINEAR, "self.o(outputs[0])", "logits of shape (2, "),
    (LINEAR, f"{FIRST}[:, :1]", f"logits of shape (2, 1) for 2 token sequences. {WANTED}"),
    (LINEAR, f"{FIRST}.mean(0, keepdim=True)", f"logits of shape (1, 2) for 2 token sequences. {WANTED}"),
    (LINEAR, f"({FIRST},)", f"of the type tuple for 2 token sequences. {WANTED}"),
    (LINEAR, f"{FIRST} * float('nan')", "logits that are not a number (nan). Look for a division by 0 in its forward"),
    (LINEAR.replace("num_labels", "num_labels + 1"), FIRST, f"logits of shape (2, 3) for 2 token sequences. {WANTED}"),
]


@pytest.mark.parametrize(("build", "give", "message"), SHAPES)
def test_logits_of_another_shape_are_refused_with_the_head(own_head, build, give, message):
    code, line = own_head(build, give)
    assert code == 2
    start = f"mtsmart: the head type 'b_head' of the package {PACKAGE} (task color): gives "
    assert line.startswith(start + message), line


@pytest.mark.parametrize(
    ("build", "give"),
    [
        (LINEAR.replace("self.o = ", "self.o = [") + "]", FIRST.replace("self.o", "self.o[0]")),
        (LINEAR + "; self.more = {'o': nn.Linear(2, 2)}", f"self.more['o']({FIRST})"),
    ],
)
def test_weights_that_are_not_registered_are_refused(own_head, build, give):
    """They would be neither trained nor stored, and a stored model would answer with others."""
    code, line = own_head(build, give)
    assert code == 2
    assert line.startswith(
        f"mtsmart: the head type 'b_head' of the package {PACKAGE} (task color): computes with weights that it has not "
        "registered, of shape (2"
    ), line


@pytest.mark.parametrize("give", ["self.o(outputs[0].mul_(2)[:, 0])", "self.o(outputs[0].relu_()[:, 0])"])
def test_hidden_states_that_a_head_changes_in_place_are_no_fault_of_the_encoder(own_head, give):
    code, line = own_head(give=give)
    assert code == 2
    assert line.startswith(
        f"mtsmart: the head type 'b_head' of the package {PACKAGE} (task color): changes the hidden states in place"
    ), line


@pytest.mark.parametrize(
    ("build", "give"),
    [
        (LINEAR, FIRST),
        (f"{LINEAR}; self.words = [encoder.word_embeddings]", f"{FIRST} + self.words[0][:2, 0]"),
        ("self.o = nn.Parameter(torch.randn(encoder.hidden_size, 2))", "outputs[0][:, 0] @ self.o"),
    ],
)
def test_a_head_may_use_its_own_weights_and_the_encoders(own_head, build, give):
    code, line = own_head(build, give)
    assert code == 0, line


def test_a_head_without_any_weights_is_told(bad, cli, workspace):  # noqa: F811
    module = bad(HEAD.format(build="self.o = torch.randn(encoder.hidden_size, 2)", give="outputs[0][:, 0] @ self.o"))
    text = workspace.tasks.read_text()
    workspace.tasks.write_text(text.replace("[other, red]", "[other, red]\n  head: {type: b_head}", 1))
    settings = ["tasks=[color]", "smart=off", "mbpp=off", "training.max_updates=1", "-o", "run"]
    with HEADS.lending({"b_head": module.Own}):
        done = cli("train", workspace.experiment, *settings)
    start = (
        f"mtsmart: warning: the head type 'b_head' of the package {PACKAGE} (task color): has no weights, so it learns"
    )
    assert done.err.count(start) == 1, done.err
