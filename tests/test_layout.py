"""The rules of the tree: who may import what, what an import costs, what the public lists say."""

import ast
import json
import pathlib
import re
import runpy
import subprocess
import sys
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "lamina"
LEGACY = PACKAGE / "legacy"
FRAMEWORKS = {"jax", "jaxlib", "torch", "tensorflow", "keras", "flax"}
SOURCES = sorted(p for p in PACKAGE.rglob("*.py") if "backends" not in p.relative_to(PACKAGE).parts)


def imported(path):
    """The top-level packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def test_only_backends_import_a_framework():
    guilty = {str(p.relative_to(ROOT)): sorted(FRAMEWORKS & set(imported(p))) for p in SOURCES}
    assert {p: names for p, names in guilty.items() if names} == {}


def strings(path):
    """The string constants of a file that are code: docstrings and messages (which hold a space) left out."""
    tree = ast.parse(path.read_text())
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def test_no_code_outside_backends_names_a_backend():
    names = {"jax", "torch", "tensorflow", "numpy"}
    allowed = {
        "lamina/saving/weight_files.py": {"numpy"},  # the safetensors library's own word for arrays
        "lamina/training/feed/arrays.py": {"numpy"},  # the word of a data set's own protocol for arrays
        "lamina/training/feed/stream_feed.py": {"numpy"},  # a data set's own word again
        "lamina/callbacks/journal.py": {"numpy"},  # safetensors' word again
        "lamina/saving/divided.py": {"numpy"},  # and again
        "lamina/core/seeds.py": {"numpy"},  # the name of NumPy's own random state in a file
        "lamina/datasets/unpickling.py": {"numpy"},  # NumPy's own name, in pickles of its arrays
        "lamina/applications/imagenet.py": {"torch"},  # Keras's own word for a scale of images
        "lamina/applications/densenet.py": {"torch"},  # and the one that DenseNet has
        "lamina/ops/op.py": {"numpy"},  # the theme under which Keras files name an operation
    }
    guilty = {}
    for path in SOURCES:
        place = str(path.relative_to(ROOT))
        if LEGACY in path.parents:  # the folder that knows old names
            continue
        if found := (strings(path) & names) - allowed.get(place, set()):
            guilty[place] = found
    assert guilty == {}


# Public names of Keras that hold one.
PUBLIC = {"JaxLayer", "TorchModuleWrapper", "jax_state_sync"}
PROTOCOLS = {
    "__torch_function__",
    "__jax_array__",
    "__tf_tensor__",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
}  # an address; methods whose names a framework looks for
BRIDGES = {
    "lamina.backends.jax",
    "lamina.backends.tensorflow",
    "lamina.backends.torch",
}  # of layers/bridges.py
WORD = re.compile(r"(?<![a-z])(jax|torch|tensorflow)(?![a-z])|Jax|Torch|TensorFlow")


def code_words(path):
    """Names in the code, and strings without a space: not the sentences of docstrings and messages."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            yield node.value
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            if isinstance(word := getattr(node, field, None), str):
                yield word


def test_no_name_outside_backends_holds_that_of_a_backend():
    """Neither `is_torch`, nor `k.jax_only`, nor "torch.nn"."""
    guilty = {
        str(p.relative_to(ROOT)): {w for w in code_words(p) if WORD.search(w)} - PUBLIC - PROTOCOLS
        for p in SOURCES
        if LEGACY not in p.parents
    }
    for place in ("imagenet", "densenet"):
        guilty[f"lamina/applications/{place}.py"] -= {"torch"}  # Keras's own word for a scale of images
    # the words of a format of files, which are read where that framework is not installed
    guilty["lamina/saving/dcp.py"] = {w for w in guilty["lamina/saving/dcp.py"] if not w.startswith("torch.")}
    guilty["lamina/layers/bridges.py"] -= BRIDGES  # layers of one framework load its code from its folder
    assert {p: words for p, words in guilty.items() if words} == {}
    assert all(WORD.search(w) for w in ("is_torch", "jax_only", "torch.nn", "_TorchThing"))


OLD_NAME = re.compile(r"\b(tensorflow\.keras|tf_keras|keras\.engine|keras\.preprocessing|np_utils)\b")


def test_only_one_folder_knows_old_names():
    guilty = {}
    for path in set(SOURCES) - set(LEGACY.rglob("*.py")):
        if found := {w for w in code_words(path) if OLD_NAME.search(w)}:
            guilty[str(path.relative_to(ROOT))] = found
    assert guilty == {}
    assert any(OLD_NAME.search(w) for p in LEGACY.rglob("*.py") for w in code_words(p))


def test_arrows_go_down():
    """At import time: kernel knows no ops, ops no core, core no layers. (A deferred import inside a function is an
    upward call by name, used where Python's operators need ops or `add_weight` needs initializers.)"""
    above = {
        "kernel": {"ops", "core", "layers", "models", "training", "saving"},
        "ops": {"core", "layers", "models", "training", "saving"},
        "core": {"layers", "models", "training", "saving", "losses", "metrics", "optimizers"},
        "layers": {"models", "training", "saving"},
        "training": {"models"},
    }
    guilty = []
    for folder, forbidden in above.items():
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                module = node.module if isinstance(node, ast.ImportFrom) else None
                if module and module.startswith("lamina.") and module.split(".")[1] in forbidden:
                    guilty.append(f"{path.relative_to(ROOT)}: {module}")
    assert guilty == []


