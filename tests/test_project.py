"""The project as a whole: what is installed, what it needs, and which way its imports run."""

import ast
import importlib
import importlib.metadata
import pkgutil
import re
import runpy
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import setuptools
import yaml
from packaging.requirements import Requirement

import fcn_keras

ROOT = Path(__file__).resolve().parents[1]
FLOORS = (  # an import may go to its own line or to one further down
    {"cli", "__main__"},
    {"export"},
    {"training", "inference", "published"},
    {"models", "data", "visualize"},
    {"classifiers", "surgery"},
    {"layers", "losses", "metrics"},
    {"geometry", "crf"},
    {
        "checkpoints",
        "checks",
        "data_format",
        "ignore",
        "keras_internals",
        "labels",
        "named_rows",
        "options",
        "precision",
        "progress",
        "tasks",
        "text_files",
        "threads",
    },
)
IMPORT_NAMES = {
    "ai-edge-litert": "ai_edge_litert",
    "griffelib": "griffe",
    "grpcio": "grpc",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "protobuf": "google",
    "pyyaml": "yaml",
    "pytest-xdist": "xdist",
    "scikit-learn": "sklearn",
    "tensorflow-datasets": "tensorflow_datasets",
    "tensorflow-serving-api": "tensorflow_serving",
}


@pytest.fixture(scope="module")
def setup_arguments():
    """What setup.py hands to setuptools."""
    given = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(setuptools, "setup", lambda **arguments: given.update(arguments))
        runpy.run_path(str(ROOT / "setup.py"))
    return given


def test_version_is_the_same_everywhere(setup_arguments):
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert fcn_keras.__version__ == citation["version"]
    assert fcn_keras.__version__ == setup_arguments["version"]
    assert fcn_keras.__version__ == importlib.metadata.version("fcn_keras")
    assert fcn_keras.__version__ == re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)[1]


def test_every_package_is_installed(setup_arguments):
    expected = set()
    for folder, name in (("fcn_keras", "fcn_keras"), ("export", "fcn_keras.export")):
        for init in (ROOT / folder).rglob("__init__.py"):
            expected.add(".".join([name, *init.parent.relative_to(ROOT / folder).parts]))
    assert set(setup_arguments["packages"]) == expected
    for module in (ROOT / "fcn_keras").rglob("*.py"):
        assert (module.parent / "__init__.py").exists(), f"{module.parent} is not a package"


def test_exporters_are_a_part_of_the_library():
    assert Path(fcn_keras.export.__file__).parent == ROOT / "export"


def test_pins_fit_the_ranges(setup_arguments):
    pins, publish = _pins("requirements.txt"), _pins("requirements-publish.txt")
    extras = setup_arguments["extras_require"]
    for requirement in map(Requirement, setup_arguments["install_requires"] + extras["dev"]):
        assert requirement.specifier.contains(pins[requirement.name]), requirement
    for requirement in map(Requirement, extras["docs"] + extras["release"]):
        assert requirement.specifier.contains(publish[requirement.name]), requirement
    assert not pins.keys() & publish.keys()


def test_everything_imported_is_declared(setup_arguments):
    """The library needs its core dependencies, export/ may use its extras, tests the dev ones."""
    core = _modules(setup_arguments["install_requires"])
    extras = setup_arguments["extras_require"]
    backends = {"jax", "torch"}  # of which Keras has loaded the one it runs on
    for folders, allowed in (
        (("fcn_keras",), core | backends | _modules(extras["pretrained"] + extras["video"])),
        (("examples",), core | _modules(extras["video"])),
        (("export",), core | _modules(extras["serving"] + extras["edge"])),
        (("website",), core | _modules(extras["docs"])),
        (("tests", "benchmarks"), core | _modules(extras["dev"]) | {"setuptools", "packaging"}),
    ):
        known = allowed | sys.stdlib_module_names | {"fcn_keras"}
        for folder in folders:
            for path in (ROOT / folder).rglob("*.py"):
                places = [path.parent, *([ROOT / "tests" / "support"] if folder == "tests" else [])]
                siblings = {other.stem for place in places for other in place.glob("*.py")}
                unknown = {name.partition(".")[0] for name in _imports(path)} - known - siblings
                if path.name.startswith("make_"):  # writes files that the tests read
                    unknown -= {"efficientnet_lite_pytorch", "torch", "torchvision"}
                assert not unknown, f"{path.relative_to(ROOT)} imports {sorted(unknown)}"


def test_imports_run_downward():
    floor = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
    files = [(p, p.relative_to(ROOT / "fcn_keras")) for p in (ROOT / "fcn_keras").rglob("*.py")]
    files += [(p, p.relative_to(ROOT)) for p in (ROOT / "export").rglob("*.py")]
    pairs = set()
    for path, inside in files:
        room = inside.with_suffix("").parts[0]
        if room == "__init__":
            continue
        for name in _imports(path):
            target = (name.split(".") + [""])[1] if name.startswith("fcn_keras.") else room
            if target in floor and target != room:
                assert floor[target] >= floor[room], f"{inside} imports {name}"
                pairs.add((room, target))
    circles = {tuple(sorted(pair)) for pair in pairs if pair[::-1] in pairs}
    assert not circles


@pytest.mark.backend
@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow is there")
def test_every_module_is_imported_without_tensorflow():
    for module in pkgutil.walk_packages(fcn_keras.__path__, "fcn_keras."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert "tensorflow" not in sys.modules


@pytest.mark.backend
@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow is there")
def test_runs_without_tensorflow():
    """Where `import tensorflow` raises ModuleNotFoundError: conftest.py."""
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("tensorflow")
    start = keras.Input((64, 64, 3))
    x = start
    for _ in range(5):
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(x)
    x = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x))
    model = fcn_keras.fcn8s(3, keras.Model(start, x))
    assert model(np.zeros((1, 40, 50, 3), "uint8")).shape == (1, 40, 50, 3)
    labels = fcn_keras.segment(model, np.zeros((33, 47, 3), "uint8"))
    assert (labels.shape, labels.dtype) == ((33, 47), "uint8")
    with pytest.raises((ImportError, RuntimeError), match="(?i)tensorflow"):
        fcn_keras.export.export_saved_model(model, "unused")
    assert "tensorflow" not in sys.modules


def test_import_registers_every_serializable_class():
    """`import fcn_keras` is enough for keras.models.load_model, whatever the file was made with."""
    home = Path(fcn_keras.__file__).parent
    for path in home.rglob("*.py"):
        if "@keras.saving.register_keras_serializable" in path.read_text(encoding="utf-8"):
            parts = path.relative_to(home).with_suffix("").parts
            listed = {parts[0], ".".join(parts)} & {*fcn_keras._SERIALIZABLE}
            assert listed, f"{'/'.join(parts)}.py is not in _SERIALIZABLE of fcn_keras/__init__.py"


def _pins(name):
    """{package: version} of a file of requirements."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def _modules(requirements):
    names = (Requirement(line).name for line in requirements)
    return {IMPORT_NAMES.get(name, name) for name in names}


def _imports(path):
    """Dotted names of all modules (and names within) that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
