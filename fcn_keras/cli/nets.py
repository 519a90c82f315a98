"""From the options of a command to the net that it trains."""

from fcn_keras.cli.options import MODELS, parse_filters


def check_model(given):
    """Refuses a `--model` that is none.

    Raises:
        ValueError: naming those there are.
    """
    if given["model"] not in MODELS:
        raise ValueError(f"--model is one of {', '.join(MODELS)}; got {given['model']!r}.")


def build(given, labels):
    """The net that the options describe, for the classes of a `LabelSet`."""
    import fcn_keras
    from fcn_keras.export.loading import model_file

    options = {
        name: given[name] for name in ("alignment", "output_stride", "learn_upsampling", "dropout")
    }
    options["decoder_filters"] = parse_filters(given["decoder_filters"])
    if given["init_from"] is not None:
        options["init_from"] = model_file(given["init_from"])
    return getattr(fcn_keras, given["model"])(
        labels.num_classes,
        given["classifier"],
        weights=weights(given),
        labels=labels,
        **options,
    )


def weights(given):
    """Where the classifier's weights come from: "imagenet", a file, or None."""
    from fcn_keras import classifiers

    if given["weights"] == "auto":
        return "imagenet" if classifiers.get(given["classifier"]).imagenet else None
    return None if given["weights"] == "none" else given["weights"]
