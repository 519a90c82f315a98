"""Checks before a training starts: data and model must fit each other."""

from fcn_keras.data.images.reader import ImageReader
from fcn_keras.data.multi_task import MultiTaskDataset
from fcn_keras.losses import ConstrainedCNN
from fcn_keras.models.outputs import keeps_task, output_tasks, set_image_config, set_task

_FULL = ("ResourceExhaustedError", "MemoryError")
NO_TRUTH = ("tags", "sizes", "boxes")  # weak labels that are not the truth about pixels
_SIGNS = ("RESOURCE_EXHAUSTED", "OOM when allocating", "CUDA out of memory")


def check_data(train_data, val_data):
    """Raises ValueError for empty data, and for two datasets of different tasks."""
    if not len(train_data):
        raise ValueError("The training data holds no image.")
    if val_data is None:
        return
    if not len(val_data):
        raise ValueError("The validation data holds no image. Pass None to train without.")
    if val_data.form in NO_TRUTH:
        raise ValueError(
            f"The validation data ({val_data.name}, {val_data.split}) has {val_data.form} in place "
            "of masks, and nothing can be measured against them: pass data with masks (val_data, "
            "--val-data), or none."
        )
    if val_data.labels is None or train_data.labels is None:
        if val_data.task != train_data.task:
            raise ValueError(
                f"Training and validation data differ in their tasks: {train_data.task} and "
                f"{val_data.task}."
            )
    elif val_data.labels.names != train_data.labels.names:
        raise ValueError(
            f"Training and validation data differ in their classes: {train_data.labels.names} "
            f"and {val_data.labels.names}."
        )


def check_content(train_data, val_data):
    """Raises ValueError for data on which a training means nothing: void alone, one class alone.

    Targets are read up to the first that has a pixel that counts, which is mostly the first.
    """
    for what, data in (("training", train_data), ("validation", val_data)):
        for part in _datasets(data):
            if part.labels is not None and part.labels.num_classes == 1:
                raise ValueError(
                    f"{part.name} has one class alone, {part.labels.names[0]!r}: a net has nothing "
                    "to tell it apart from. Add the others, such as background."
                )
            if not _has_content(part):
                has = "has a class" if part.labels else f"has a value of {part.task.name!r}"
                raise ValueError(
                    f"No pixel of the {what} data ({part.name}, {part.split}) {has}: all "
                    f"{len(part)} targets hold nothing but void. `fcn-keras check-data` tells more."
                )


def check_learned(rows, name):
    """Raises ValueError if no epoch had a pixel that counts.

    Args:
        rows: The history.
        name: The column of a metric of the training, which is None where nothing was counted.
    """
    if rows and all(row.get(name, 0) is None for row in rows):
        raise ValueError(
            f"No pixel counted in any of {len(rows)} epochs: {name} is NaN in all of them, and the "
            "net has learned nothing. The masks, or the crops taken of them, hold nothing but "
            "void. `fcn-keras check-data` tells more."
        )


def check_feasible(loss, data):
    """Raises ValueError if the constraints of a loss contradict each other in an image.

    Args:
        loss: The loss of a compiled model; others than `ConstrainedCNN` are not looked at.
        data: The training data.
    """
    if not isinstance(loss, ConstrainedCNN):
        return
    tags = []
    for index in range(len(data)):
        try:
            tags.append(data.read_alternatives(index)[0])
        except (OSError, ValueError):
            continue  # told elsewhere
    if tags:
        loss.require_feasible(tags)


def _datasets(data):
    if data is None:
        return []
    return list(data.parts.values()) if isinstance(data, MultiTaskDataset) else [data]


def _has_content(dataset):
    """Whether any target has a pixel that counts, or cannot be read, which is told elsewhere."""
    if not dataset.labels_pixels:  # tags
        return True
    for index in range(len(dataset)):
        try:
            target = dataset.read_target(index)
        except (OSError, ValueError):
            return True
        if dataset.task.valid(target).any():
            return True
    return False


def check_same_data(started, now):
    """Raises ValueError for other numbers of images than the run was started with.

    A schedule counts steps, and the best epoch is one on the same images.
    """
    for part, dataset in now.items():
        before = started[part] and started[part]["images"]
        if before != (dataset and len(dataset)):
            raise ValueError(
                f"The run was started with {before or 'no'} images in its {part} data, and now "
                f"there are {len(dataset) if dataset else 'none'}: a resumed run needs the same."
            )


