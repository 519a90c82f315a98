"""The records of a TFDS split by number, decoded one at a time."""

import os
import struct

import numpy as np


class Records:
    """Some features of the examples of a split, by number.

    The positions of the records in TFRecord files are looked up once; then single records are
    read. Builders without TFRecord files on this machine, such as TFDS's mock, give the examples
    themselves.
    """

    def __init__(self, builder, split, names, download=False):
        if download:
            builder.download_and_prepare()
        self._name = builder.name
        self._parts = {
            name: type(builder.info.features)({name: builder.info.features[name]}) for name in names
        }
        self._places, self._examples = [], None
        if not builder.info.splits:
            self._examples = _all_examples(builder, split, names)
            return
        try:
            part = builder.info.splits[split]
        except (KeyError, ValueError) as error:
            known = list(builder.info.splits)
            raise ValueError(f"tfds:{builder.name} has no split {split!r}; it has {known}.") from (
                error
            )
        if builder.info.file_format.value != "tfrecord":
            self._examples = builder.as_data_source(split)
        elif all(os.path.exists(file.filename) for file in part.file_instructions):
            for file in part.file_instructions:
                places = record_places(file.filename)[file.skip : file.skip + file.take]
                self._places += [(file.filename, *place) for place in places]
        else:
            self._examples = _all_examples(builder, split, names)

    def __len__(self):
        return len(self._places if self._examples is None else self._examples)

    def read(self, number, name):
        """Returns the array of one feature of example `number`."""
        if self._examples is not None:
            return np.asarray(self._examples[number][name])
        filename, start, size = self._places[number]
        with open(filename, "rb") as file:
            file.seek(start)
            record = file.read(size)
        return self._parts[name].deserialize_example(record)[name].numpy()


def record_places(path):
    """Returns (start, size) of each record of a TFRecord file, in bytes.

    Raises:
        ValueError: if the file ends within a record.
    """
    places = []
    with open(path, "rb") as file:
        end = file.seek(0, 2)
        start = 0
        while start < end:
            file.seek(start)
            header = file.read(12)  # the size and its checksum; another follows the record
            size = struct.unpack("<Q", header[:8])[0] if len(header) == 12 else end
            if start + 16 + size > end:
                raise ValueError(f"{path} is cut short at byte {end}; prepare the dataset again.")
            places.append((start + 12, size))
            start += 16 + size
    return places


def _all_examples(builder, split, names):
    """Every example of a builder without files.

    Raises:
        FileNotFoundError: if the builder was not prepared.
    """
    try:
        examples = builder.as_dataset(split=split, shuffle_files=False)
    except AssertionError as error:
        raise FileNotFoundError(
            f"tfds:{builder.name}: {builder.data_dir} was expected and is not there. To "
            f"download it, pass download=True (tfds:{builder.name},download), or run "
            f"`tfds build {builder.name}`. It is published at {builder.info.homepage}."
        ) from error
    return [{name: e[name] for name in names} for e in examples.as_numpy_iterator()]
