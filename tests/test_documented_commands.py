"""Each command that a page names is one of the real command line, with flags that it has."""

import configparser
import re

import pytest
import typer.main

from mtsmart.cli.app import app
from mtsmart.config.loader import find_experiment, load_experiment
from tests.package_source import ROOT

PAGES = {page.name: page.read_text(encoding="utf-8") for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))}
del PAGES["CHANGELOG.md"]  # It also names what earlier versions had.
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
COMMANDS = typer.main.get_command(app)


def written(page):
    """The lines of the blocks without a language, without comments, and what stands in backquotes."""
    blocks = [text for language, text in BLOCK.findall(page) if not language]
    lines = [line.partition("  #")[0] for block in blocks for line in block.splitlines()]
    return [text.strip() for text in [*lines, *SPAN.findall(BLOCK.sub("", page))]]


def commands(page):
    """Each command of mtsmart on a page, in words; brackets and dots are no part of it."""
    starts = (text.split(" -m mtsmart ", 1)[-1].removeprefix("mtsmart ") for text in written(page) if is_command(text))
    return [re.sub(r"\.\.\.|[\[\]]", " ", text).replace("\\|", "|").split() for text in starts]


def is_command(text):
    return text.startswith("mtsmart ") or " -m mtsmart " in text


def check(words):
    """Follow the groups down to a command, and let it read its flags."""
    command = COMMANDS
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        assert words[0] in command.commands, f"{command.name} has no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    context = command.context_class(command, info_name=command.name)
    command.make_parser(context).parse_args(list(words))


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_exist(page):
    for words in commands(PAGES[page]):
        try:
            check(words)
        except Exception as error:
            raise AssertionError(f"{page}: mtsmart {' '.join(words)}: {error}") from error


def test_wrong_commands_are_found():
    page = "`mtsmart train x --output-dir d`\n```\nmtsmart train x --outputs d  # text\nmtsmart trian x\n```\n"
    assert commands(page) == [["train", "x", "--outputs", "d"], ["trian", "x"], ["train", "x", "--output-dir", "d"]]
    check(["train", "x", "--output-dir", "d"])
    for words in (["train", "x", "--outputs", "d"], ["trian", "x"], ["tasks", "shows"]):
        with pytest.raises(Exception, match="--outputs|trian|shows"):
            check(words)


def test_the_readme_trains_experiments_and_settings_that_exist():
    readme = PAGES["README.md"]
    trained = [words[1:] for words in commands(readme) if words[0] in ("train", "sweep") and len(words) > 1]
    shipped = [words for words in trained if not words[0].startswith(("my_", "reviews_"))]
    assert ["quickstart"] in shipped
    settings = [text.split() for text in written(readme) if re.fullmatch(r"\w[\w.]*=\S+( \w[\w.]*=\S+)*", text)]
    assert ["smart=tuned", "mbpp=tuned"] in settings
    for name, *overrides in [*shipped, *(["quickstart", *each] for each in settings)]:
        load_experiment(find_experiment(name), overrides)


def test_the_extras_scripts_and_make_targets_that_pages_name_exist():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    makefile = (ROOT / "Makefile").read_text()
    found = {"extra": 0, "script": 0, "target": 0}
    for page in PAGES.values():
        for text in written(page):
            extra = re.match(r"pip install \S*(?:\.|mtsmart)\[([\w-]+)\]", text)
            script = re.match(r"python ((?:docs|benchmarks|experiments|tasks)/\S+\.py)", text)
            target = re.match(r"make ([a-z-]+)", text)
            found["extra"] += extra is not None
            found["script"] += script is not None
            found["target"] += target is not None
            assert extra is None or extra[1] in parser["options.extras_require"], text
            assert script is None or (ROOT / script[1]).is_file(), text
            assert target is None or f"\n{target[1]}:" in makefile, text
    assert min(found.values()) > 2
