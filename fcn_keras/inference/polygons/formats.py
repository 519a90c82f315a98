"""Polygons as files of annotation tools: labelme, COCO and GeoJSON."""

import json
import os
from pathlib import Path

from fcn_keras.data.tools.shapes import polygon
from fcn_keras.inference.polygons.tracing import has_background

COCO_FILE = "coco.json"
LABELS_FILE = "labels.txt"  # labelme's list of classes, which sets their order
SUFFIXES = {"labelme": ".json", "geojson": ".geojson"}  # of the formats with a file for each image
LABELME = "5.5.0"  # whose files are written


def write_each(formats, target, image, size, regions, labels):
    """Writes the formats that have a file for each image, beside its other results.

    Args:
        formats: Some of `POLYGON_FORMATS`.
        target: Path of the results without their endings.
        image: Path of the image.
        size: (H, W).
        regions: List of `Region`.
        labels: The `fcn_keras.LabelSet`.

    Returns:
        A tuple of the paths.
    """
    make = {"labelme": _labelme, "geojson": _geojson}
    paths = []
    for name in formats:
        if name in make:
            path = path_of(target, name)
            _write(path, make[name](path, image, size, regions, labels))
            paths.append(path)
    return tuple(paths)


def write_coco(path, found, labels):
    """Writes one file in COCO's format.

    Args:
        path: The file to write.
        found: List of (image path, (H, W), list of `Region`).
        labels: The `fcn_keras.LabelSet`.

    Returns:
        The path.
    """
    first = 0 if has_background(labels) else 1  # ids begin with 1
    shared = os.path.commonpath([Path(image).absolute().parent for image, _, _ in found])
    images, annotations = [], []
    for number, (image, (height, width), regions) in enumerate(found, 1):
        name = Path(image).absolute().relative_to(shared).as_posix()
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for region in regions:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": region.label + first,
                    "segmentation": [_ring(region)],
                    "area": region.area,
                    "bbox": region.box,
                    "iscrowd": 0,
                }
            )
    categories = [
        {"id": label + first, "name": name, "supercategory": ""}
        for label, name in enumerate(labels.names)
        if label + first
    ]
    _write(path, {"images": images, "annotations": annotations, "categories": categories})
    return path


def write_labels(folder, labels):
    """Writes the classes as labelme's list, unless there is one.

    Args:
        folder: The folder of labelme's files.
        labels: The `fcn_keras.LabelSet`.
    """
    path = folder / LABELS_FILE
    if not path.exists():
        path.write_text("\n".join(["__ignore__", *labels.names]) + "\n", encoding="utf-8")


def path_of(target, name):
    """Returns the path of an image's file in a format: with the name that the tool looks for."""
    return target.with_name(target.name + SUFFIXES[name])


def _labelme(path, image, size, regions, labels):
    shapes = [
        {
            "label": labels.names[region.label],
            "points": _pairs(_ring(region)),
            "group_id": None,
            "description": "",
            "shape_type": "polygon",
            "flags": {},
            "mask": None,
        }
        for region in regions
    ]
    beside = Path(os.path.relpath(Path(image).absolute(), path.absolute().parent)).as_posix()
    return {
        "version": LABELME, "flags": {}, "shapes": shapes, "imagePath": beside, "imageData": None,
        "imageHeight": size[0], "imageWidth": size[1],
    }  # fmt: skip


def _geojson(path, image, size, regions, labels):
    features = []
    for region in regions:
        name, color = labels.names[region.label], list(labels.palette[region.label])
        rings = [[*ring.tolist(), ring[0].tolist()] for ring in region.rings]
        kind = {"name": name, "color": color}
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": rings},
                "properties": {"objectType": "annotation", "classification": kind},
            }
        )
    return {"type": "FeatureCollection", "features": features}


def _ring(region):
    """The rings of a region as one, x, y, x, y, ..."""
    outer, *holes = region.rings
    return polygon(outer, holes)


def _pairs(values):
    return [list(pair) for pair in zip(values[::2], values[1::2], strict=True)]


def _write(path, content):
    Path(path).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
