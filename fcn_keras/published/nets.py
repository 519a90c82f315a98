"""The table of the published nets: their layers, files and published scores."""

from dataclasses import dataclass, field

from fcn_keras.labels import LabelSet
from fcn_keras.named_rows import row_named
from fcn_keras.published import labels

_HOST = "http://dl.caffe.berkeleyvision.org/"

# {our layer: Caffe's layer}, from the image to the last map.
VGG16 = {
    f"block{block}_conv{n}": f"conv{block}_{n}"
    for block, count in enumerate((2, 2, 3, 3, 3), start=1)
    for n in range(1, count + 1)
}
ALEXNET = {f"conv{n}": f"conv{n}" for n in range(1, 6)}


@dataclass(frozen=True)
class Net:
    """One published net.

    Attributes:
        name: The name of its folder in the authors' repository.
        classifier: The classifier that it was made from: a registered name, or a functional Keras
            classifier with the same layers.
        stride: 32, 16 or 8.
        num_classes: Number of outputs, or {output: number}.
        labels: The names of the classes, a `LabelSet`, or {output: LabelSet}.
        means: {stream: mean of each channel, in the order of the file}; a single stream is None.
        reversed: The streams whose first three channels have the order B, G, R in the file.
        file: The name of the .caffemodel on the authors' server; None where none was published.
        mean_iu: Mean IU in per cent on the validation images of the dataset, as the authors
            published it; None where they did not.
        trunk: {layer of the classifier: Caffe's layer}.
        scaled: Whether the skips are scaled (nets trained "at once").
        without_background: Whether a file without the output of the background fits too.
        kernel: Rows of the filters of the last upsampling; None is twice the stride.

    Example:

    ```python
    net = fcn_keras.published.get("voc-fcn8s")
    print(net.url, net.num_classes, net.labels.names[15], net.mean_iu)
    ```
    """

    name: str
    classifier: object
    stride: int
    num_classes: int | dict
    labels: LabelSet | dict
    means: dict
    reversed: tuple = (None,)
    file: str | None = None
    mean_iu: float | None = None
    trunk: dict = field(default_factory=lambda: VGG16, repr=False)
    scaled: bool = False
    without_background: bool = False
    kernel: int | None = None

    @property
    def url(self):
        """The address of the .caffemodel, or None."""
        return None if self.file is None else _HOST + self.file

    @property
    def skips(self):
        """The poolings of the skips, coarsest first: ("pool4", "pool3") for a stride of 8."""
        return tuple(f"pool{n}" for n in (4, 3) if 2**n >= self.stride)

    @property
    def channels(self):
        """{stream: number of channels}."""
        return {stream: len(mean) for stream, mean in self.means.items()}

    @property
    def layers(self):
        """{our layer: Caffe's layer} of all convolutions, in the order of the graph."""
        found = {}
        for stream in self.means:
            for ours in (*self.trunk, "fc6", "fc7"):
                found[_ours(ours, stream)] = self.trunk.get(ours, ours) + (stream or "")
        for ours in ("score_fr", *(f"score_{pool}" for pool in self.skips)):
            for stream in self.means:
                for output in self._outputs:
                    ours_here = _ours(_ours(ours, stream), output)
                    found[ours_here] = ours + (stream or "") + _caffe_suffix(output)
        return found

    @property
    def upsamplings(self):
        """{our layer: (Caffe's layer, factor, rows of the filters)}, coarsest first."""
        inner = ("upscore2", *(f"upscore_{pool}" for pool in self.skips))[: len(self.skips)]
        last = "upscore" if self.stride == 32 else f"upscore{self.stride}"
        rows = self.kernel or 2 * self.stride
        found = {}
        for output in self._outputs:
            suffix = _caffe_suffix(output)
            for ours in inner:
                found[_ours(ours, output)] = (ours + suffix, 2, 4)
            ours = _ours(f"upscore{self.stride}", output)
            found[ours] = (last + suffix, self.stride, rows)
        return found

    @property
    def scales(self):
        """Caffe's layers that scale the skips, coarsest first."""
        return tuple(f"scale_{pool}" for pool in self.skips) if self.scaled else ()

    @property
    def outputs(self):
        """{Caffe's layer of the deepest scores: number of outputs}."""
        classes = self.num_classes if isinstance(self.num_classes, dict) else None
        return {
            "score_fr" + (stream or "") + _caffe_suffix(output): (
                classes[output] if classes else self.num_classes
            )
            for stream in self.means
            for output in self._outputs
        }

    @property
    def caffe_names(self):
        """All of Caffe's layers that have weights."""
        upsamplings = (name for name, *_ in self.upsamplings.values())
        return (*self.layers.values(), *upsamplings, *self.scales)

    @property
    def _outputs(self):
        return tuple(self.num_classes) if isinstance(self.num_classes, dict) else (None,)


