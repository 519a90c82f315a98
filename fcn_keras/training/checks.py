"""What is refused before a training starts: data and a model that do not fit each other."""

from fcn_keras.models import labels_of
from fcn_keras.models.outputs import check_single, keeps_task, set_labels


def check_data(train_data, val_data):
    """Refuses empty data, and two datasets of different classes."""
    if not len(train_data):
        raise ValueError("The training data holds no image.")
    if val_data is None:
        return
    if not len(val_data):
        raise ValueError("The validation data holds no image. Pass None to train without.")
    if val_data.labels.names != train_data.labels.names:
        raise ValueError(
            f"Training and validation data differ in their classes: {train_data.labels.names} "
            f"and {val_data.labels.names}."
        )


def check_same_data(started, now):
    """A schedule counts steps, and the best epoch is one on the same images."""
    for part, dataset in now.items():
        before = started[part] and started[part]["images"]
        if before != (dataset and len(dataset)):
            raise ValueError(
                f"The run was started with {before or 'no'} images in its {part} data, and now "
                f"there are {len(dataset) if dataset else 'none'}: a resumed run needs the same."
            )


def check_model(model, labels):
    """Refuses a model for other classes; one of this package without labels gets these."""
    check_single(model, "Training")
    classes = model.output_shape[-1]
    if classes != labels.num_classes:
        raise ValueError(
            f"{model.name!r} has {classes} outputs a pixel, but the data has {labels.num_classes} "
            f"classes: {', '.join(labels.names)}."
        )
    own = labels_of(model)
    if own is not None and own.names != labels.names:
        raise ValueError(
            f"{model.name!r} was built for the classes {', '.join(own.names)}, but the data has "
            f"{', '.join(labels.names)}. Build it with labels=data.labels."
        )
    if own is None and keeps_task(model):
        set_labels(model, labels)
