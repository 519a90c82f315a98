"""The REST interface, by a plain HTTP client, against TF Serving's documentation."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

PREDICT = "/v1/models/street:predict"


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return {"b64": base64.b64encode(file.getvalue()).decode()}


def mask(document):
    return np.array(Image.open(io.BytesIO(base64.b64decode(document["b64"]))))


def test_the_status_document(rest):
    def version(number):
        status = {"error_code": "OK", "error_message": ""}
        return {"version": str(number), "state": "AVAILABLE", "status": status}

    both = rest.get("/v1/models/street")
    assert both.status_code == 200 and both.headers["content-type"] == "application/json"
    entries = both.json()["model_version_status"]
    assert sorted(entries, key=lambda e: e["version"]) == [version(1), version(2)]
    for path in ("versions/1", "labels/stable"):
        one = rest.get(f"/v1/models/street/{path}").json()
        if path == "versions/1" or len(one["model_version_status"]) == 1:
            assert one == {"model_version_status": [version(1)]}


def test_the_metadata_document(rest):
    document = rest.get("/v1/models/street/metadata").json()
    assert document["model_spec"]["name"] == "street" and document["model_spec"]["version"] == "2"
    signatures = document["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "logits", "encoded"} <= signatures.keys()
    images = signatures["serving_default"]["inputs"]["images"]
    assert images["dtype"] == "DT_UINT8"
    assert [dim["size"] for dim in images["tensor_shape"]["dim"]] == ["-1", "-1", "-1", "3"]
    assert signatures["serving_default"]["method_name"] == "tensorflow/serving/predict"
    assert signatures["encoded"]["inputs"]["image_bytes"]["dtype"] == "DT_STRING"
    older = rest.get("/v1/models/street/versions/1/metadata").json()
    assert "encoded" not in older["metadata"]["signature_def"]["signature_def"]


def test_predict_in_columns_and_in_rows(rest, images, expected):
    image, truth = images[0], expected[2][0]
    asked = {
        "inputs": ({"inputs": [image.tolist()]}, "outputs"),
        "named inputs": ({"inputs": {"images": [image.tolist()]}}, "outputs"),
        "instances": ({"instances": [image.tolist()]}, "predictions"),
        "named instances": ({"instances": [{"images": image.tolist()}]}, "predictions"),
    }
    for form, (document, key) in asked.items():
        answer = rest.post(PREDICT, json=document)
        assert answer.status_code == 200, (form, answer.text)
        assert {*answer.json()} == {key}
        np.testing.assert_array_equal(answer.json()[key], [truth], form)


def test_several_outputs_and_binary_values(rest, images, expected):
    """Names that end in _bytes come as base64, others as text; the batch mixes sizes."""
    files = [png(image) for image in images] + [{"b64": base64.b64encode(b"none").decode()}]
    columns = {"signature_name": "encoded", "inputs": {"image_bytes": files}}
    outputs = rest.post(PREDICT, json=columns).json()["outputs"]
    assert outputs["status"][:3] == ["ok"] * 3
    assert outputs["status"][3] == "The bytes are not a JPEG, PNG, BMP or GIF image."
    rows = {"signature_name": "encoded", "instances": files}
    predictions = rest.post(PREDICT, json=rows).json()["predictions"]
    for number, truth in enumerate(expected[2]):
        np.testing.assert_array_equal(mask(outputs["mask_png_bytes"][number]), truth)
        np.testing.assert_array_equal(mask(predictions[number]["mask_png_bytes"]), truth)
    assert predictions[3] == {"mask_png_bytes": {"b64": ""}, "status": outputs["status"][3]}


def test_floats(rest, models, images):
    document = {"signature_name": "logits", "inputs": [images[0].tolist()]}
    scores = rest.post(PREDICT, json=document).json()["outputs"]
    logits = models[2].predict(images[0][None].astype("float32"), verbose=0)
    np.testing.assert_allclose(scores, logits, rtol=1e-3, atol=1e-3 * np.abs(logits).max())


@pytest.mark.parametrize(
    "path, version",
    [("versions/1", 1), ("versions/2", 2), ("labels/stable", 1), ("labels/canary", 2)],
)
def test_versions_and_labels(rest, images, expected, path, version):
    assert (expected[1][0] != expected[2][0]).mean() > 0.1
    answer = rest.post(f"/v1/models/street/{path}:predict", json={"inputs": [images[0].tolist()]})
    np.testing.assert_array_equal(answer.json()["outputs"], expected[version][:1])


WRONG = (
    ("half a JSON", '{"instances": [[[[1, 2', 400, "JSON Parse error"),
    ("nothing", "", 400, "JSON Parse error: The document is empty"),
    ("no object", "[1, 2]", 400, "Is not object"),
    ("bytes that are no text", b'{"inputs": "\xff\xfe"}', 400, "JSON"),
    ("nothing to predict", "{}", 400, "Missing 'inputs' or 'instances' key"),
    ("both forms", '{"inputs": [1], "instances": [1]}', 400, "only one of 'inputs' or 'instances'"),
    ("no instances", '{"instances": []}', 400, "No values in 'instances' array"),
    ("a wrong type", '{"instances": [[[[0.5, 1, 2]]]]}', 400, "not of expected type: uint8"),
    ("text", '{"instances": [[[["a", "b", "c"]]]]}', 400, "not of expected type: uint8"),
    ("ragged", '{"inputs": [[[[1, 2, 3]], [[1, 2]]]]}', 400, ""),
    ("an unknown input", '{"inputs": {"picture": [1]}}', 400, "Missing named input: images"),
    ("too few dimensions", '{"inputs": [[1, 2, 3]]}', 400, ""),
    ("four channels", '{"inputs": [[[[1, 2, 3, 4]]]]}', 400, ""),
    ("an unknown signature", '{"signature_name": "seg", "inputs": [1]}', 400, '"seg" not found'),
    ("a number for a name", '{"signature_name": 5, "inputs": [1]}', 400, "key must"),
    ("no base64", '{"signature_name": "encoded", "inputs": [{"b64": "é?"}]}', 400, "base64"),
)  # fmt: skip


@pytest.mark.parametrize("body, status, told", [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_what_is_wrong_is_told(rest, body, status, told):
    answer = rest.post(PREDICT, content=body if isinstance(body, bytes) else body.encode())
    assert answer.status_code == status, answer.text
    assert {*answer.json()} == {"error"} and told in answer.json()["error"]
    assert rest.get("/v1/models/street").status_code == 200


def test_what_is_not_there(rest):
    body = json.dumps({"inputs": [[[[1, 2, 3]]]]})
    for path, status, told in (
        ("/v1/models/other:predict", 404, "Servable not found for request: Latest(other)"),
        ("/v1/models/street/versions/7:predict", 404, "not found for request: Specific(street, 7)"),
        ("/v1/models/street/labels/old:predict", 400, "Unrecognized servable version label: old"),
        ("/v1/models/street:forecast", 400, "Malformed request: POST /v1/models/street:forecast"),
    ):
        answer = rest.post(path, content=body)
        assert (answer.status_code, told in answer.text) == (status, True), answer.text
    for path, status, told in (
        ("/v1/models/other", 404, "Could not find any versions of model other"),
        ("/v1/models/street/versions/7", 404, "Could not find version 7 of model street"),
        ("/v1/models/other/metadata", 404, "Servable not found for request: Latest(other)"),
    ):
        answer = rest.get(path)
        assert (answer.status_code, answer.json()["error"]) == (status, told)
