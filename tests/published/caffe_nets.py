"""The published nets' layers as Caffe describes them, with random weights: a prototxt for OpenCV's
reader and the arrays for a .caffemodel.

Written from the paper's figure 3 and the published crops, apart from the library's own table.
"""

import caffe_files
import numpy as np

BLOCKS = (2, 2, 3, 3, 3)
WIDTHS = (4, 6, 7, 9, 10)
HEAD = (16, 14)


class CaffeNet:
    """Collects layers: prototxt `text`, weights in `layers`, each top's number of `channels`."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        self.text, self.layers, self.channels = ['name: "net"'], {}, {}

    def input(self, name, channels, size):
        dims = " ".join(f"dim: {n}" for n in (1, channels, *size))
        self.text.append(f'input: "{name}" input_shape {{ {dims} }}')
        self.channels[name] = channels
        return name

    def add(self, name, kind, bottoms, body="", channels=None):
        bottoms = [bottoms] if isinstance(bottoms, str) else bottoms
        lines = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
        self.text.append(f'layer {{ name: "{name}" type: "{kind}" {lines} top: "{name}" {body} }}')
        self.channels[name] = channels or self.channels[bottoms[0]]
        return name

    def random(self, *shape, fan=None):
        fan = fan or np.prod(shape[1:])
        return self.rng.normal(0, np.sqrt(2 / fan), shape).astype("float32")

    def conv(self, name, bottom, filters, size, stride=1, pad=0, group=1, relu=True):
        body = (
            f"convolution_param {{ num_output: {filters} kernel_size: {size} stride: {stride} "
            f"pad: {pad} group: {group} }}"
        )
        inside = self.channels[bottom] // group
        bias = self.rng.normal(0, 0.3, filters).astype("float32")
        self.layers[name] = [self.random(filters, inside, size, size), bias]
        top = self.add(name, "Convolution", bottom, body, filters)
        return self.add(f"relu_{name}", "ReLU", top) if relu else top

    def pool(self, name, bottom, size=2, stride=2):
        body = f"pooling_param {{ pool: MAX kernel_size: {size} stride: {stride} }}"
        return self.add(name, "Pooling", bottom, body)

    def lrn(self, name, bottom):
        body = "lrn_param { local_size: 5 alpha: 1e-4 beta: 0.75 }"
        return self.add(name, "LRN", bottom, body)

    def scale(self, name, bottom, around):
        factors = around * self.rng.uniform(0.5, 1.5, self.channels[bottom])
        self.layers[name] = [factors.astype("float32")]
        return self.add(name, "Scale", bottom)

    def deconv(self, name, bottom, size, stride, filters="bilinear", grouped=False):
        count = self.channels[bottom]
        body = (
            f"convolution_param {{ num_output: {count} kernel_size: {size} stride: {stride} "
            f"bias_term: false group: {count if grouped else 1} }}"
        )
        array = np.zeros((count, 1 if grouped else count, size, size), "float32")
        if filters == "bilinear":
            centre = stride - 1 if size % 2 else stride - 0.5
            line = 1 - np.abs(np.arange(size) - centre) / stride
            for n in range(count):
                array[n, 0 if grouped else n] = np.outer(line, line)
        else:
            array = self.random(*array.shape, fan=array.shape[1] * (size / stride) ** 2)
        self.layers[name] = [array]
        return self.add(name, "Deconvolution", bottom, body)

    def crop(self, name, bottom, reference, offset):
        body = f"crop_param {{ axis: 2 offset: {offset} }}"
        return self.add(name, "Crop", [bottom, reference], body)

    def sum(self, name, bottoms, coefficients=()):
        body = " ".join(f"coeff: {c}" for c in coefficients)
        return self.add(name, "Eltwise", bottoms, f"eltwise_param {{ operation: SUM {body} }}")

    def write(self, folder, **how):
        """net.prototxt and net.caffemodel in a folder; returns their paths."""
        text, weights = folder / "net.prototxt", folder / "net.caffemodel"
        text.write_text("\n".join(self.text))
        return text, caffe_files.write(weights, self.layers, **how)


def vgg(net, data, widths=WIDTHS, head=HEAD, suffix="", first="conv1_1"):
    """VGG-16's layers to fc7; returns (fc7, {"pool3": ..., "pool4": ...})."""
    x, pools = data, {}
    for block, (count, width) in enumerate(zip(BLOCKS, widths, strict=True), start=1):
        for n in range(1, count + 1):
            name = first if (block, n) == (1, 1) else f"conv{block}_{n}"
            x = net.conv(name + suffix, x, width, 3, pad=100 if (block, n) == (1, 1) else 1)
        x = pools[f"pool{block}"] = net.pool(f"pool{block}{suffix}", x)
    x = net.conv("fc6" + suffix, x, head[0], 7)
    return net.conv("fc7" + suffix, x, head[1], 1), pools


