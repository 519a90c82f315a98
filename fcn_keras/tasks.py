"""Tasks: what each pixel of an output means, and how its targets are kept, changed and decoded.

A task is data. It travels in the output layer of a net, in the run folder and in exports; losses,
metrics, data, visualize, inference and export each have one place that asks for it.
"""

from dataclasses import dataclass, field
from numbers import Real
from typing import ClassVar

import numpy as np

from fcn_keras.checks import whole_number
from fcn_keras.labels import LabelSet, void_value

SHOWN = 12  # names of classes in a message


@dataclass(frozen=True)
class Task:
    """The base of all tasks; subclasses say what an output of a net means.

    Attributes:
        kind: The task's name in configurations and error messages.
        activation: Name of the function in `keras.ops` that turns outputs into what may be
            averaged over scales, samples and overlapping windows, or None: the outputs
            themselves.
        resize: How a target is resized: always "nearest", so that no value is mixed with an
            invalid one.
        labels: The class names of `Classes`, a `LabelSet` or None; None for every other task.
        directed: Whether the values are directions in the image, which turn with it. Rotation and
            elastic deformation are refused for them.
        frames: How many images, one after the other in its channels, an input holds.
    """

    kind: ClassVar[str]
    activation: ClassVar[str | None] = None
    resize: ClassVar[str] = "nearest"
    labels: ClassVar[LabelSet | None] = None
    directed: ClassVar[bool] = False
    frames: ClassVar[int] = 1

    @property
    def channels(self):
        """Number of channels of the output."""
        raise NotImplementedError

    @property
    def dtype(self):
        """NumPy dtype of decoded maps and of targets."""
        raise NotImplementedError

    @property
    def invalid(self):
        """The value of a target's pixel that is not known: losses and metrics leave it out."""
        raise NotImplementedError

    @property
    def axes(self):
        """Number of axes of a decoded map or target: 2 for (H, W), 3 for (H, W, C)."""
        raise NotImplementedError

    def valid(self, target):
        """Returns which pixels of a target are known, a bool array (..., H, W)."""
        raise NotImplementedError

    def decode(self, outputs, ops=np):
        """Returns what outputs mean.

        Args:
            outputs: (..., H, W, channels), float.
            ops: The module whose functions fit the array: numpy, keras.ops or tensorflow.

        Returns:
            (..., H, W) or (..., H, W, C). The caller casts it to `dtype`.
        """
        raise NotImplementedError

    def fits(self, other):
        """Returns whether outputs of this task may be compared with targets of another."""
        return self.kind == other.kind and self.channels == other.channels

    def mirrored(self, values):
        """Returns the values of a target, or of an output, whose image was flipped left-right.

        The pixels are mirrored already; this changes what the values say (a horizontal
        displacement changes its sign).
        """
        return values

    def scaled(self, values, factor):
        """Returns the values of a target, or of a decoded map, whose image was resized.

        The pixels are resized already; this changes what the values say (a displacement in pixels
        grows with the image).

        Args:
            values: An array of any library.
            factor: New size over old size, a number or (rows, columns).
        """
        return values

    def scaled_outputs(self, outputs, factor):
        """Returns the outputs of a net, before decoding, whose image was resized; as `scaled`."""
        return self.scaled(outputs, factor)

    def to_config(self):
        """Returns the task as a dict of JSON types; `from_config` reads it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Classes(Task):
    """Semantic segmentation: one class a pixel, decoded from logits by argmax.

    Args:
        labels: A `LabelSet`, or None where the classes have no names.
        num_classes: Number of classes; needed only without `labels`.

    Raises:
        ValueError: for fewer than two classes without `labels`, or a number that is not that of
            `labels`.

    Example:

    ```python
    task = fcn_keras.tasks.Classes(fcn_keras.LabelSet(("background", "egg")))
    task.decode(np.array([[[0.1, 2.0]]]))       # array([[1]])
    ```
    """

    labels: LabelSet | None = None
    num_classes: int | None = None

    kind: ClassVar[str] = "classes"
    activation: ClassVar[str | None] = "softmax"

    def __post_init__(self):
        count = self.num_classes
        if count is None and self.labels is None:
            raise ValueError("Classes needs `labels`, or `num_classes` where they have no names.")
        if count is None:
            count = self.labels.num_classes
        # Files of one class can be read and checked; it takes two to train a net.
        count = whole_number("num_classes", count, 2 if self.labels is None else 1)
        if self.labels is not None and count != self.labels.num_classes:
            raise ValueError(
                f"`num_classes` is {count}, but the label set has {self.labels.num_classes} "
                f"classes: {', '.join(self.labels.names[:5])}, ..."
            )
        object.__setattr__(self, "num_classes", count)

    def __str__(self):
        """Such as "2 classes (background, egg)", for messages."""
        if self.labels is None:
            return f"{self.num_classes} classes"
        more = ", ..." if self.num_classes > SHOWN else ""
        return f"{self.num_classes} classes ({', '.join(self.labels.names[:SHOWN])}{more})"

    @property
    def channels(self):
        """Number of channels of the output: one a class."""
        return self.num_classes

    @property
    def dtype(self):
        """NumPy dtype of label maps: uint8, or uint16 above 255 classes."""
        if self.labels is not None:
            return np.dtype(self.labels.dtype)
        return np.dtype("uint8" if self.num_classes <= 255 else "uint16")

    @property
    def invalid(self):
        """The void value of label maps."""
        return void_value(self.num_classes) if self.labels is None else self.labels.ignore

    @property
    def axes(self):
        """A label map is (H, W)."""
        return 2

    def valid(self, target):
        """Returns which pixels of a label map are not void."""
        return np.asarray(target) != self.invalid

    def decode(self, outputs, ops=np):
        """Returns the class of the highest logit of each pixel, (..., H, W)."""
        return ops.argmax(outputs, axis=-1)

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        labels = None if self.labels is None else self.labels.to_config()
        return {"kind": self.kind, "labels": labels, "num_classes": self.num_classes}

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        labels = config.get("labels")
        return cls(labels and LabelSet.from_config(labels), config.get("num_classes"))


@dataclass(frozen=True)
class Regression(Task):
    """Per-pixel regression: the output is the value itself.

    Args:
        name: What is measured, such as "distance"; used in tables and pictures.
        channels: Numbers a pixel.
        unit: Unit of the values, such as "m" or "px"; "" for none.
        directed: Whether the first two channels are a displacement (x, y) in pixels, as of optical
            flow. It changes with the image: mirrored left-right, x changes its sign; resized, both
            grow by the same factors.

    Raises:
        ValueError: for fewer than one channel, or a displacement with fewer than two.

    Example:

    ```python
    task = fcn_keras.tasks.Regression("distance", unit="px")
    model = fcn_keras.fcn8s(task, "vgg_slim", weights=None)     # one channel, float32
    ```

    A target is float32, (H, W) with one channel and (H, W, channels) with more; NaN marks pixels
    without a value.
    """

    name: str = "value"
    channels: int = 1
    unit: str = ""
    directed: bool = field(default=False, kw_only=True)

    kind: ClassVar[str] = "regression"

    def __post_init__(self):
        least = 2 if self.directed else 1
        object.__setattr__(self, "channels", whole_number("channels", self.channels, least))

    def __str__(self):
        """Such as "regression of distance in px", for messages."""
        channels = f", {self.channels} channels" if self.channels > 1 else ""
        return f"regression of {self.name}{f' in {self.unit}' if self.unit else ''}{channels}"

    @property
    def dtype(self):
        """float32."""
        return np.dtype("float32")

    @property
    def invalid(self):
        """NaN."""
        return float("nan")

    @property
    def axes(self):
        """A map is (H, W) with one channel, (H, W, channels) with more."""
        return 2 if self.channels == 1 else 3

    def valid(self, target):
        """Returns which pixels of a target are known in every channel."""
        known = ~np.isnan(np.asarray(target))
        return known if self.channels == 1 else known.all(-1)

    def decode(self, outputs, ops=np):
        """Returns the values: (..., H, W) of one channel, (..., H, W, channels) of more."""
        return outputs[..., 0] if self.channels == 1 else outputs

    def encode(self, maps, ops=np):
        """Returns the outputs whose decoded maps these are, (..., H, W, channels)."""
        return maps[..., None] if self.channels == 1 else maps

    def mirrored(self, values):
        """Returns the values of a mirrored target: the x of a displacement changes its sign."""
        return values * self._per_channel(-1.0, 1.0) if self.directed else values

    def scaled(self, values, factor):
        """Returns the values of a resized target: a displacement grows with the image."""
        if not self.directed:
            return values
        rows, columns = _by_axis(factor)
        return values * self._per_channel(columns, rows)

    def _per_channel(self, x, y):
        factors = [x, y] + [1.0] * (self.channels - 2)
        return np.array(factors, "float32") if isinstance(x, Real) else factors

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        return {
            "kind": self.kind,
            "name": self.name,
            "channels": self.channels,
            "unit": self.unit,
            "directed": self.directed,
        }

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        directed = config.get("directed", False)
        return cls(config["name"], config["channels"], config["unit"], directed=directed)


@dataclass(frozen=True)
class Depth(Regression):
    """The distance of what each pixel shows; the output of the net is its natural logarithm.

    Args:
        unit: Unit of the depths.

    Example:

    ```python
    task = fcn_keras.tasks.Depth()
    model = fcn_keras.fcn8s(task, "vgg_slim", weights=None)     # one channel: log depth
    task.decode(np.array([[[0.0]]]))                            # array([[1.]]): 1 m
    ```

    A target is float32 (H, W), in `unit`. A pixel without depth is NaN; 0, negative and infinite
    numbers are none either. An image that is enlarged shows everything nearer: resizing by a factor
    divides the depth by it.

    Source: Eigen, Puhrsch, Fergus (2014), "Depth Map Prediction from a Single Image using a
    Multi-Scale Deep Network", sections 3.2 (log depth) and 3.3 (scaling divides the depth).
    """

    name: str = field(default="depth", init=False)
    channels: int = field(default=1, init=False)
    unit: str = "m"
    directed: bool = field(default=False, init=False)

    kind: ClassVar[str] = "depth"

    def __str__(self):
        """Such as "depth in m", for messages."""
        return f"depth in {self.unit}" if self.unit else "depth"

    def valid(self, target):
        """Returns which pixels of a target have a depth: a finite number above 0."""
        target = np.asarray(target)
        return (target > 0) & np.isfinite(target)

    def decode(self, outputs, ops=np):
        """Returns the depth, (..., H, W), of its logarithm."""
        return ops.exp(outputs[..., 0])

    def encode(self, maps, ops=np):
        """Returns the logarithm of depths, (..., H, W, 1)."""
        return ops.log(maps[..., None])

    def scaled(self, values, factor):
        """Returns the depths of a resized image: all divided by the factor."""
        return values / _mean_factor(factor)

    def scaled_outputs(self, outputs, factor):
        """Returns the logarithms of the depths of a resized image."""
        return outputs - np.log(_mean_factor(factor))

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        return {"kind": self.kind, "unit": self.unit}

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        return cls(config["unit"])


@dataclass(frozen=True)
class Normals(Regression):
    """The direction that each pixel's surface faces, a unit vector.

    Its three numbers are x to the right, y upwards and z towards the camera, so that a wall seen
    from the front is (0, 0, 1). The outputs of a net are vectors of any length; decoded they have
    length 1. A target is float32 (H, W, 3); NaN marks pixels whose normal is not known. A mirrored
    image changes the sign of x; resizing changes nothing.

    Example:

    ```python
    task = fcn_keras.tasks.Normals()
    task.decode(np.array([[[0.0, 3.0, 4.0]]]))      # array([[[0. , 0.6, 0.8]]])
    ```
    """

    name: str = field(default="normals", init=False)
    channels: int = field(default=3, init=False)
    unit: str = field(default="", init=False)
    directed: bool = field(default=True, init=False)

    kind: ClassVar[str] = "normals"

    def __str__(self):
        """ "surface normals", for messages."""
        return "surface normals"

    def decode(self, outputs, ops=np):
        """Returns the outputs divided by their lengths, (..., H, W, 3)."""
        x, y, z = (outputs[..., place : place + 1] for place in range(3))
        return outputs / ops.sqrt(x * x + y * y + z * z + 1e-12)

    def scaled(self, values, factor):
        """Returns the values themselves: the directions of a resized image are the same."""
        return values

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        return {"kind": self.kind}

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        return cls()


def _mean_factor(factor):
    """The geometric mean of the factors of rows and columns."""
    rows, columns = _by_axis(factor)
    return (rows * columns) ** 0.5


def _by_axis(factor):
    """The factors of rows and columns, where one number may stand for both."""
    one = not isinstance(factor, (tuple, list)) and not len(getattr(factor, "shape", ()))
    return (factor, factor) if one else (factor[0], factor[1])


@dataclass(frozen=True)
class Flow(Regression):
    """Optical flow: how far each pixel moves to the next frame.

    A `Regression` of two channels, the displacement (x, y) in pixels, positive to the right and
    downwards. Its images have six channels: the first frame, then the second. A target is float32
    (H, W, 2); NaN marks pixels whose flow is not known.

    Example:

    ```python
    task = fcn_keras.tasks.Flow()
    task.decode(np.zeros((4, 6, 2), "float32")).shape       # (4, 6, 2)
    ```
    """

    name: str = field(default="flow", init=False)
    channels: int = field(default=2, init=False)
    unit: str = field(default="px", init=False)
    directed: bool = field(default=True, init=False)

    kind: ClassVar[str] = "flow"
    frames: ClassVar[int] = 2

    def __str__(self):
        """ "optical flow in px", for messages."""
        return "optical flow in px"

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        return {"kind": self.kind}

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        return cls()


@dataclass(frozen=True)
class Boundaries(Task):
    """Boundary detection: the probability that a pixel lies on a boundary.

    A target is float32 (H, W): the share of annotators who marked the pixel, from 0 to 1, or NaN
    where it is not known. Losses and metrics take a pixel as boundary from 0.5 on.

    Args:
        side_outputs: Number of further logits behind the first one, which training compares with
            the target too (deep supervision); decoding leaves them out. Tasks that differ in it
            are equal.

    Raises:
        ValueError: for a negative number.

    Example:

    ```python
    task = fcn_keras.tasks.Boundaries()
    task.decode(np.array([[[0.0], [4.0]]]))     # array([[0.5, 0.98201379]])
    ```

    Source: Xie, Tu (2015), "Holistically-nested edge detection", section 2.
    """

    side_outputs: int = field(default=0, compare=False)

    kind: ClassVar[str] = "boundaries"
    name: ClassVar[str] = "boundary probability"
    unit: ClassVar[str] = ""

    def __post_init__(self):
        count = whole_number("side_outputs", self.side_outputs, 0)
        object.__setattr__(self, "side_outputs", count)

    def __str__(self):
        """For messages."""
        return "boundaries"

    @property
    def channels(self):
        """Number of logits: that of the probability, and the side outputs."""
        return 1 + self.side_outputs

    @property
    def dtype(self):
        """float32."""
        return np.dtype("float32")

    @property
    def invalid(self):
        """NaN."""
        return float("nan")

    @property
    def axes(self):
        """A map is (H, W)."""
        return 2

    def valid(self, target):
        """Returns which pixels of a target are known."""
        return ~np.isnan(np.asarray(target))

    def decode(self, outputs, ops=np):
        """Returns the sigmoid of the first logit, (..., H, W)."""
        # tanh does not overflow, whatever the logit
        return 0.5 + 0.5 * ops.tanh(0.5 * outputs[..., 0])

    def fits(self, other):
        """Returns whether the other task is of boundaries too, with any side outputs."""
        return self.kind == other.kind

    def encode(self, maps, ops=np):
        """Returns the logits of probabilities, the same for every side output."""
        inside = ops.clip(maps, 1e-7, 1 - 1e-7)
        return ops.stack([ops.log(inside / (1 - inside))] * self.channels, -1)

    def to_config(self):
        """Returns the task as a dict of JSON types."""
        return {"kind": self.kind, "side_outputs": self.side_outputs}

    @classmethod
    def from_config(cls, config):
        """Returns the task that `to_config` described."""
        return cls(config.get("side_outputs", 0))


TASKS = {task.kind: task for task in (Classes, Regression, Depth, Flow, Boundaries, Normals)}


def from_config(config):
    """Returns the task that its `to_config` described.

    Args:
        config: A dict of JSON types with "kind".

    Raises:
        ValueError: for a kind that this version does not know; the message lists the known ones.

    Example:

    ```python
    config = fcn_keras.tasks.Regression("distance", unit="px").to_config()
    fcn_keras.tasks.from_config(config).unit        # "px"
    ```
    """
    kind = config.get("kind")
    if kind not in TASKS:
        raise ValueError(f"The task {kind!r} is unknown; known are {', '.join(TASKS)}.")
    return TASKS[kind].from_config(config)


def entry_for(task, table, what):
    """Returns the entry of a table {kind: entry} for a task.

    Each package that treats tasks differently has such tables, in one place.

    Args:
        task: A `Task`.
        table: A dict of a task's `kind`.
        what: What the entries are, for the message.

    Raises:
        ValueError: for a task that the table does not have; the message lists those it has.

    Example:

    ```python
    task = fcn_keras.tasks.Classes(num_classes=2)
    fcn_keras.tasks.entry_for(task, {"classes": "cross_entropy"}, "loss")   # "cross_entropy"
    ```
    """
    if task.kind not in table:
        raise ValueError(
            f"There is no {what} for the task {task.kind!r}; there is for {', '.join(table)}."
        )
    return table[task.kind]
