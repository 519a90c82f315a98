"""MediaPipe's Image Segmenter loads the file, knows the classes, and gives the same mask."""

import importlib

import numpy as np
import pytest

from fcn_keras.export import tflite

SIZE = (64, 96)
NAMES = ["road", "sky", "tree", "car"]


@pytest.fixture(scope="module")
def mediapipe():
    return pytest.importorskip("mediapipe", reason="MediaPipe is not installed")


@pytest.fixture
def path(exported):
    return exported(size=SIZE, logits=True, mediapipe=True)


def test_the_same_mask(mediapipe, path, pictures):
    tasks = importlib.import_module("mediapipe.tasks.python")
    options = tasks.vision.ImageSegmenterOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(path)),
        output_category_mask=True,
        output_confidence_masks=True,
    )
    ours = tflite.Segmenter(path, threads=2)
    with tasks.vision.ImageSegmenter.create_from_options(options) as theirs:
        assert theirs.labels == NAMES
        for pixels in pictures(2, SIZE):
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
            found = theirs.segment(image)
            labels, scores = ours.segment(pixels, return_logits=True)
            assert len(np.unique(labels)) > 2
            mask = found.category_mask.numpy_view().squeeze()
            assert (mask == labels).mean() > 0.999
            powers = np.exp(scores - scores.max(-1, keepdims=True))
            for number, share in enumerate(found.confidence_masks):
                expected = powers[..., number] / powers.sum(-1)
                np.testing.assert_allclose(share.numpy_view().squeeze(), expected, atol=1e-3)


def test_by_the_published_schema(mediapipe, path):
    files = importlib.import_module("mediapipe.tasks.metadata.schema_py_generated")
    schema = importlib.import_module("mediapipe.tasks.metadata.metadata_schema_py_generated")
    model = files.ModelT.InitFromPackedBuf(path.read_bytes())
    (entry,) = [entry for entry in model.metadata if entry.name == b"TFLITE_METADATA"]
    data = bytes(bytearray(model.buffers[entry.buffer].data))
    assert data[4:8] == b"M001"
    (graph,) = schema.ModelMetadataT.InitFromPackedBuf(data).subgraphMetadata
    (image,), (scores,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    (unit,) = image.processUnits
    assert list(unit.options.mean) == [0] and list(unit.options.std) == [1]
    assert image.content.contentProperties.colorSpace == schema.ColorSpaceType.RGB
    (file,) = scores.associatedFiles
    assert file.name == b"labels.txt"
    assert file.type == schema.AssociatedFileType.TENSOR_AXIS_LABELS
    assert [custom.name for custom in graph.customMetadata] == [b"SEGMENTER_METADATA"]