# What changes the process that Lamina is a guest in. Attributes of modules are given with their module.
EFFECTS = (
    r"os\.(putenv|unsetenv|sched_setaffinity|nice|umask|chdir)\(",
    r"os\.environ(\[[^]]*\] *=[^=]|\.(setdefault|update|pop|clear)\()",
    r"del os\.environ",
    r"signal\.(signal|setitimer|alarm|set_wakeup_fd)\(",
    r"gc\.(disable|enable|freeze|unfreeze|set_threshold|callbacks)\b",
    r"\b(mallopt|malloc_trim|setrlimit)\b",
    r"sys\.(meta_path|path_hooks|path\.(insert|append)|excepthook|set\w+)\b",
    r"sys\.modules\[[^]]*\] *=[^=]",
    r"jax\.config\.update|config\.update\(\"jax_",
    r"_dynamo\b",
    r"(TF_CPP|TORCHINDUCTOR|XLA_FLAGS|NPROC)\w*\"\] *=[^=]",
    r"\.(setLevel|addFilter)\(",
    r"torch\.set_(num_threads|default_\w+|grad_enabled)\(",
    r"np\.set(err|_printoptions)\(",
)


def test_only_one_file_touches_the_process():
    own = PACKAGE / "backends/process.py"
    guilty = []
    command = (
        PACKAGE / "commands/launch.py"
    )  # no guest: its process is its own, and the environment that of others
    for path in set(PACKAGE.rglob("*.py")) - {own, command}:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search("|".join(EFFECTS), re.sub(r"\bos as _os\b|_os\.", "os.", line)):
                guilty.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert guilty == []
    found = own.read_text()
    assert len([e for e in EFFECTS if re.search(e, found)]) >= 6  # the patterns do find such things


def test_effects_on_the_process_are_documented():
    from lamina.backends.process import EFFECTS

    page = (ROOT / "docs/backends.md").read_text()
    missing = [
        name
        for name, e in EFFECTS.items()
        if f"| `{name}` | {e.what} | {e.why} | {e.when} | {e.undone} |" not in page
    ]
    assert missing == []
    assert "LAMINA_LEAVE_PROCESS=1" in page


PROBE = """
import sys
before = set(sys.modules)
import lamina
new = set(sys.modules) - before
print(len(new), sorted(new & {"jax", "torch", "tensorflow", "keras", "numpy", "h5py", "optree", "rich"}))
"""


def test_importing_is_cheap_and_imports_no_framework():
    """Counted in modules, not seconds: the machine's load decides those."""
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    count, loaded = run.stdout.strip().split(" ", 1)
    assert int(count) <= 40
    assert loaded == "[]"


BUILD = """
import sys
import lamina
x = lamina.Input((4,))
y = lamina.layers.Dense(3, activation="relu")(x) + 1.0
lamina.Model(x, lamina.ops.mean(y, axis=-1)).summary(print_fn=lambda text: None)
print(sorted(set(sys.modules) & {"jax", "torch", "tensorflow"}))
"""


def test_building_a_model_imports_no_framework():
    run = subprocess.run([sys.executable, "-c", BUILD], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_every_name_in_the_stubs_exists():
    import lamina

    missing = []
    for stub in sorted(PACKAGE.rglob("__init__.pyi")):
        name = ".".join(stub.parent.relative_to(ROOT).parts)
        module = __import__(name, fromlist=["_"])
        for public in module.__all__:
            try:
                getattr(module, public)
            except (AttributeError, ImportError) as error:
                missing.append(f"{name}.{public}: {error}")
    assert missing == []
    assert lamina.__version__


def test_contract_is_small_and_listed():
    from lamina.kernel import contract

    assert len(contract.functions()) <= 220
    assert len(contract.functions(contract.EXTENSION)) <= 50
    page = (ROOT / "docs" / "kernel.md").read_text()
    assert page == runpy.run_path(str(ROOT / "docs" / "kernel.py"))["page"](), "run `python docs/kernel.py`"


def test_optional_dependencies_are_the_only_others():
    """Nothing but the eight run-time dependencies is imported at the top of a module."""
    runtime = {
        "numpy",
        "jax",
        "h5py",
        "ml_dtypes",
        "optree",
        "rich",
        "safetensors",
        "lazy_loader",
    }
    guilty = {}
    for path in SOURCES:
        names = set()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                names |= {a.name.split(".")[0] for a in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.split(".")[0])
        rest = names - runtime - set(sys.stdlib_module_names) - {"lamina", "__future__"}
        if rest:
            guilty[str(path.relative_to(ROOT))] = rest
    assert guilty == {}


def test_every_declared_dependency_is_used():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=!~;\[ ]", line)[0].replace("-", "_") for line in declared}
    used = {name for path in PACKAGE.rglob("*.py") for name in imported(path)}
    assert sorted(names - used) == []


API = ROOT.parent / "shared" / "api" / "keras_api.json"


@pytest.mark.skipif(not API.exists(), reason="the list of Keras's public names is not beside this checkout")
def test_public_names_are_those_of_keras():
    """What is there has the parameters of Keras; the share that is there may only grow."""
    sys.path.insert(0, str(API.parent))
    try:
        import conformance
    finally:
        sys.path.pop(0)
    wrong = {}
    for name, entry in json.loads(API.read_text()).items():
        gap = conformance.difference(name, entry)
        if gap and not gap.startswith("missing"):
            wrong[name] = gap
    assert wrong == {}
