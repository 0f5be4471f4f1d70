"""The architecture as a test: which module may import what, read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module may import its own layer and those further down; layers of one line do not know each other.
LAYERS = [
    ["gan.cli"],
    ["gan.jobs"],
    ["gan.bench"],
    ["gan.training"],
    ["gan.evaluation", "gan.explore"],
    ["gan.runs"],
    ["gan.machine", "gan.export"],
    ["gan.build", "gan.sampling"],
    ["gan.data", "gan.pictures", "gan.page"],
    ["gan.config", "gan.networks", "gan.storage"],
    ["gan.presets", "gan.effects", "gan.core", "gan.metrics"],
    ["gan.paths", "gan.settings"],
    ["gan.errors", "gan.silence", "gan.text"],
]
RANK = {layer: len(LAYERS) - i for i, line in enumerate(LAYERS) for layer in line}

FILE_SYSTEM = ["open", "os", "pathlib", "io", "shutil", "tempfile", "glob", "tensorflow.io"]
# Names that only the modules below the given prefixes may use.
RESERVED = {
    "tensorflow.distribute": ["gan.training.replicas"],
    "keras": ["gan.export", "gan.bench.programs"],
    "tensorflow.keras": ["gan.export"],
    "tf_keras": ["gan.export"],
    "absl.flags": ["gan.cli"],
    "absl.app": [],
    "werkzeug": ["gan.explore"],
    "gan.export": ["gan.export", "gan.jobs"],
}
# Names that the modules of a layer must not use, though they may lie below.
SHELL = ["absl", "tensorflow.summary", "gan.errors", "gan.settings", *FILE_SYSTEM]
NOT_IN = {
    "gan.core": SHELL,
    "gan.networks": [*SHELL, "gan.presets", "gan.effects", "gan.metrics"],
    "gan.metrics": SHELL,
    "gan.data": ["gan.config", "gan.settings", "gan.core", "gan.networks"],
}
# What is imported before the flags are parsed or without them, itself and through others, when this would cost seconds.
HEAVY = ["tensorflow", "keras", "matplotlib", "torch", "numpy"]
LIGHT = ["gan.cli", "gan.config", "gan.settings", "gan.jobs.requests", "gan.jobs.explore_request"]
LIGHT += ["gan.machine.startup", "gan.machine.versions"]
WITHOUT_TENSORFLOW = ["gan.jobs.preview", "gan.jobs.plot"]
NO_MODULE_NAMES = {"util", "utils", "helper", "helpers", "common", "misc"}


def violations(module: str, source: str) -> list[str]:
    """What is wrong with a module of this dotted name and source, one sentence each."""
    tree = ast.parse(source)
    found = []
    if ast.get_docstring(tree) is None:
        found.append("has no docstring")
    if module.rpartition(".")[2] in NO_MODULE_NAMES:
        found.append("has a name that says nothing")
    found += [f"has a parameter {name}, which is a function of its own" for name in _shadowed(tree)]
    used = set(_used_names(tree))
    found += [sentence for name in sorted(used) for sentence in _judge(module, name)]
    return found


def init_violations(source: str) -> list[str]:
    """What is in an `__init__.py` besides a docstring and a version."""
    docstring, *rest = ast.parse(source).body or [None]
    wrong = [] if isinstance(docstring, ast.Expr) else ["begins without a docstring"]
    for node in rest:
        if not (isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__version__"]):
            wrong.append(f"holds code in line {node.lineno}")
    return wrong


def _shadowed(tree: ast.Module) -> list[str]:
    """Parameters, anywhere in a module, that have the name of one of its functions or classes."""
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    parameters = [a.arg for f in functions for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs)]
    return sorted(own & set(parameters))


def _judge(module: str, name: str) -> Iterator[str]:
    """The rules that the use of `name` in `module` breaks."""
    layer, target = _layer(module), _layer(name)
    if target and layer != target and RANK[target] >= RANK.get(layer, 0):
        yield f"imports {name}, which is not below it"
    if module == "gan.errors" and _in(name, "gan"):
        yield f"imports {name}; it stands below everything"
    for reserved, owners in RESERVED.items():
        if _in(name, reserved) and not any(_in(module, owner) for owner in owners):
            yield f"names {name}, which belongs to {', '.join(owners) or 'nobody'}"
    for foreign in NOT_IN.get(layer, []):
        if _in(name, foreign):
            yield f"names {name}, which {layer} must not know"
    if name.startswith("."):
        yield "imports by a relative name"


def _layer(name: str) -> str:
    return next((layer for layer in RANK if _in(name, layer)), "")


def _in(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def _imports(nodes: list[ast.stmt]) -> Iterator[str]:
    """Dotted names that these statements import: `from a.b import c` is a.b.c."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def _used_names(tree: ast.Module) -> Iterator[str]:
    """Imported names, full names of attributes of imported modules (tf.io.gfile), and calls of `open`."""
    aliases = {}
    for node in ast.walk(tree):
        yield from _imports([node])
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]  # what `import a.b` binds
                aliases |= {alias.asname: alias.name} if alias.asname else {top: top}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            aliases |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            top, _, rest = ast.unparse(node).partition(".")
            if top in aliases:
                yield f"{aliases[top]}.{rest}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            yield "open"