def decoder(net, data, x, pools, classes, stride, suffix="", scaled=None, **up):
    """The scores, their fusions and upsamplings; returns the name of the score.

    `scaled` is {pool: about the factor of its skip}.
    """

    def score(name, bottom):
        return net.conv(f"score_{name}{suffix}", bottom, classes, 1, relu=False)

    def fused(x, upscore, pool, crop):
        x = net.deconv(upscore + suffix, x, 4, 2, **up)
        skip = pools[pool]
        if scaled:
            skip = net.scale(f"scale_{pool}", skip, scaled[pool])
        skip = net.crop(f"score_{pool}{suffix}c", score(pool, skip), x, crop)
        return net.sum(f"fuse_{pool}{suffix}", [x, skip])

    x = score("fr", x)
    if stride == 32:
        x = net.deconv("upscore" + suffix, x, 64, 32, **up)
        return net.crop("score" + suffix, x, data, 19)
    x = fused(x, "upscore2", "pool4", 5)
    if stride == 16:
        x = net.deconv("upscore16" + suffix, x, 32, 16, **up)
        return net.crop("score" + suffix, x, data, 27)
    x = fused(x, "upscore_pool4", "pool3", 9)
    x = net.deconv("upscore8" + suffix, x, 16, 8, **up)
    return net.crop("score" + suffix, x, data, 31)


def alexnet(net, data, widths, head, classes, **up):
    """FCN-AlexNet; returns the name of the score."""
    x = net.lrn("norm1", net.pool("pool1", net.conv("conv1", data, widths[0], 11, 4, 100), 3))
    x = net.lrn("norm2", net.pool("pool2", net.conv("conv2", x, widths[1], 5, pad=2, group=2), 3))
    x = net.conv("conv3", x, widths[2], 3, pad=1)
    x = net.conv("conv4", x, widths[3], 3, pad=1, group=2)
    x = net.pool("pool5", net.conv("conv5", x, widths[4], 3, pad=1, group=2), 3)
    x = net.conv("fc7", net.conv("fc6", x, head[0], 6), head[1], 1)
    x = net.deconv("upscore", net.conv("score_fr", x, classes, 1, relu=False), 63, 32, **up)
    return net.crop("score", x, data, 18)


def late_fusion(net, color, hha, classes, **up):
    """Two streams whose scores are averaged; returns the name of the score."""
    scores = []
    for data, suffix in ((color, "color"), (hha, "hha")):
        x, _ = vgg(net, data, suffix=suffix)
        scores.append(net.conv("score_fr" + suffix, x, classes, 1, relu=False))
    x = net.deconv("upscore", net.sum("score_fused", scores, (0.5, 0.5)), 64, 32, **up)
    return net.crop("score", x, color, 19)


def inner_product(net, name, bottom, units, window, relu=True):
    """A fully connected layer on a map whose rows, columns are `window`; returns its top."""
    inside = net.channels[bottom] * window[0] * window[1]
    net.layers[name] = [net.random(units, inside), net.rng.normal(0, 0.3, units).astype("float32")]
    body = f"inner_product_param {{ num_output: {units} }}"
    top = net.add(name, "InnerProduct", bottom, body, units)
    return net.add(f"relu_{name}", "ReLU", top) if relu else top


def googlenet(net, data, classes):
    """GoogLeNet as bvlc_googlenet describes it, without its auxiliary heads; returns the logits."""
    x = net.conv("conv1/7x7_s2", data, 64, 7, 2, 3)
    x = net.lrn("pool1/norm1", net.pool("pool1/3x3_s2", x, 3))
    x = net.conv("conv2/3x3", net.conv("conv2/3x3_reduce", x, 64, 1), 192, 3, pad=1)
    x = net.pool("pool2/3x3_s2", net.lrn("conv2/norm2", x), 3)
    for module, widths in (
        ("3a", (64, 96, 128, 16, 32, 32)), ("3b", (128, 128, 192, 32, 96, 64)), ("pool3", None),
        ("4a", (192, 96, 208, 16, 48, 64)), ("4b", (160, 112, 224, 24, 64, 64)),
        ("4c", (128, 128, 256, 24, 64, 64)), ("4d", (112, 144, 288, 32, 64, 64)),
        ("4e", (256, 160, 320, 32, 128, 128)), ("pool4", None),
        ("5a", (256, 160, 320, 32, 128, 128)), ("5b", (384, 192, 384, 48, 128, 128)),
    ):  # fmt: skip
        at = f"inception_{module}/"
        if widths is None:
            x = net.pool(f"{module}/3x3_s2", x, 3)
            continue
        one, reduce3, three, reduce5, five, projected = widths
        body = "pooling_param { pool: MAX kernel_size: 3 stride: 1 pad: 1 }"
        pooled = net.add(f"{at}pool", "Pooling", x, body)
        three_in = net.conv(f"{at}3x3_reduce", x, reduce3, 1)
        five_in = net.conv(f"{at}5x5_reduce", x, reduce5, 1)
        branches = [
            net.conv(f"{at}1x1", x, one, 1),
            net.conv(f"{at}3x3", three_in, three, 3, pad=1),
            net.conv(f"{at}5x5", five_in, five, 5, pad=2),
            net.conv(f"{at}pool_proj", pooled, projected, 1),
        ]
        x = net.add(f"{at}output", "Concat", branches, "", one + three + five + projected)
    body = "pooling_param { pool: AVE kernel_size: 7 stride: 1 }"
    x = net.add("pool5/7x7_s1", "Pooling", x, body)
    return inner_product(net, "loss3/classifier", x, classes, (1, 1), relu=False)
