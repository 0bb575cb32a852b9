"""The steps of each Dockerfile, run without Docker; then what they have installed serves. They fetch packages."""

import subprocess

import pytest

import mtsmart
from tests.packaging.test_docker import FILES, instructions
from tests.packaging.without_docker import built
from tests.serving.at_work import JSON, serving_process

pytestmark = pytest.mark.slow
TOKEN = "a-token-of-many-letters"


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def image(request, tmp_path):
    root = tmp_path / "image"
    root.mkdir()
    return request.param.stem, built(instructions(request.param), root)


def test_what_the_steps_have_installed_works(image, trained_run, tmp_path):
    name, made = image
    program, *arguments = made.entry
    if name == "train":
        command = [made.program(program), *arguments]
        done = subprocess.run(command, env=made.environment, cwd=made.work, check=True, capture_output=True, text=True)
        assert "train" in done.stdout and "finetune" in done.stdout
        return
    model = trained_run("training.max_updates=1")
    expected = mtsmart.load(model).predict("color", "a red house")
    if name == "serve-onnx":
        model = mtsmart.export(model, "color", tmp_path / "graph", form="onnx").folder
        assert not list(made.root.rglob("site-packages/torch"))
    arguments = [{"/model": str(model), "8000": "0"}.get(word, word) for word in arguments]
    (found,) = asked([made.program(program), *arguments], made, tmp_path)
    assert found.pop("prediction") == expected[0].pop("prediction")
    assert found == pytest.approx(expected[0], abs=1e-4)


def asked(command, image, place):
    """The predictions of a server that is started with a token, asked, and stopped."""
    environment = {**image.environment, "MTSMART_SERVE_TOKEN": TOKEN}
    with serving_process(command, place, seconds=120, env=environment, cwd=image.work) as client:
        health = [
            image.program(image.health[0]),
            *(word.replace("8000", str(client.port)) for word in image.health[1:]),
        ]
        subprocess.run(health, check=True)
        question = '{"tasks": ["color"], "texts": ["a red house"]}'
        assert client.call("POST", "/predict", question, JSON).status == 401
        answer = client.call("POST", "/predict", question, {**JSON, "Authorization": f"Bearer {TOKEN}"})
    return [row["color"] for row in answer.json["answers"]]
