"""`fcn-keras import-caffe` and `import-torch`: nets of others become files that Keras loads."""

import contextlib
import os
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import check_folder
from fcn_keras.cli.sources import load_dataset, load_library

STATISTICS_BATCH = 4  # images, as in the authors' training

NetName = Annotated[
    str | None, typer.Option(metavar="NAME", help="The net in FILE; --list shows the names.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="File to write: .keras for a net, .weights.h5 for a classifier.",
        show_default=False,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]


def import_caffe(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The .caffemodel file.", show_default=False),
    ] = None,
    net: NetName = None,
    out: Out = None,
    statistics: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[:DIR]",
            help="FILE is the snapshot of a SegNet's training: its BatchNormalization statistics "
            "are computed over the training images of this data set.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    show: Annotated[
        bool, typer.Option("--list", help="List the nets and the addresses of their files.")
    ] = False,
):  # fmt: skip
    """Convert a net that was trained with Caffe: FCN, SegNet, DeepLab, HED, ILSVRC classifier.

    FCNs, SegNets, DeepLabs and HED become models for evaluate, predict and export. The classifiers
    vgg16, alexnet and googlenet become weights for train --weights. Caffe is not needed.

    [bold]Examples[/bold]

    fcn-keras import-caffe --list

    fcn-keras import-caffe fcn8s-heavy-pascal.caffemodel --net voc-fcn8s --out voc-fcn8s.keras

    fcn-keras import-caffe VGG_ILSVRC_16_layers.caffemodel --net vgg16 --out vgg16.weights.h5

    fcn-keras import-caffe mine.caffemodel --net segnet --statistics camvid:CamVid --out mine.keras
    """
    if show:
        load_library()
        print(_table())
        return
    _check_given("import-caffe", file, net, out)
    load_library()
    from fcn_keras import published
    from fcn_keras.published import boundaries
    from fcn_keras.published.classifiers import CLASSIFIERS

    if net not in (*CLASSIFIERS, boundaries.NAME):
        net = _known(net, CLASSIFIERS)
    if net in published.segnet_names():
        _write(net, lambda: _segnet(net, file, statistics), out, overwrite, classifier=False)
        return
    if statistics is not None:
        raise ValueError(
            f"--statistics is for SegNets, whose statistics are in no file; {net} has none."
        )
    if net == boundaries.NAME:
        _write(net, lambda: published.load_hed(file), out, overwrite, classifier=False)
        return
    load = published.load_classifier if net in CLASSIFIERS else published.build
    load = published.load_deeplab if net in published.deeplab_names() else load
    _write(net, lambda: load(net, file), out, overwrite, net in CLASSIFIERS)


def _segnet(net, file, statistics):
    from fcn_keras import published

    batches = None
    if statistics is not None:
        batches = load_dataset(statistics, "train").batches(STATISTICS_BATCH)
    return published.load_segnet(net, file, batches)


def import_torch(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="The state dict: .pth, .pt, .bin or .safetensors.",
            show_default=False,
        ),
    ] = None,
    net: NetName = None,
    out: Out = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The state dict in FILE, where there are several."),
    ] = None,
    overwrite: Overwrite = False,
    show: Annotated[
        bool, typer.Option("--list", help="List the nets and the code that trains them.")
    ] = False,
):  # fmt: skip
    """Convert a net that was trained with PyTorch. PyTorch is not needed.

    FILE is what torch.save(model.state_dict(), FILE) wrote; nothing in it is run. A net becomes a
    model for evaluate, predict and export, a classifier becomes weights for train --weights.

    [bold]Examples[/bold]

    fcn-keras import-torch --list

    fcn-keras import-torch fcn8s_from_caffe.pth --net fcn8s --out fcn8s.keras
    """
    if show:
        load_library()
        print(_torch_table())
        return
    _check_given("import-torch", file, net, out)
    load_library()
    from fcn_keras.published import load_torch, torch_nets

    try:
        row = torch_nets.get_torch(net)
    except ValueError as error:
        raise ValueError(f"--net: {error}") from None
    _write(row.name, lambda: load_torch(row.name, file, key), out, overwrite, row.classifier)


def _check_given(command, file, net, out):
    missing = [n for n, v in (("FILE", file), ("--net", net), ("--out", out)) if v is None]
    if missing:
        raise ValueError(f"{missing[0]} is missing. See fcn-keras {command} --help")


def _write(net, load, out, overwrite, classifier):
    """Writes the model that `load()` returns, or the weights of a classifier, and says so."""
    suffix = ".weights.h5" if classifier else ".keras"
    _check_out(out, suffix, net, overwrite)
    aside = out.with_name(f".{out.name.removesuffix(suffix)}.partial{suffix}")
    try:
        model = load()
        (model.save_weights if classifier else model.save)(aside)
        os.replace(aside, out)
    finally:
        aside.unlink(missing_ok=True)
    print(f"{net}: {out}")


def _known(net, classifiers):
    from fcn_keras import published
    from fcn_keras.published.deeplabs import get_deeplab
    from fcn_keras.published.segnets import get_segnet

    for get in (get_segnet, get_deeplab):
        with contextlib.suppress(ValueError):
            return get(net).name
    try:
        return published.get(net).name
    except ValueError as error:
        raise ValueError(
            f"--net: {error} SegNets: {', '.join(published.segnet_names())}. "
            f"DeepLabs: {', '.join(published.deeplab_names())}. Boundaries: hed. "
            f"Classifiers: {', '.join(classifiers)}."
        ) from None


def _check_out(out, suffix, net, overwrite):
    if not out.name.endswith(suffix) or out.name == suffix:
        raise ValueError(f"--out for {net} must be a {suffix} file, got {str(out)!r}.")
    check_folder(out)
    if out.is_dir() or (out.exists() and not overwrite):
        raise FileExistsError(f"{out} exists already. Choose another --out, or add --overwrite.")


def _table():
    from fcn_keras import published
    from fcn_keras.published import boundaries
    from fcn_keras.published.classifiers import CLASSIFIERS
    from fcn_keras.published.segnets import get_segnet

    rows = [published.get(name) for name in published.names()]
    rows += [get_segnet(name) for name in published.segnet_names()]
    width = max(len(net.name) for net in rows)
    lines = [f"{net.name:{width}}  {net.url or '(a file of your own)'}" for net in rows]
    lines += [f"{name:{width}}  (a file of your own)" for name in published.deeplab_names()]
    lines.append(f"{boundaries.NAME:{width}}  {boundaries.URL}")
    return "\n".join([*lines, f"ILSVRC classifiers: {', '.join(CLASSIFIERS)}"])


def _torch_table():
    from fcn_keras.published import torch_nets

    rows = [torch_nets.get_torch(name) for name in torch_nets.torch_names()]
    width = max(len(net.name) for net in rows)
    return "\n".join(f"{net.name:{width}}  {net.source}" for net in rows)
