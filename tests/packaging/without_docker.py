"""Runs what a Dockerfile says, without Docker: its paths lie below a folder, and its Python is the one of the tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TOP = ("/opt", "/source", "/work")  # the folders of an image that the files name
_WITHOUT_EFFECT = ("ARG", "FROM", "USER", "EXPOSE")  # USER: tests may not change to another user


@dataclass
class Image:
    """What the steps of a Dockerfile have made.

    Attributes:
        root: the folder that stands for the image's root.
        environment: the environment of its commands.
        work: the folder in which they run.
        entry: the command's first words.
        health: the command that says whether it is well; empty if there is none.
    """

    root: Path
    environment: dict[str, str]
    work: Path
    entry: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def placed(self, text: str) -> str:
        """A text with the image's paths below its root."""
        for top in _TOP:
            text = text.replace(f"{top}/", f"{self.root}{top}/")
        return text

    def program(self, name: str) -> str:
        """The path of a program in the image."""
        found = shutil.which(name, path=self.environment["PATH"])
        assert found is not None and found.startswith(str(self.root)), (name, found)
        return found


def built(steps: list[tuple[str, str]], root: Path) -> Image:
    """An image after all steps. Both stages of a file share the folder, so what is copied between them is there."""
    image = Image(root, {"PATH": os.environ["PATH"], "HOME": str(root)}, root)
    programs = root / "python"  # The name that an image's Python has.
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    for word, rest in steps:
        if word not in _WITHOUT_EFFECT:
            _STEPS[word](image, rest)
    return image


def _run(image: Image, command: str) -> None:
    command = command.replace('--index-url "$TORCH_INDEX"', "").replace(
        "--index-url https://download.pytorch.org/whl/cpu", ""
    )
    words = image.placed(command)
    path = f"{image.root / 'python'}:{image.environment['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", words],
        cwd=image.work,
        env={**_for_pip(), **image.environment, "PATH": path},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def _for_pip() -> dict[str, str]:
    """Where this machine's packages come from."""
    return {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "http", "HTTP", "SSL_"))}


def _copy(image: Image, rest: str) -> None:
    if rest.startswith("--from="):
        return
    *sources, target = rest.split()
    place = Path(image.placed(target))
    for source in sources:
        given = ROOT / source
        if given.is_dir():
            shutil.copytree(given, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(given, place / given.name)


def _workdir(image: Image, rest: str) -> None:
    image.work = Path(image.placed(f"{rest}/"))
    image.work.mkdir(parents=True, exist_ok=True)


def _env(image: Image, rest: str) -> None:
    for setting in rest.split():
        name, _, value = setting.partition("=")
        image.environment[name] = image.placed(value.replace("$PATH", image.environment["PATH"]))


def _entrypoint(image: Image, rest: str) -> None:
    image.entry = json.loads(rest)


def _cmd(image: Image, rest: str) -> None:
    image.entry = [*image.entry, *json.loads(rest)]


def _healthcheck(image: Image, rest: str) -> None:
    image.health = json.loads(rest.partition("CMD ")[2])


_STEPS = {
    "RUN": _run,
    "COPY": _copy,
    "WORKDIR": _workdir,
    "ENV": _env,
    "ENTRYPOINT": _entrypoint,
    "CMD": _cmd,
    "HEALTHCHECK": _healthcheck,
}
