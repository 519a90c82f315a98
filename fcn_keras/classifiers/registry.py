"""The table of classifiers: the builder, preprocessing and smallest size of each name.

A name is Keras's function name; case and underscores do not matter.
"""

import inspect
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fcn_keras.checkpoints import CheckpointError
from fcn_keras.classifiers import applications
from fcn_keras.classifiers import efficientnet_lite as lite
from fcn_keras.classifiers.alexnet import HEAD as ALEXNET_HEAD
from fcn_keras.classifiers.alexnet import alexnet
from fcn_keras.classifiers.googlenet import googlenet
from fcn_keras.classifiers.resnet_slim import resnet_slim
from fcn_keras.classifiers.resnet_v1_5 import resnet50_v1_5, resnet101_v1_5
from fcn_keras.classifiers.vgg_slim import HEAD as SLIM_HEAD
from fcn_keras.classifiers.vgg_slim import vgg_slim
from fcn_keras.classifiers.weights_files import check_weights_file, no_weights_of
from fcn_keras.data_format import channels_last
from fcn_keras.named_rows import row_named


@dataclass(frozen=True)
class Classifier:
    """A registered classifier.

    Attributes:
        name: Registered name.
        build: Keras's builder: `build(include_top=, weights=, input_shape=, ...)`.
        preprocess: Mode of `layers.Preprocess` that its ImageNet weights expect; None where the
            classifier scales its pixels itself.
        imagenet: Whether ImageNet weights are published.
        size: Native height and width of the classifier with its top.
        smallest: Smallest height and width it takes.
        head: Filters of fc6 and fc7 where they follow a Flatten and become the FCN's head; else ().
        window: Rows and columns of fc6.
        dropout: Dropout rate after fc6 and fc7 in an FCN.
        built_at: Height and width that a net without top is built at, where its layers depend on
            them (NASNet's paddings); None: open.
        average_window: Rows and columns of the average pooling in front of the scores that
            alignment="caffe" keeps as a window of stride 1; 0: none.
        imagenet_or_error: Whether weights="imagenet" is an error where there are none. Otherwise
            the net starts from random weights, with a note.

    Example:

    ```python
    row = fcn_keras.classifiers.get("vgg_slim")
    classifier = row.build(weights=None, classes=10, input_shape=(64, 64, 3))
    ```
    """

    name: str
    build: Callable
    preprocess: str | None
    imagenet: bool = True
    size: int = 224
    smallest: int = 32
    head: tuple[int, ...] = ()
    window: int = 7
    dropout: float = 0.5
    built_at: int | None = None
    average_window: int = 0
    imagenet_or_error: bool = False

    @channels_last()
    def load(self, weights, channels=3, with_top=False):
        """Builds the classifier with its weights.

        Args:
            weights: None (random), "imagenet", or the path of a weights file.
            channels: Channels of its images.
            with_top: Whether it has its top; it then has its native size.

        Returns:
            A functional `keras.Model`.

        Raises:
            FileNotFoundError: for a weights file that does not exist, or ImageNet weights that
                cannot be downloaded; the message says where to put them.
            ValueError: for weights that do not fit.
        """
        side = self.size if with_top else self.built_at
        shape = (side, side, channels)
        options = {"include_top": with_top, "weights": weights, "input_shape": shape}
        if channels != 3 and "include_preprocessing" in inspect.signature(self.build).parameters:
            options["include_preprocessing"] = False  # its means are those of three colours
        if weights not in (None, "imagenet"):
            check_weights_file(weights, self.name)
        with warnings.catch_warnings():
            # What Keras could not load it says once more in its error.
            warnings.filterwarnings("ignore", "Skipping nested container")
            try:
                return self.build(**options)
            except (CheckpointError, FileNotFoundError, MemoryError):
                raise
            except Exception as error:
                if weights == "imagenet" and not isinstance(error, ValueError):
                    raise FileNotFoundError(_where_to_put(self, error)) from error
                if weights in (None, "imagenet"):
                    raise
                net = f"{self.name} {'with' if with_top else 'without'} its top"
                raise ValueError(no_weights_of(weights, net, error)) from error


_TABLE = (
    *(Classifier(**row) for row in applications.rows()),
    Classifier(
        "alexnet", alexnet, "caffe", False, size=227, smallest=39, head=ALEXNET_HEAD, window=6
    ),
    *(
        Classifier(
            name,
            # In a net the pixels are scaled before they are padded.
            partial(getattr(lite, name), include_preprocessing=False),
            "lite",
            imagenet=name in lite.PACKAGES,
            size=scale.size,
            dropout=scale.dropout,
            imagenet_or_error=True,
        )
        for name, scale in lite.SCALES.items()
    ),
    Classifier("googlenet", googlenet, "caffe", False, smallest=31, dropout=0.4, average_window=7),
    Classifier("resnet50_v1_5", resnet50_v1_5, "torch", smallest=1),
    Classifier("resnet101_v1_5", resnet101_v1_5, "torch", smallest=1),
    Classifier("resnet_slim", resnet_slim, "tf", False),
    Classifier("vgg_slim", vgg_slim, "tf", False, head=SLIM_HEAD, dropout=0.1),
)


def names():
    """Returns the names of the registered classifiers, a list of str.

    Example:

    ```python
    for name in fcn_keras.classifiers.names():
        print(name)
    ```
    """
    return [row.name for row in _TABLE]


def get(name):
    """Returns the `Classifier` of a name; case, underscores and hyphens do not matter.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.

    Example:

    ```python
    fcn_keras.classifiers.get("MobileNetV2").size      # 224
    ```
    """
    instead = "A functional Keras model of your own can be passed instead of a name."
    return row_named(name, _TABLE, "There is no classifier", _plain, instead)


def _plain(name):
    return str(name).lower().replace("_", "").replace("-", "")


def _where_to_put(row, error):
    found = re.search(r"https?://\S+", str(error))
    url = found.group(0).rstrip(":;,.") if found else "(Keras gave no address)"
    home = os.environ.get("KERAS_HOME") or os.path.expanduser(os.path.join("~", ".keras"))
    folder = os.path.join(home, "models")
    return (
        f"The ImageNet weights of {row.name} are not on this machine and could not be downloaded. "
        f"Keras needs {os.path.basename(url)} from {url}. Put that file into {folder}, or pass "
        "weights=None to start from random weights, or weights='path/to/file'."
    )