def check_same_reading(started, train_data):
    """Raises ValueError if the images are read with other options than when the run was started.

    Args:
        started: What config.json says of the training data.
        train_data: The training data now.
    """
    before, reader = started.get("image_reader", {}), train_data.image_reader
    now = reader.to_config() if isinstance(reader, ImageReader) else {}
    if before != now:
        told = [", ".join(f"{k}={v}" for k, v in one.items()) or "none" for one in (before, now)]
        raise ValueError(
            f"The run was started with the options {told[0]} of reading images, and now they are "
            f"{told[1]}: a resumed run needs the same."
        )


def check_model(model, task):
    """Raises ValueError for a model of another task than the data's.

    A model of this package that has classes without names gets those of the data.

    Args:
        model: A Keras model.
        task: The data's task, or {output: task}.
    """
    own = output_tasks(model)
    if len(model.inputs) != 1:
        names = ", ".join(tensor.name for tensor in model.inputs)
        raise ValueError(f"Training takes a net of one input; {model.name!r} has {names}.")
    wanted = task if isinstance(task, dict) else {None: task}
    if {*own} != {*wanted}:
        raise ValueError(
            f"{model.name!r} has the outputs {_listed(own)}, but the data has targets for "
            f"{_listed(wanted)}. Take one output: fcn_keras.one_output(model, name)."
        )
    for output, one in wanted.items():
        _check_output(model, own[output], one)
        if one.labels is not None and own[output].labels is None and keeps_task(model):
            set_task(model, {output: one} if output else one)


def with_channels_of(model, *datasets):
    """Returns datasets whose images have as many channels as the model takes: grey or RGB.

    Args:
        model: A Keras model of one input.
        *datasets: `fcn_keras.data.Dataset`s, or None.

    Raises:
        ValueError: if the images have another number of channels, other than 1 and 3.
    """
    channels = model.inputs[0].shape[-1]
    return [None if data is None else data.with_channels(channels) for data in datasets]


def keep_image_reader(model, train_data, val_data):
    """Stores in a model how the images of its training are read, and reads the validation alike.

    Args:
        model: A Keras model.
        train_data, val_data: `fcn_keras.data.Dataset`s; the second may be None.

    Returns:
        The validation data: its options where it has some, else those of the training.
    """
    if not isinstance(train_data.image_reader, ImageReader):
        return val_data
    options = train_data.image_reader.to_config()
    if options or train_data.reads_files:
        set_image_config(model, options)
    return val_data and val_data.read_as(train_data.image_reader)


def _check_output(model, own, task):
    """Raises ValueError if an output of a model has another task than its data."""
    if own.kind != task.kind:
        raise ValueError(
            f"{model.name!r} was built for the task {own.kind!r}, but the data has "
            f"{task.kind!r}. Build it for the data's task: fcn8s(data.task, ...)."
        )
    if not own.fits(task):
        named = f" classes: {', '.join(task.labels.names)}" if task.labels else " channels"
        raise ValueError(
            f"{model.name!r} has {own.channels} outputs a pixel, but the data has "
            f"{task.channels}{named}."
        )
    if own.labels and task.labels and own.labels.names != task.labels.names:
        raise ValueError(
            f"{model.name!r} was built for the classes {', '.join(own.labels.names)}, but the "
            f"data has {', '.join(task.labels.names)}. Build it with labels=data.labels."
        )


def _listed(outputs):
    return ", ".join(name or "(unnamed)" for name in outputs)


def out_of_memory(error, plan):
    """Returns a MemoryError that says what to change where a step did not fit; None for another.

    Args:
        error: What the backend raised.
        plan: The `Recipe`.
    """
    if type(error).__name__ not in _FULL and not any(sign in str(error) for sign in _SIGNS):
        return None
    if plan.crop is None:
        images = f"{plan.batch_size} whole images at once,"
    else:
        images = f"{plan.batch_size} crops of {plan.crop[0]}x{plan.crop[1]} at once,"
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return MemoryError(
        f"The training needs more memory than the device has: {images} or an image of the "
        "validation, which is whole. Take a smaller batch (batch_size, --batch-size) with "
        "accumulate=2 or more, smaller crops (crop, --crop), or precision='mixed' (--precision "
        f"mixed). The device says: {first}"
    )
