"""The inputs of a net: one or several, the preprocessing of each, and the model over them."""

from dataclasses import dataclass

import keras

from fcn_keras.geometry.field import trace
from fcn_keras.layers import Preprocess
from fcn_keras.models.outputs import check_name, check_names, named, suffix_of

L = keras.layers
MODES = ("tf", "caffe", "torch", "lite")


@dataclass(frozen=True)
class Stream:
    """One input of a net.

    Attributes:
        name: Its name; None where it is the only one.
        image: KerasTensor (batch, H, W, channels), float32, values 0-255.
        preprocess: "tf", "caffe", "torch", "lite", a Keras layer, or None, as the builder was
            given it.
    """

    name: str | None
    image: keras.KerasTensor
    preprocess: object = None

    @property
    def channels(self):
        """Channels of the image."""
        return self.image.shape[-1]

    @property
    def suffix(self):
        """The end of the names of its layers."""
        return suffix_of(self.name)


def open_streams(input_shape, preprocess=None):
    """Returns the inputs of a net.

    Args:
        input_shape: (H, W, channels), or {input: shape}. H and W may be None.
        preprocess: "tf", "caffe", "torch", "lite", a Keras layer, or None, or {input: ...}.

    Returns:
        A list of `Stream`s, in the order of `input_shape`.

    Raises:
        ValueError: for shapes or names that are none, or inputs of different height or width.
    """
    shapes = input_shape if isinstance(input_shape, dict) else {None: input_shape}
    if not shapes:
        raise ValueError("`input_shape` is an empty dict: name at least one input.")
    for name, shape in shapes.items():
        check_name("input_shape", name)
        if len(shape) != 3 or not isinstance(shape[-1], int):
            of = f" of input {name!r}" if name else ""
            raise ValueError(
                f"`input_shape`{of} must be (H, W, channels), H and W may be None, got {shape!r}."
            )
    if len({tuple(shape[:2]) for shape in shapes.values()}) > 1:
        raise ValueError(
            f"The inputs of a net have one height and width, got `input_shape` {shapes}."
        )
    check_names("preprocess", preprocess, shapes)
    return [
        Stream(
            name,
            keras.Input(tuple(shape), name=name or "image", dtype="float32"),
            named(preprocess, name),
        )
        for name, shape in shapes.items()
    ]


def one_stream(input_shape, preprocess, net):
    """Returns the only input of a net.

    Args:
        input_shape, preprocess: As `open_streams`.
        net: Name of the net, for the message.

    Returns:
        A `Stream`.

    Raises:
        ValueError: as `open_streams`, and for several inputs.
    """
    streams = open_streams(input_shape, preprocess)
    if len(streams) > 1:
        names = ", ".join(str(stream.name) for stream in streams)
        raise ValueError(
            f"{net} takes one image, got `input_shape` with {names}. Give one shape with the "
            "channels of all of them, such as (None, None, 6)."
        )
    return streams[0]


def assembled(streams, outputs, name):
    """Returns the model from the inputs of a net to its outputs.

    Args:
        streams: A list of `Stream`s.
        outputs: {output: KerasTensor}; the only output of an ordinary net is None.
        name: Name of the model.

    Returns:
        A functional `keras.Model`, from and to dicts where there are several inputs or outputs.
    """
    images = {stream.name: stream.image for stream in streams}
    return keras.Model(
        images[None] if None in images else images,
        outputs[None] if None in outputs else outputs,
        name=name,
    )


def preprocessed(stream, layer, grey):
    """Returns the image of an input after its preprocessing.

    Args:
        stream: A `Stream`.
        layer: The preprocessing layer, or None.
        grey: Whether the image's one channel is repeated for the classifier's three.
    """
    x = stream.image
    if grey:
        x = L.Concatenate(name=f"grey{stream.suffix}")([x] * 3)
    return x if layer is None else layer(x)


def preprocessing_layer(preprocess, suffix):
    """Returns the layer that `preprocess` names, or None.

    Raises:
        ValueError: for anything but a mode of `Preprocess`, a layer or None.
    """
    if preprocess is None or isinstance(preprocess, L.Layer):
        return preprocess
    if preprocess in MODES:
        return Preprocess(preprocess, dtype="float32", name=f"preprocess{suffix}")
    raise ValueError(
        f"`preprocess` must be one of {', '.join(MODES)}, a Keras layer, or None, "
        f"got {preprocess!r}."
    )


def scales(classifier):
    """Returns whether a classifier has a layer that scales its pixels."""
    scaling = (L.Rescaling, L.Normalization, Preprocess)
    return any(isinstance(traced.operation, scaling) for traced in trace(classifier)[0])
