"""Writes files/*.pth and files/torch_nets.npz: small torch nets, an image and their logits.

    pip install torch torchvision
    python make_torch_nets.py

The nets of pytorch-fcn with a few filters each: their layers, names and forward pass, with the
crops as that project has them. torchvision's own FCN over its own ResNet, narrow, at sizes that 8
divides and does not divide. Weights are random.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.models.segmentation.fcn import FCN, FCNHead

FILES = Path(__file__).parent / "files"
MEAN_BGR = (104.00698793, 116.66876762, 122.67891434)
SIZES = ((37, 50), (32, 48), (1, 3))
WIDTH, BOTTLENECKS = 2, (1, 2, 2, 2)
BLOCKS, WIDTHS, HEAD, CLASSES = (2, 2, 3, 3, 3), (4, 6, 7, 9, 10), (16, 14), 2


class PytorchFCN(nn.Module):
    """FCN32s, FCN16s or FCN8s of pytorch-fcn; with `scaled`, FCN8sAtOnce."""

    def __init__(self, stride, scaled=False, widths=WIDTHS, head=HEAD, classes=CLASSES):
        super().__init__()
        self.stride, self.scaled = stride, scaled
        channels = 3
        for block, (count, width) in enumerate(zip(BLOCKS, widths, strict=True), start=1):
            for n in range(1, count + 1):
                pad = 100 if (block, n) == (1, 1) else 1
                self.add_module(f"conv{block}_{n}", nn.Conv2d(channels, width, 3, padding=pad))
                channels = width
        self.fc6 = nn.Conv2d(channels, head[0], 7)
        self.fc7 = nn.Conv2d(head[0], head[1], 1)
        self.score_fr = nn.Conv2d(head[1], classes, 1)
        if stride < 16:
            self.score_pool3 = nn.Conv2d(widths[2], classes, 1)
        if stride < 32:
            self.score_pool4 = nn.Conv2d(widths[3], classes, 1)
            self.upscore2 = self.up(classes, 4, 2)
        last = "upscore" if stride == 32 else f"upscore{stride}"
        self.add_module(last, self.up(classes, 2 * stride, stride))
        if stride < 16:
            self.upscore_pool4 = self.up(classes, 4, 2)
        self.pool = nn.MaxPool2d(2, stride=2, ceil_mode=True)

    @staticmethod
    def up(classes, size, stride):
        layer = nn.ConvTranspose2d(classes, classes, size, stride=stride, bias=False)
        line = 1 - np.abs(np.arange(size) - (stride - 0.5)) / stride
        weight = np.zeros((classes, classes, size, size))
        weight[range(classes), range(classes)] = np.outer(line, line)
        layer.weight.data.copy_(torch.from_numpy(weight))
        return layer

    def forward(self, x):
        image, pools = x, {}
        for block, count in enumerate(BLOCKS, start=1):
            for n in range(1, count + 1):
                x = torch.relu(getattr(self, f"conv{block}_{n}")(x))
            x = pools[block] = self.pool(x)
        x = self.score_fr(torch.relu(self.fc7(torch.relu(self.fc6(x)))))
        if self.stride == 32:
            return self.cut(self.upscore(x), image, 19)
        x = self.upscore2(x)
        x = x + self.cut(self.score_pool4(pools[4] * (0.01 if self.scaled else 1)), x, 5)
        if self.stride == 16:
            return self.cut(self.upscore16(x), image, 27)
        x = self.upscore_pool4(x)
        x = x + self.cut(self.score_pool3(pools[3] * (0.0001 if self.scaled else 1)), x, 9)
        return self.cut(self.upscore8(x), image, 31)

    @staticmethod
    def cut(x, like, at):
        return x[:, :, at : at + like.shape[2], at : at + like.shape[3]]


def randomised(net, seed=0):
    """Weights under which values keep their size from layer to layer."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            fan = module.weight[0].numel()
            module.weight.data.normal_(0, (2 / fan) ** 0.5, generator=generator)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.3, generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in (
                (module.weight.data, 0.6, 1.2), (module.bias.data, -0.3, 0.3),
                (module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 2.0),
            ):  # fmt: skip
                tensor.uniform_(low, high, generator=generator)
    return net.eval()


class NarrowResNet(ResNet):
    """torchvision's ResNet with WIDTH filters in place of 64."""

    def __init__(self, dilate, classes=5):
        super().__init__(Bottleneck, [1, 1, 1, 1])
        self.inplanes, self.dilation = WIDTH, 1
        self.conv1 = nn.Conv2d(3, WIDTH, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTH)
        self.layer1 = self._make_layer(Bottleneck, WIDTH, BOTTLENECKS[0])
        for stage, dilated in enumerate((False, dilate, dilate), start=1):
            layer = self._make_layer(
                Bottleneck, WIDTH * 2**stage, BOTTLENECKS[stage], stride=2, dilate=dilated
            )
            setattr(self, f"layer{stage + 1}", layer)
        self.fc = nn.Linear(4 * 8 * WIDTH, classes)


def fcn_resnet():
    """torchvision's FCN over the narrow ResNet, with its auxiliary classifier."""
    layers = {"layer4": "out", "layer3": "aux"}
    backbone = IntermediateLayerGetter(NarrowResNet(dilate=True), layers)
    return FCN(backbone, FCNHead(4 * 8 * WIDTH, 5), FCNHead(4 * 4 * WIDTH, 5))


def torch_pixels(image):
    """The transform of torchvision's classifiers."""
    pixels = (image / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype("float32"))


def caffe_pixels(image):
    """The transform of pytorch-fcn's datasets: BGR, the mean subtracted."""
    pixels = image[..., ::-1].astype("float64") - MEAN_BGR
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype("float32"))


FCNS = {"fcn32s": (32,), "fcn16s": (16,), "fcn8s": (8,), "fcn8s-atonce": (8, True)}


def main():
    image = np.random.default_rng(0).integers(0, 256, (37, 50, 3), "uint8")
    arrays = {"image": image}
    for name, arguments in FCNS.items():
        net = randomised(PytorchFCN(*arguments))
        torch.save(net.state_dict(), FILES / f"{name}.pth")
        with torch.no_grad():
            arrays[name] = net(caffe_pixels(image))[0].permute(1, 2, 0).numpy()
    fcn, classifier = randomised(fcn_resnet()), randomised(NarrowResNet(dilate=False))
    torch.save(fcn.state_dict(), FILES / "fcn_resnet.pth")
    torch.save(classifier.state_dict(), FILES / "resnet.pth")
    with torch.no_grad():
        for rows, columns in SIZES:
            pixels = torch_pixels(image[:rows, :columns])
            logits = fcn(pixels)["out"][0].permute(1, 2, 0)
            arrays[f"fcn_resnet_{rows}x{columns}"] = logits.numpy()
        arrays["resnet"] = classifier(torch_pixels(image)).numpy()
    np.savez(FILES / "torch_nets.npz", **arrays)


if __name__ == "__main__":
    main()
