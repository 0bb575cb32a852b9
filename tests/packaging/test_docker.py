"""What the Dockerfiles install and copy exists, and the command that they start is one of mtsmart's.

Whether the images build is not tested here, because that needs Docker and a network.
"""

import json
import re
from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path

import pytest

from mtsmart.cli.app import whole_command

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "docker").glob("*.Dockerfile"))


def instructions(file):
    """The instructions of a Dockerfile: pairs of a keyword and its arguments, without comments."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def arguments_of(file, keyword):
    return [rest for word, rest in instructions(file) if word == keyword]


def named_packages(file):
    """The packages that a Dockerfile installs by their names, under the project's constraints."""
    (found,) = re.findall(r"--constraint constraints\.txt +([a-z][\w -]*)$", "\n".join(arguments_of(file, "RUN")), re.M)
    return found.split()


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request):
    return request.param


def test_there_are_three():
    assert [file.stem for file in FILES] == ["serve-onnx", "serve", "train"]


def test_each_instruction_is_one_that_docker_knows(file):
    known = {"FROM", "ARG", "RUN", "COPY", "WORKDIR", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert {word for word, _ in instructions(file)} <= known


def test_what_is_copied_exists_and_is_not_ignored(file):
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for given in arguments_of(file, "COPY"):
        if given.startswith("--from="):
            continue
        *sources, target = given.split()
        assert target.startswith("/source/")
        for source in sources:
            assert (ROOT / source).exists(), source
            assert source in kept


def test_what_setup_needs_is_copied(file):
    """The folders that setup.cfg maps, and the files that it names."""
    copied = {source for given in arguments_of(file, "COPY") for source in given.split()}
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    folders = {line.split("=")[1].strip() for line in setup["options"]["package_dir"].strip().splitlines()}
    assert {"mtsmart", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"} | folders <= copied


def test_the_extras_and_pins_are_the_projects_own(file):
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    installs = [line for line in arguments_of(file, "RUN") if " install " in line]
    extras = re.findall(r'"\.\[([\w,-]+)\]"', " ".join(installs))
    if file.stem == "serve-onnx":  # It installs mtsmart alone, and by name what the server imports.
        assert not extras and installs[-1].endswith("install --no-cache-dir --no-deps .")
        assert named_packages(file)
    else:
        assert len(extras) == 1
        assert set(extras[0].split(",")) <= set(setup["options.extras_require"])
        assert ("serve" in extras[0]) == (file.stem == "serve")
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    for pin in re.findall(r"\b[\w-]+==[\w.]+", " ".join(installs)):
        assert pin in pins
    assert all("--no-cache-dir" in line for line in installs)


def test_the_python_is_a_supported_one(file):
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for image in arguments_of(file, "FROM"):
        version = re.match(r"python:(3\.\d+)-slim", image)[1]
        assert f"Programming Language :: Python :: {version}" in setup["metadata"]["classifiers"]


def test_nobody_works_as_root(file):
    (user,) = arguments_of(file, "USER")
    assert all(int(number) > 0 for number in user.split(":"))


def test_the_command_is_understood(file):
    (program,) = map(json.loads, arguments_of(file, "ENTRYPOINT"))
    (arguments,) = map(json.loads, arguments_of(file, "CMD"))
    assert program == ["mtsmart"]
    if arguments == ["--help"]:
        return
    name, *rest = arguments
    command = whole_command().commands[name]
    found = command.make_context(name, rest).params  # It refuses flags that there are not.
    assert found["port"] == int(*arguments_of(file, "EXPOSE")) == command.make_context(name, ["run"]).params["port"]
    assert f":{found['port']}/health" in arguments_of(file, "HEALTHCHECK")[0]


def test_the_page_names_both_and_what_they_do(file):
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert f"docker/{file.name}" in page
    if file.stem != "train":
        (arguments,) = map(json.loads, arguments_of(file, "CMD"))
        assert f":{arguments[1]}:ro" in page


def test_nothing_of_a_users_runs_goes_along():
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    assert rules[1] == "*"
    assert not any(fnmatch(name, rule[1:]) for name in ("runs", ".git", ".venv") for rule in rules if rule[0] == "!")
