"""`fcn-keras import-caffe` turns a published .caffemodel into a file that Keras loads."""

import os
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.cli.options import check_folder
from fcn_keras.cli.sources import load_library


def import_caffe(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The .caffemodel file.", show_default=False),
    ] = None,
    net: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The net in FILE; --list shows the names."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="File to write: .keras for an FCN, .weights.h5 for a classifier.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--list", help="List the nets and the addresses of their files.")
    ] = False,
):  # fmt: skip
    """Convert a net that was trained with Caffe: an FCN of the authors, or an ILSVRC classifier.

    An FCN becomes a model for evaluate, predict and export. The classifiers vgg16, alexnet and
    googlenet become weights for train --weights. Caffe is not needed.

    [bold]Examples[/bold]

    fcn-keras import-caffe --list

    fcn-keras import-caffe fcn8s-heavy-pascal.caffemodel --net voc-fcn8s --out voc-fcn8s.keras

    fcn-keras import-caffe VGG_ILSVRC_16_layers.caffemodel --net vgg16 --out vgg16.weights.h5
    """
    if show:
        load_library()
        print(_table())
        return
    missing = [n for n, v in (("FILE", file), ("--net", net), ("--out", out)) if v is None]
    if missing:
        raise ValueError(f"{missing[0]} is missing. See fcn-keras import-caffe --help")
    load_library()
    from fcn_keras import published
    from fcn_keras.published.classifiers import CLASSIFIERS

    if net not in CLASSIFIERS:
        net = _known(net, CLASSIFIERS)
    suffix = ".weights.h5" if net in CLASSIFIERS else ".keras"
    _check_out(out, suffix, net, overwrite)
    aside = out.with_name(f".{out.name.removesuffix(suffix)}.partial{suffix}")
    try:
        if net in CLASSIFIERS:
            published.load_classifier(net, file).save_weights(aside)
        else:
            published.build(net, file).save(aside)
        os.replace(aside, out)
    finally:
        aside.unlink(missing_ok=True)
    print(f"{net}: {out}")


def _known(net, classifiers):
    from fcn_keras import published

    try:
        return published.get(net).name
    except ValueError as error:
        raise ValueError(f"--net: {error} Classifiers: {', '.join(classifiers)}.") from None


def _check_out(out, suffix, net, overwrite):
    if not out.name.endswith(suffix) or out.name == suffix:
        raise ValueError(f"--out for {net} must be a {suffix} file, got {str(out)!r}.")
    check_folder(out)
    if out.is_dir() or (out.exists() and not overwrite):
        raise FileExistsError(f"{out} exists already. Choose another --out, or add --overwrite.")


def _table():
    from fcn_keras import published
    from fcn_keras.published.classifiers import CLASSIFIERS

    rows = [published.get(name) for name in published.names()]
    width = max(len(net.name) for net in rows)
    lines = [f"{net.name:{width}}  {net.url or '(weights were not published)'}" for net in rows]
    return "\n".join([*lines, f"ILSVRC classifiers: {', '.join(CLASSIFIERS)}"])
