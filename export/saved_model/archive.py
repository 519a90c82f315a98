"""The SavedModel's signatures and files; TensorFlow is imported when this module is."""

import json

import keras
import tensorflow as tf

from fcn_keras.export import asset_names
from fcn_keras.export.saved_model.decoding import decoder
from fcn_keras.export.saved_model.precision import halved, rebuilt
from fcn_keras.export.saved_model.warmup import write_warmup
from fcn_keras.labels import LabelSet


def write(model, folder, options):
    """Writes the SavedModel of `options` (an `Options`) into `folder`, which must not exist."""
    labels = LabelSet.from_config(options.labels)
    if options.precision:
        model = rebuilt(model, options.precision)
    assets = {asset_names.LABELS: json.dumps(options.labels, indent=1) + "\n"}
    if options.halo is not None:
        assets[asset_names.HALO] = json.dumps(options.halo) + "\n"
    segmenter = _Segmenter(model, labels.dtype, options, assets)
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

    def __init__(self, model, label_dtype, options, assets):
        self.shape = model.input_shape[1:]
        self.label_dtype = label_dtype
        self.options = options
        self.files = assets
        self.model = halved(model) if options.half_weights else _called(model)
        self.decode = decoder(options.max_megapixels, self.shape)

    def serving_default(self, images):
        return {"label_map": self._label_map(images)}

    def scores(self, images):
        scores = self._logits(self._shrunk(images))
        return {"scores": self._enlarged(scores, images, "bilinear")}

    def encoded(self, image_bytes):
        def each(contents):
            image, status = self.decode(contents)
            mask = tf.cond(
                status == "ok",
                lambda: tf.io.encode_png(self._label_map(image[None])[0, ..., None]),
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

    def _label_map(self, images):
        label_map = tf.argmax(self._logits(self._shrunk(images)), axis=-1, output_type=tf.int32)
        label_map = tf.cast(label_map, self.label_dtype)[..., None]
        return self._enlarged(label_map, images, "nearest")[..., 0]

    def _logits(self, images):
        if not self.options.flip:
            return self.model(images)
        mirrored = tf.reverse(self.model(tf.reverse(images, [2])), [2])
        return (self.model(images) + mirrored) / 2

    def _shrunk(self, images):
        """The images as float32, no side longer than `max_side`."""
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
        """Maps of the shrunk images as large as the images themselves."""
        if self.options.max_side is None:
            return maps
        size = tf.shape(images)[1:3]
        return tf.cond(
            self._too_large(images), lambda: tf.image.resize(maps, size, method), lambda: maps
        )

    def _too_large(self, images):
        return tf.reduce_max(tf.shape(images)[1:3]) > self.options.max_side


def _called(model):
    return lambda images: tf.cast(model(images, training=False), tf.float32)
