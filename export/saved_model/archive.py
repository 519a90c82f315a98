"""Writes the signatures and files of a SavedModel. Importing this module imports TensorFlow."""

import json

import keras
import tensorflow as tf

from fcn_keras import tasks
from fcn_keras.export import asset_names
from fcn_keras.export.decoding import decode, files_of, gives_labels, map_name
from fcn_keras.export.saved_model.image_files import decoder
from fcn_keras.export.saved_model.precision import halved, rebuilt
from fcn_keras.export.saved_model.warmup import write_warmup


def write(model, folder, options):
    """Writes a SavedModel.

    Args:
        model: The Keras model.
        folder: A `pathlib.Path` that must not exist.
        options: An `Options`.
    """
    task = tasks.from_config(options.task)
    if options.precision:
        model = rebuilt(model, options.precision)
    assets = files_of(task)
    if options.halo is not None:
        assets[asset_names.HALO] = json.dumps(options.halo) + "\n"
    if options.images:
        assets[asset_names.IMAGES] = json.dumps(options.images) + "\n"
    segmenter = _Segmenter(model, task, options, assets)
    images = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name="images")
    inputs = {
        "encoded": tf.TensorSpec((None,), tf.string, name="image_bytes"),
        "assets": tf.TensorSpec((None,), tf.string, name="name"),
    }
    archive = keras.export.ExportArchive()
    for name in options.signatures:
        archive.add_endpoint(name, getattr(segmenter, name), [inputs.get(name, images)])
    archive.write_out(str(folder), verbose=False)
    (folder / "assets").mkdir(exist_ok=True)
    for name, contents in assets.items():
        (folder / "assets" / name).write_text(contents)
    write_warmup(folder, options, model.input_shape[-1])


class _Segmenter:
    """The functions that become signatures; each is traced without autograph."""

    def __init__(self, model, task, options, assets):
        self.shape = model.input_shape[1:]
        self.task = task
        self.options = options
        self.files = assets
        self.model = halved(model) if options.half_weights else _called(model)
        self.decode_file = decoder(options.max_megapixels, self.shape, options.images)

    def serving_default(self, images):
        return {map_name(self.task): self._map(images)}

    def logits(self, images):
        logits = self._outputs(self._shrunk(images))
        return {"logits": self._enlarged(logits, images, "bilinear")}

    def encoded(self, image_bytes):
        def each(contents):
            image, status = self.decode_file(contents)
            mask = tf.cond(
                status == "ok",
                lambda: tf.io.encode_png(self._map(image[None])[0, ..., None]),
                lambda: tf.constant(b""),
            )
            return mask, status

        masks, statuses = tf.map_fn(
            each, image_bytes, fn_output_signature=(tf.string, tf.string), parallel_iterations=2
        )
        return {"mask_png_bytes": masks, "status": statuses}

    def assets(self, name):
        contents = tf.fill(tf.shape(name), "")
        for file, text in self.files.items():
            contents = tf.where(name == file, text, contents)
        return {"contents": contents}

    def _map(self, images):
        decoded = decode(self.task, self._outputs(self._shrunk(images)))
        method = "nearest" if gives_labels(self.task) else "bilinear"
        if self.task.axes == 3:
            return self._enlarged(decoded, images, method)
        return self._enlarged(decoded[..., None], images, method)[..., 0]

    def _outputs(self, images):
        """The outputs of the net, averaged with those of the mirrored images if asked for."""
        if not self.options.flip:
            return self.model(images)
        mirrored = tf.reverse(self.model(tf.reverse(images, [2])), [2])
        return (self.model(images) + self.task.mirrored(mirrored)) / 2

    def _shrunk(self, images):
        """The images as float32, with no side longer than `max_side`."""
        images = tf.cast(images, tf.float32)
        if self.options.max_side is None:
            return images

        def shrink():
            size = tf.cast(tf.shape(images)[1:3], tf.float32)
            size = tf.round(size * (self.options.max_side / tf.reduce_max(size)))
            size = tf.maximum(tf.cast(size, tf.int32), 1)
            return tf.image.resize(images, size, antialias=True)

        small = tf.cond(self._too_large(images), shrink, lambda: images)
        return tf.ensure_shape(small, (None, *self.shape))

    def _enlarged(self, maps, images, method):
        """Maps of the shrunk images, in the size of the images themselves."""
        if self.options.max_side is None:
            return maps
        size = tf.shape(images)[1:3]

        def enlarge():
            factor = tf.cast(size / tf.shape(maps)[1:3], "float32")
            return self.task.scaled(tf.image.resize(maps, size, method), factor)

        return tf.cond(self._too_large(images), enlarge, lambda: maps)

    def _too_large(self, images):
        return tf.reduce_max(tf.shape(images)[1:3]) > self.options.max_side


def _called(model):
    return lambda images: tf.cast(model(images, training=False), tf.float32)
