"""Nothing in the package runs or unpickles what it reads, and code that comes with an encoder has a knob of its own."""

import ast

import pytest

from tests.package_source import MODULES, PACKAGE, dotted

FORBIDDEN = {
    "eval",
    "exec",
    "compile",
    "__import__",
    *(f"builtins.{name}" for name in ("eval", "exec", "compile", "__import__")),
    *("os.system", "os.popen", "os.execv", "subprocess", "runpy"),
    *("pickle", "_pickle", "marshal", "dill", "cloudpickle", "joblib", "shelve"),
    *(f"yaml.{name}" for name in ("load", "load_all", "unsafe_load", "unsafe_load_all", "full_load", "full_load_all")),
    *("yaml.Loader", "yaml.UnsafeLoader", "yaml.FullLoader", "yaml.CLoader"),
    *("numpy.load", "pandas.read_pickle", "torch.hub", "torch.package", "torch.jit.load"),
    *("torch.load", "torch.serialization"),
}


def dangers(source: str) -> list[str]:
    """Mentions of what runs or unpickles what it is given, called or not, under whatever name it was imported.

    ``torch.load`` is none where it is called with ``weights_only=True``.
    """
    tree, names, found = ast.parse(source), {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names |= {alias.asname or alias.name: prefix + alias.name for alias in node.names}
            found += [
                f"line {node.lineno}: {prefix}{a.name}"
                for a in node.names
                if _is_forbidden(prefix + a.name) and prefix + a.name != "torch.load"
            ]
    safe = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and _loads_weights_only(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            first, _, rest = dotted(node).partition(".")
            name = names.get(first, first) + (f".{rest}" if rest else "")
            if _is_forbidden(name) and id(node) not in safe:
                found.append(f"line {node.lineno}: {name}")
    return found


def _is_forbidden(name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:count]) in FORBIDDEN for count in range(1, len(parts) + 1))


def _loads_weights_only(call: ast.Call) -> bool:
    only = {keyword.arg: keyword.value for keyword in call.keywords}.get("weights_only")
    return dotted(call.func).endswith("load") and isinstance(only, ast.Constant) and only.value is True


def test_nothing_runs_or_unpickles_what_it_reads():
    found = {str(path.relative_to(PACKAGE)): dangers(path.read_text()) for path in MODULES}
    assert not {path: of_file for path, of_file in found.items() if of_file}


def test_code_that_comes_with_an_encoder_is_for_its_own_knob_alone():
    """Where the flag is set: the knob, the encoder that it goes to, and where a run's own word for it is left out.

    The card of an exported model and the line of `export` tell their reader about the flag, which sets nothing here.
    """
    flag = "trust_remote_code"
    knobs = {"config/sections.py", "models/loading.py", "runs/finetune.py", "merging/members.py"}
    texts = {"reporting/model_card.py", "cli/sharing/export.py"}
    mentions = {path.relative_to(PACKAGE).as_posix() for path in MODULES if flag in path.read_text()}
    assert mentions == knobs | texts
    named = ("arg", "attr", "id", "value")  # of keywords, attributes, names and whole strings
    rooms = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if any(getattr(node, name, None) == flag for node in ast.walk(ast.parse(path.read_text())) for name in named)
    }
    assert rooms == knobs


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "import builtins\nbuiltins.eval('1')",
        "map(eval, xs)",
        "import pickle as p\np.load(f)",
        "import pickle\ngetattr(pickle, 'loads')(b)",
        "from pickle import loads as read\nread(b)",
        "import yaml\nyaml.load(s, Loader=yaml.SafeLoader)",
        "import yaml\nyaml.Loader(s).get_data()",
        "import torch\ntorch.load(f)",
        "import torch\nf = torch.load\nf(x)",
        "import torch\ntorch.load(f, weights_only=False)",
        "from torch import load\nload(f)",
        "from torch.serialization import load as read\nread(f)",
        "import subprocess\nsubprocess.run(c, shell=True)",
    ],
)
def test_such_mentions_are_found(source):
    assert dangers(source)


def test_what_is_harmless_is_not():
    assert not dangers(
        "import torch, ast\ntorch.load(f, weights_only=True)\nast.literal_eval(s)\nmodel.eval()\nre.compile('x')"
    )
