"""The options of `dense_crf` that were published for nets, by name."""

from fcn_keras.checks import one_of


def _published(weight, width, color, spatial_width=3):
    return {
        "bilateral_weight": weight,
        "bilateral_width": width,
        "color_width": color,
        "spatial_weight": 3,
        "spatial_width": spatial_width,
        "steps": 10,
    }


# Those of DeepLab v1 are its authors' search on 100 images of PASCAL VOC 2012, for each net.
PRESETS = {
    "deeplab": _published(5, 50, 10),
    "deeplab-msc": _published(3, 95, 3),
    "deeplab-largefov": _published(4, 121, 5),
    "deeplab-msc-largefov": _published(4, 83, 5),
    "deeplab-coco": _published(5, 67, 3),
    "deeplab-coco-largefov": _published(5, 69, 5),
    "deeplab-msc-coco-largefov": _published(4, 59, 5),
    "deeplab-v2": _published(4, 67, 3, spatial_width=1),
    "deconvnet": _published(5, 20, 3),
}


def preset(name):
    """Returns the options of `dense_crf` that were published for a net.

    Args:
        name: One of `fcn_keras.crf.PRESETS`.

    Returns:
        {option: number}, a new dict.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.

    Example:

    ```python
    options = {**fcn_keras.crf.preset("deeplab-largefov"), "steps": 5}
    labels = fcn_keras.segment(model, "street.jpg", crf=options)
    ```

    Source: Chen et al. (2015), DeepLab, section 5.2, and its authors' scripts; Chen et al. (2018);
    Noh, Hong, Han (2015), DeconvNet.
    """
    return dict(PRESETS[one_of("crf", name, tuple(PRESETS))])