def _ours(name, suffix):
    return name if suffix is None else f"{name}_{suffix}"


def _caffe_suffix(output):
    return "" if output is None else f"_{output[:3]}"


def _voc(name, stride, file, mean_iu, **more):
    means = {None: (104.00699, 116.66877, 122.67892)}
    more = {"classifier": "vgg16", **more}
    return Net(
        name=f"voc-{name}", stride=stride, num_classes=21, labels=labels.VOC, means=means,
        file=f"{file}-pascal.caffemodel", mean_iu=mean_iu, **more,
    )  # fmt: skip


def _context(stride):
    return Net(
        f"pascalcontext-fcn{stride}s", "vgg16", stride, 60, labels.CONTEXT,
        {None: (104.007, 116.669, 122.679)}, without_background=True,
        file=f"pascalcontext-fcn{stride}s-heavy.caffemodel",
    )  # fmt: skip


def _sift_flow(stride):
    classes = {output: names.num_classes for output, names in labels.SIFT_FLOW.items()}
    return Net(
        f"siftflow-fcn{stride}s", "vgg16", stride, classes, labels.SIFT_FLOW,
        {None: (114.578, 115.294, 108.353)}, file=f"siftflow-fcn{stride}s-heavy.caffemodel",
    )  # fmt: skip


def _nyud(streams, means, **more):
    name = f"nyud-fcn32s-{streams}"
    more = {"file": f"{name}-heavy.caffemodel", **more}
    return Net(name, "vgg16", 32, 40, labels.NYUD, means, **more)


_BGR, _HHA, _LOG_DEPTH = (116.190, 97.203, 92.318), (132.431, 94.076, 118.477), (7.844,)
_TABLE = (
    _voc("fcn32s", 32, "fcn32s-heavy", 63.6),
    _voc("fcn16s", 16, "fcn16s-heavy", 65.0),
    _voc("fcn8s", 8, "fcn8s-heavy", 65.5),
    _voc("fcn8s-atonce", 8, "fcn8s-atonce", 65.4, scaled=True),
    _voc("fcn-alexnet", 32, "fcn-alexnet", 48.0, classifier="alexnet", trunk=ALEXNET, kernel=63),
    *map(_context, (32, 16, 8)),
    *map(_sift_flow, (32, 16, 8)),
    _nyud("color", {None: _BGR}),
    _nyud("hha", {None: _HHA}, reversed=()),
    _nyud(
        "color-d",
        {None: (*_BGR, *_LOG_DEPTH)},
        file=None,
        trunk={**VGG16, "block1_conv1": "conv1_1_bgrd"},
    ),
    _nyud("color-hha", {"color": _BGR, "hha": _HHA}, reversed=("color",)),
)


def names():
    """Returns the names of the published nets, a list of str.

    Example:

    ```python
    for name in fcn_keras.published.names():
        print(name, fcn_keras.published.get(name).url)
    ```
    """
    return [net.name for net in _TABLE]


def get(name):
    """Returns the `Net` of a name; case does not matter, and underscores count as hyphens.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.

    Example:

    ```python
    fcn_keras.published.get("siftflow-fcn16s").num_classes  # {"semantic": 33, "geometric": 3}
    ```

    Source: Long et al. (2015), Shelhamer et al. (2016), and github.com/shelhamer/
    fcn.berkeleyvision.org, where each net has a folder of its name.
    """
    return row_named(name, _TABLE, "There is no published net")
