"""The shape of the package: imports go downward, no cycles, every registry entry is tested, every YAML validates."""

import ast
from pathlib import Path

import pytest

import mtsmart

PACKAGE = Path(mtsmart.__file__).parent
ROOT = PACKAGE.parent
# From the ground up; a module may import from its own room and from rooms before it.
ROOMS = [
    ["errors", "hardware", "log", "random_state", "resources"],
    ["durable", "processes", "registry"],
    ["config"],
    ["tasks"],
    ["losses", "metrics", "runs"],
    ["data"],
    ["cpu"],
    ["models"],
    ["task_types"],
    ["prepared_task"],
    ["evaluation"],
    ["regularizers"],
    ["distill"],
    ["training"],
    ["reporting"],
    ["serving"],
    ["api"],
    ["sweeps"],
    ["cli"],
    ["__main__", "__init__"],
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Dotted names inside mtsmart that a module imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
        found |= {name for name in names if name.split(".")[0] == "mtsmart"}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downward(path):
    for name in imports_of(path):
        parts = name.split(".")
        if len(parts) > 1 and parts[1] in LEVEL:
            target, own = parts[1], room_of(path)
            allowed = target == own if LEVEL[target] == LEVEL[own] else LEVEL[target] < LEVEL[own]
            assert allowed, f"{path.relative_to(ROOT)} ({own}) imports {name} ({target})"


def test_every_room_has_a_level():
    assert {room_of(path) for path in MODULES} <= set(LEVEL)


def test_no_import_cycle():
    """Depth-first over modules, function-level imports included."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES
    }
    state: dict[str, int] = {}

    def visit(name: str, trail: list[str]) -> None:
        if state.get(name) == 2:
            return
        assert state.get(name) != 1, " -> ".join([*trail, name])
        state[name] = 1
        package = name.rpartition(".")[0]
        for target in imports_of(modules[name]):
            if target in modules and target not in (name, package):
                visit(target, [*trail, name])
        state[name] = 2

    for name in modules:
        if name != "mtsmart":
            visit(name, [])


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_stay_short(path):
    assert len(path.read_text().splitlines()) <= 400


def test_trainer_names_no_task_type_and_no_regulariser():
    from mtsmart.regularizers import REGULARIZERS
    from mtsmart.task_types import TASK_TYPES

    for path in (PACKAGE / "training").glob("*.py"):
        names = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not names & {*TASK_TYPES, *REGULARIZERS}, path.name


def test_every_registry_entry_is_tested():
    """Each name of each registry appears in a test."""
    from mtsmart.losses import CRITERIA, DIVERGENCES
    from mtsmart.metrics import METRICS
    from mtsmart.models.heads import HEADS
    from mtsmart.regularizers import REGULARIZERS
    from mtsmart.task_types import TASK_TYPES

    text = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__))
    for registry in (CRITERIA, DIVERGENCES, METRICS, HEADS, REGULARIZERS, TASK_TYPES):
        for name in registry:
            assert name in text, f"{registry.kind} '{name}' is in no test"


def test_packages_in_setup_cfg_are_all_packages():
    import configparser

    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    listed = set(parser["options"]["packages"].split())
    real = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert listed == real | {"mtsmart.shipped.tasks", "mtsmart.shipped.experiments"}


def test_every_shipped_task_is_valid():
    from mtsmart.task_types import build_tasks
    from mtsmart.tasks import TaskLibrary

    library = TaskLibrary()
    tasks = build_tasks({name: library.entry(name) for name in library})
    glue = {"cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "mnli_mismatched", "qnli", "rte", "wnli", "ax"}
    assert {*glue, "snli", "scitail", "anli_r1", "anli_r2", "anli_r3", "hans"} <= set(tasks)


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


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a name or attribute; empty for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{inner}.{node.attr}" if isinstance(node, ast.Attribute) and (inner := dotted(node.value)) else ""


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
    return any(name == one or name.startswith(f"{one}.") for one in FORBIDDEN)


def _loads_weights_only(call: ast.Call) -> bool:
    only = {keyword.arg: keyword.value for keyword in call.keywords}.get("weights_only")
    return dotted(call.func).endswith("load") and isinstance(only, ast.Constant) and only.value is True


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_runs_or_unpickles_what_it_reads(path):
    assert dangers(path.read_text()) == []


def test_code_that_comes_with_an_encoder_is_for_its_own_knob_alone():
    """Where the flag is set: the knob, the encoder that it goes to, and where a run's own word for it is left out."""
    rooms = {path.relative_to(PACKAGE).as_posix() for path in MODULES if "trust_remote_code" in path.read_text()}
    assert rooms == {"config/sections.py", "models/encoder.py", "runs/finetune.py"}


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
