"""The message about an image and a target of different sizes."""

from fcn_keras.data.images.resizing import is_scaled


def size_message(dataset, index, image_size, target_size):
    """Returns the message for an example whose target has not its image's size.

    Args:
        dataset: The `fcn_keras.data.Dataset`.
        index: Number of the example.
        image_size, target_size: (H, W, ...) of both.
    """
    image, target = dataset.images[index], dataset.targets[index]
    sides = "{}x{}".format(*image_size[:2]), "{}x{}".format(*target_size[:2])
    turned = tuple(image_size[1::-1]) == tuple(target_size[:2])
    if image == target:  # the target is drawn from annotations
        return (
            f"The image {image} is {sides[0]} but its annotations are for {sides[1]} "
            "(height x width)"
            + (": turned, perhaps by the image's EXIF orientation." if turned else ".")
            + " Use the image that was annotated, or annotations of this size."
        )
    return (
        f"The image {image} is {sides[0]} but its {dataset.target_word} {target} is {sides[1]} "
        "(height x width): they must be equal."
        + (" One is rotated: the EXIF orientation of the image was applied." if turned else "")
        + _resize_hint(dataset, image_size, target_size)
    )


def _resize_hint(dataset, image_size, target_size):
    """A sentence about the option that brings the image to its target's size, or ""."""
    if dataset.name != "folder" or dataset.resize_images:
        return ""
    if not is_scaled(image_size[:2], target_size[:2]):
        return ""
    return (
        " They have the same proportions: resize=images (on the command line "
        f"folder:DIR,resize=images) brings each image to the size of its {dataset.target_word}."
    )