MODULES = sorted(path for path in (ROOT / "gan").rglob("*.py") if path.name != "__init__.py")
INITS = sorted((ROOT / "gan").rglob("__init__.py"))


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=_dotted)
def test_module_keeps_to_its_layer(path):
    assert violations(_dotted(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", INITS, ids=_dotted)
def test_init_holds_only_docstring_and_version(path):
    assert init_violations(path.read_text(encoding="utf-8")) == []


def test_every_folder_is_a_package():
    assert {path.parent for path in MODULES} <= {path.parent for path in INITS}


def _known(name: str, modules: dict) -> str:
    """The module of this project that an imported name is, or is in; empty for any other."""
    return next((known for known in (name, name.rpartition(".")[0]) if known in modules), "")


def arrows(sources: dict[str, str], everywhere: bool) -> dict[str, set[str]]:
    """What each module imports, `everywhere` or only while it is imported; other packages by their own names."""
    found = {}
    for module, source in sources.items():
        tree = ast.parse(source)
        names = set(_imports(list(ast.walk(tree)) if everywhere else tree.body))
        found[module] = {_known(name, sources) or name for name in names} - {module}
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a ring, the first that is found; empty where there is none."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return path[path.index(module) :]
        if module in done or module not in graph:
            return []
        for below in sorted(graph[module]):
            if ring := visit(below, [*path, module]):
                return ring
        done.add(module)
        return []

    return next((ring for module in sorted(graph) if (ring := visit(module, []))), [])


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """Every name that importing the module `start` imports."""
    seen, pending = set(), [start]
    while pending:
        for below in graph.get(pending.pop(), ()):
            if below not in seen:
                seen.add(below)
                pending.append(below)
    return seen


SOURCES = {_dotted(path): path.read_text(encoding="utf-8") for path in MODULES}


def test_no_modules_import_each_other_in_a_circle():
    assert circle(arrows(SOURCES, everywhere=True)) == []
    assert circle({"a": {"b"}, "b": {"c", "numpy"}, "c": {"b"}}) == ["b", "c"]


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [(LIGHT, HEAVY), (WITHOUT_TENSORFLOW, ["tensorflow", "keras"])],
    ids=["light", "no tensorflow"],
)
def test_what_is_imported_early_is_light(modules, heavy):
    graph = arrows(SOURCES, everywhere=False)
    early = [module for module in graph if any(_in(module, prefix) for prefix in modules)]
    assert len(early) >= len(modules)
    found = {module: [n for n in reached(graph, module) if any(_in(n, name) for name in heavy)] for module in early}
    assert {module: names for module, names in found.items() if names} == {}
    assert "tensorflow" in reached(graph, "gan.jobs.train")


BAD = [
    ("gan.core.step", "from gan import config"),
    ("gan.core.step", "import gan.data.batches"),
    ("gan.core.step", "from gan.errors import UserError"),
    ("gan.core.step", "import os"),
    ("gan.core.step", "from pathlib import Path"),
    ("gan.core.step", "x = open('file')"),
    ("gan.core.step", "import tensorflow as tf\ntf.summary.scalar('x', 1)"),
    ("gan.core.step", "import tensorflow as tf\ntf.io.gfile.exists('x')"),
    ("gan.core.step", "import tensorflow as tf\ndef f():\n    return tf.distribute.get_replica_context()"),
    ("gan.core.step", "from tensorflow import keras"),
    ("gan.core.step", "from absl import logging"),
    ("gan.core.step", "from . import losses"),
    ("gan.core.utils", "x = 1"),
    ("gan.core.step", "def step(): pass\ndef run(step): pass"),
    ("gan.metrics.frechet", "from gan.core import tree"),
    ("gan.metrics.frechet", "import shutil"),
    ("gan.data.batches", "from gan.core import rng"),
    ("gan.data.batches", "def f():\n    from gan.config import Config"),
    ("gan.config", "from gan import build"),
    ("gan.build", "import gan.training.loop"),
    ("gan.training.loop", "from gan.cli import command"),
    ("gan.training.loop", "from gan.export import keras"),
    ("gan.training.loop", "import tensorflow as tf\ntf.distribute.MirroredStrategy()"),
    ("gan.training.loop", "import tensorflow as tf\ntf.keras.Model()"),
    ("gan.training.loop", "import keras"),
    ("gan.training.loop", "from absl import flags"),
    ("gan.training.loop", "from absl.flags import FLAGS"),
    ("gan.errors", "from gan import config"),
]


@pytest.mark.parametrize(("module", "source"), BAD)
def test_checker_finds(module, source):
    assert len(violations(module, f'"""Text."""\n{source}\n')) >= 1


def test_checker_wants_docstrings():
    assert violations("gan.core.step", "x = 1") == ["has no docstring"]


GOOD = [
    ("gan.core.step", "import tensorflow as tf\nfrom gan.core import rng\ntf.nn.relu(1)"),
    ("gan.data.folders.folder", "import os\nfrom gan.errors import UserError\nopen('file')"),
    ("gan.build", "from gan import config\nfrom gan.core import step\nfrom gan.data import sources"),
    ("gan.training.replicas", "import tensorflow as tf\ntf.distribute.MirroredStrategy()"),
    ("gan.export.networks", "import keras\nfrom gan import build"),
    ("gan.cli.train", "from absl import flags\ndef main():\n    from gan.jobs import train"),
    ("gan.cli.command", "def f():\n    import tensorflow as tf"),
]


@pytest.mark.parametrize(("module", "source"), GOOD)
def test_checker_accepts(module, source):
    assert violations(module, f'"""Text."""\n{source}\n') == []


def test_checker_of_inits():
    assert init_violations('"""Text."""\n__version__ = "1"\n') == []
    assert init_violations('"""Text."""\nfrom gan import config\n') == ["holds code in line 2"]
    assert init_violations("import os\n") == ["begins without a docstring"]
