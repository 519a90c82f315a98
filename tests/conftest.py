"""What every test shares: quiet and reproducible backends, and where the real images are."""

import fcntl
import gc
import importlib.abc
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["MPLBACKEND"] = "Agg"

ROOT = Path(__file__).resolve().parents[1]
pytest_plugins = ["browser", "cpu_seconds", "distribution"]
ON_TENSORFLOW = os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow"
if not ON_TENSORFLOW:
    # JAX compiles every operation of these small nets, which is most of the time: this way less.
    QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    os.environ.setdefault("XLA_FLAGS", QUICK)
    # What one process has compiled the others read, and the next run: `make clean` removes it.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".pytest_cache" / "jax"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    sys.modules["etils.epath"] = None  # by which JAX would read it, and which needs TensorFlow


class NoTensorFlow(importlib.abc.MetaPathFinder):
    """Makes `import tensorflow` fail as on a machine that has none."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


if not ON_TENSORFLOW:
    sys.meta_path.insert(0, NoTensorFlow())


def pytest_ignore_collect(collection_path):
    """On another backend opens only the files with `backend` tests: others import tensorflow."""
    if ON_TENSORFLOW or not collection_path.name.startswith("test_"):
        return None
    return "mark.backend" not in collection_path.read_text(encoding="utf-8") or None


GROUPS = ("docs", "examples", "processes", "sweep", "training")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks what is in a group as `slow`; a test with `backend(GROUP)` is in that group on JAX."""
    for item in items:
        for marker in () if ON_TENSORFLOW else list(item.iter_markers("backend")):
            for group in marker.args:
                item.add_marker(group)
        if any(item.get_closest_marker(group) for group in GROUPS):
            item.add_marker("slow")


def pytest_collection_finish():
    """Collects garbage less often, and not among what the imports made."""
    gc.set_threshold(20_000, 10, 10)
    hide_what_is_there()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    """After each file, when its fixtures are gone, hides what is still there.

    After each test of the sweep its nets, which are wide, make room for the next.
    """
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path != item.path:
            hide_what_is_there()
        elif item.get_closest_marker("sweep"):
            gc.collect()


def hide_what_is_there():
    """Hides all objects from the garbage collector, which is a quarter of the tests' time.

    TensorFlow and Keras make a million objects that live as long as the process; each full
    collection (a conversion to TFLite demands one) would walk through them. What a test makes
    after this is collected as ever.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def keras():
    """Keras, imported before the time of the first test is taken."""
    import keras

    return keras


@pytest.fixture(autouse=True)
def seeded(keras):
    """Seeds Python, NumPy and the backend before each test; then precision is float32 again."""
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """`made_once(name, make)`: the folder that `make(folder)` fills, once for all processes.

    Whoever changes what is in it works on a copy.
    """
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def once(name, make):
        folder = root / "shared" / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.with_name(f"{name}.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
                try:
                    make(unfinished)
                    unfinished.rename(folder)
                finally:
                    shutil.rmtree(unfinished, ignore_errors=True)
        return folder

    return once


@pytest.fixture(scope="session")
def register_tiny_vgg():
    """`register_tiny_vgg(monkeypatch)`: VGG's five poolings, a narrow convolution before each."""
    import keras

    from fcn_keras.classifiers import registry

    def build(
        include_top=True, weights=None, input_shape=None, classes=5, classifier_activation="softmax"
    ):
        image = keras.Input(input_shape or (224 if include_top else None,) * 2 + (3,))
        x = image
        for block, filters in enumerate((4, 6, 8, 8, 8), start=1):
            convolution = keras.layers.Conv2D(filters, 3, padding="same", name=f"conv{block}_1")
            x = keras.layers.ReLU(name=f"conv{block}_1_relu")(convolution(x))
            x = keras.layers.MaxPooling2D(2, name=f"pool{block}")(x)
        if include_top:
            x = keras.layers.Flatten()(x)
            for name in ("fc6", "fc7"):
                x = keras.layers.Dense(8, activation="relu", name=name)(x)
            x = keras.layers.Dense(classes, classifier_activation, name="predictions")(x)
        model = keras.Model(image, x, name="tiny_vgg")
        if weights is not None:
            model.load_weights(weights)
        return model

    row = registry.Classifier("tiny_vgg", build, "tf", False, head=(8, 8), dropout=0.1)
    return lambda patch: patch.setattr(registry, "_TABLE", (*registry._TABLE, row))


@pytest.fixture
def tiny_vgg(register_tiny_vgg, monkeypatch):
    """The name "tiny_vgg", which is a registered classifier for this test."""
    register_tiny_vgg(monkeypatch)
    return "tiny_vgg"


@pytest.fixture(scope="session")
def data_root():
    """The folder of real images, $FCN_KERAS_DATA or ../shared; the test is skipped without it."""
    root = Path(os.environ.get("FCN_KERAS_DATA", ROOT.parent / "shared"))
    if not root.is_dir():
        pytest.skip(f"no real images: {root} does not exist (set FCN_KERAS_DATA to their folder)")
    return root


@pytest.fixture
def parts(tmp_path):
    """The data set of the documentation, tmp_path/parts: six images of three classes."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(6):
        for folder, shape in (("images", (64, 80, 3)), ("masks", (64, 80))):
            (tmp_path / "parts" / folder).mkdir(parents=True, exist_ok=True)
            values = rng.integers(0, 3 if folder == "masks" else 256, shape, "uint8")
            Image.fromarray(values).save(tmp_path / "parts" / folder / f"{number}.png")
    (tmp_path / "parts" / "classes.txt").write_text("belt\nwasher\nnut\n")
    return tmp_path / "parts"


@pytest.fixture
def in_a_hurry(monkeypatch):
    """Whatever trains, trains for one step; the digits are few."""
    import keras

    from fcn_keras.data import digits

    fit = keras.Model.fit
    monkeypatch.setattr(
        keras.Model,
        "fit",
        lambda *args, **given: fit(*args, **{**given, "steps_per_epoch": 1, "epochs": 1}),
    )
    monkeypatch.setattr(digits, "COUNTS", {split: 16 for split in digits.COUNTS})


@pytest.fixture
def command(capsys):
    """Runs the program in this process: `(exit code, output, errors)`."""
    from fcn_keras import cli

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main([str(word) for word in words])
        return left.value.code, *capsys.readouterr()

    return run
