"""The gRPC interface, by the official stubs alone."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)


@pytest.fixture(scope="module")
def channel(served):
    target = served.grpc_address.removeprefix("grpc://").partition("/")[0]
    with grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
        yield channel


@pytest.fixture(scope="module")
def predict(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def ask(inputs, signature="", version=None, name="street", outputs=()):
        request = predict_pb2.PredictRequest(output_filter=outputs)
        request.model_spec.name, request.model_spec.signature_name = name, signature
        if version:
            request.model_spec.version.value = version
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        return stub.Predict(request, timeout=60)

    return ask


def test_predict(predict, images, expected):
    for version in (1, 2):
        answer = predict({"images": images[0][None]}, version=version)
        assert answer.model_spec.version.value == version
        assert answer.model_spec.signature_name == "serving_default"
        label_map = tf.make_ndarray(answer.outputs["label_map"])
        assert label_map.dtype == np.uint8
        np.testing.assert_array_equal(label_map, expected[version][0][None])
    files = [tf.io.encode_png(image).numpy() for image in images]
    answer = predict({"image_bytes": files}, "encoded", outputs=["status"])
    assert {*answer.outputs} == {"status"}
    assert tf.make_ndarray(answer.outputs["status"]).tolist() == [b"ok"] * 3


IMAGE = np.zeros((1, 2, 3, 3), "uint8")
WRONG = (
    ("a wrong dtype", {"images": IMAGE.astype("float32")}, {}, "INVALID_ARGUMENT", "float"),
    ("a wrong shape", {"images": IMAGE[0]}, {}, "INVALID_ARGUMENT", ""),
    ("an unknown input", {"picture": IMAGE}, {}, "INVALID_ARGUMENT", "picture"),
    ("no input", {}, {}, "INVALID_ARGUMENT", "images"),
    ("an unknown output", {"images": IMAGE}, {"outputs": ["x"]}, "INVALID_ARGUMENT", "x"),
    ("an unknown model", {"images": IMAGE}, {"name": "no"}, "NOT_FOUND", "Latest(no)"),
    ("a vanished version", {"images": IMAGE}, {"version": 7}, "NOT_FOUND", "Specific(street, 7)"),
)


@pytest.mark.parametrize(
    "inputs, how, code, told", [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_what_is_wrong_is_told(predict, inputs, how, code, told):
    with pytest.raises(grpc.RpcError) as raised:
        predict(inputs, **how)
    assert raised.value.code().name == code and told in raised.value.details()


def test_bytes_that_are_no_tensor(channel):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "street"
    request.inputs["images"].dtype = tf.uint8.as_datatype_enum
    for size in (1, 20, 20, 3):
        request.inputs["images"].tensor_shape.dim.add(size=size)
    request.inputs["images"].tensor_content = b"few"
    with pytest.raises(grpc.RpcError) as raised:
        prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=60)
    assert raised.value.code().name == "INVALID_ARGUMENT"


def test_metadata(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "street"
    with pytest.raises(grpc.RpcError) as raised:
        stub.GetModelMetadata(request, timeout=60)
    assert raised.value.code().name == "INVALID_ARGUMENT"
    request.metadata_field.append("signature_def")
    answer = stub.GetModelMetadata(request, timeout=60)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(found)
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("street", 2)
    label_map = found.signature_def["serving_default"].outputs["label_map"]
    assert label_map.dtype == tf.uint8.as_datatype_enum


def test_status(channel):
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "street"
    request.model_spec.version.value = 1
    (found,) = stub.GetModelStatus(request, timeout=60).model_version_status
    assert (found.version, found.state, found.status.error_code) == (1, found.AVAILABLE, 0)
    request.model_spec.version.value = 7
    with pytest.raises(grpc.RpcError) as raised:
        stub.GetModelStatus(request, timeout=60)
    assert raised.value.code().name == "NOT_FOUND"
    assert raised.value.details() == "Could not find version 7 of model street"


def test_what_the_development_server_has_not(served, channel):
    if not hasattr(served, "model"):
        pytest.skip("TensorFlow Serving has it")
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    with pytest.raises(grpc.RpcError) as raised:
        stub.HandleReloadConfigRequest(model_management_pb2.ReloadConfigRequest(), timeout=60)
    assert raised.value.code().name == "UNIMPLEMENTED"
