"""The files to deploy, read by parsers: the official proto, schemas of the documented fields."""

import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

import fcn_keras
from fcn_keras.export import serving
from fcn_keras.export.serving.deployment.compose import health_check

# session_bundle_config.proto (BatchingParameters) and monitoring_config.proto
WHOLE = {"type": "object", "properties": {"value": {"type": "integer", "minimum": 0}},
         "required": ["value"], "additionalProperties": False}  # fmt: skip
BATCHING = {
    "type": "object",
    "properties": {
        **dict.fromkeys(
            ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"),
            WHOLE,
        ),
        "thread_pool_name": {"type": "object"},
        "allowed_batch_sizes": {"type": "array", "items": {"type": "integer", "minimum": 1}},
        "pad_variable_length_inputs": {"type": "boolean"},
    },
    "additionalProperties": False,
}
MONITORING = {
    "type": "object",
    "properties": {
        "prometheus_config": {
            "type": "object",
            "properties": {"enable": {"const": True}, "path": {"type": "string", "pattern": "^/"}},
            "required": ["enable", "path"],
            "additionalProperties": False,
        }
    },
    "required": ["prometheus_config"],
    "additionalProperties": False,
}


def proto_text(text):
    """Protocol buffers' text form as dicts; a repeated field becomes a list."""
    tokens = iter(re.findall(r'"[^"]*"|[{}:]|[^\s{}:]+', text))

    def message(end):
        found = {}
        for name in tokens:
            if name == end:
                return found
            mark = next(tokens)
            value = message("}") if mark == "{" else scalar(next(tokens))
            found[name] = [*_listed(found[name]), value] if name in found else value
        assert end is None
        return found

    def scalar(token):
        words = {"true": True, "false": False}
        return token.strip('"') if token[0] == '"' else words.get(token) or int(token)

    return message(None)


def _listed(value):
    return value if isinstance(value, list) else [value]


@pytest.fixture
def put(street, tmp_path):
    """Puts versions of a model into the folder, as an export does."""

    def put(name, *versions):
        for version in versions:
            folder = tmp_path / "deploy/models" / name / str(version)
            shutil.copytree(street / "1", folder)
        return tmp_path / "deploy"

    return put


def models_config(folder):
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((folder / "models.config").read_text(), config)
    return {entry.name: entry for entry in config.model_config_list.config}


def read(folder, name):
    return yaml.safe_load((folder / name).read_text())


def test_what_an_export_writes(models, tmp_path):
    net = models[1]
    folder = serving.export_serving(
        net, tmp_path / "deploy", "street", signatures="serving_default", warmup=None, memory="8Gi"
    )
    assert folder == tmp_path / "deploy/models/street/1"
    assert (folder / "saved_model.pb").exists()
    written = {str(p.relative_to(tmp_path / "deploy")) for p in (tmp_path / "deploy").rglob("*.*")}
    manifests = ("config", "models", "deployment", "service", "autoscaler")
    assert written >= {
        "models.config", "batching_parameters.txt", "monitoring.config", "docker-compose.yml",
        *(f"kubernetes/{name}.yaml" for name in manifests),
    }  # fmt: skip
    limits = read(tmp_path / "deploy", "docker-compose.yml")["services"]["serving"]["deploy"]
    assert limits["resources"]["limits"]["memory"] == "8g"
    for wrong in ({"name": "Street"}, {"memory": "lots"}):
        with pytest.raises(ValueError, match="got 'Street'|got 'lots'"):
            serving.export_serving(net, tmp_path / "other", **wrong)
    assert not (tmp_path / "other").exists()


def test_the_model_server_config(put):
    deploy = put("street", 1)
    serving.write_deployment(deploy)
    entry = models_config(deploy)["street"]
    assert (entry.base_path, entry.model_platform) == ("/deploy/models/street", "tensorflow")
    assert entry.model_version_policy.WhichOneof("policy_choice") == "all"
    assert dict(entry.version_labels) == {"stable": 1}


def test_canary_stable_and_rollback(put):
    deploy = put("street", 1, 2)

    def labels(name="street", **given):
        serving.write_deployment(deploy, **given)
        return dict(models_config(deploy)[name].version_labels)

    assert labels() == {"stable": 1, "canary": 2}
    assert labels(stable={"street": 2}) == {"stable": 2}
    put("street", 3)
    put("people", 7)
    assert labels() == {"stable": 2, "canary": 3}
    assert labels("people") == {"stable": 7}
    assert labels(canary={"street": None}) == {"stable": 2}
    assert labels(stable={"street": 1}, canary={"street": 2}) == {"stable": 1, "canary": 2}
    shutil.rmtree(deploy / "models/street/1")
    assert labels() == {"stable": 2, "canary": 3}
    for wrong, told in (
        ({"stable": {"street": 9}}, "no version 9 to label stable; it has 2, 3"),
        ({"canary": {"car": 1}}, "no model 'car'; it has people, street"),
    ):
        with pytest.raises(ValueError, match=told):
            serving.write_deployment(deploy, **wrong)


def test_batching_and_monitoring(put):
    deploy = put("street", 1)
    serving.write_deployment(deploy, max_batch_size=12, batch_timeout_micros=500)
    batching = proto_text((deploy / "batching_parameters.txt").read_text())
    jsonschema.validate(batching, BATCHING)
    assert batching["max_batch_size"]["value"] == 12
    assert batching["batch_timeout_micros"]["value"] == 500
    sizes = batching["allowed_batch_sizes"]
    assert sizes == sorted({*sizes}) and sizes[-1] == 12  # the server insists on both
    monitoring = proto_text((deploy / "monitoring.config").read_text())
    jsonschema.validate(monitoring, MONITORING)


def test_the_server_reads_no_batching_unless_asked(put):
    """It ends with an error for the parameters' file without --enable_batching."""
    deploy = put("street", 1)
    for options, batching in (({}, False), ({"max_batch_size": 4}, True)):
        serving.write_deployment(deploy, **options)
        container = read(deploy, "kubernetes/deployment.yaml")["spec"]["template"]["spec"]
        for words in (
            read(deploy, "docker-compose.yml")["services"]["serving"]["command"],
            container["containers"][0]["args"],
        ):
            flags = dict(word.removeprefix("--").split("=") for word in words)
            assert ("enable_batching" in flags) == ("batching_parameters_file" in flags) == batching
            assert flags["allow_version_labels_for_unavailable_models"] == "true"


def test_compose(put):
    deploy = put("street", 1)
    serving.write_deployment(deploy, image="tensorflow/serving:2.19.0-gpu", cpu="500m", poll=7)
    document = read(deploy, "docker-compose.yml")
    service = document["services"]["serving"]
    assert service["image"] == "tensorflow/serving:2.19.0-gpu"
    assert service["ports"] == ["8501:8501", "8500:8500"]
    assert service["volumes"] == [".:/deploy:ro"]
    assert service["deploy"]["resources"]["limits"] == {"cpus": "0.5", "memory": "4g"}
    for word in service["command"]:
        path = word.partition("=/deploy/")[2]
        assert not path or (deploy / path).is_file(), word
    assert "--model_config_file_poll_wait_seconds=7" in service["command"]
    assert service["healthcheck"]["test"] == ["CMD", "bash", "-c", health_check("street", 8501)]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_the_health_check_is_true(served):
    port = int(served.rest_address.split(":")[2].split("/")[0])
    for name, healthy in (("street", True), ("other", False)):
        words = ["bash", "-c", health_check(name, port)]
        assert (subprocess.run(words, timeout=30).returncode == 0) == healthy


def test_kubernetes(put):
    deploy = put("street", 1, 2)
    serving.write_deployment(deploy, replicas=(3, 9), cpu="1", memory="2Gi")
    documents = {path.name: read(deploy, path) for path in (deploy / "kubernetes").iterdir()}
    kinds = {document["kind"]: document for document in documents.values()}
    assert {kind: document["apiVersion"] for kind, document in kinds.items()} == {
        "ConfigMap": "v1", "PersistentVolumeClaim": "v1", "Service": "v1",
        "Deployment": "apps/v1", "HorizontalPodAutoscaler": "autoscaling/v2",
    }  # fmt: skip
    for name in ("models.config", "batching_parameters.txt", "monitoring.config"):
        assert kinds["ConfigMap"]["data"][name].strip() == (deploy / name).read_text().strip()
    spec = kinds["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    assert kinds["Service"]["spec"]["selector"] == spec["selector"]["matchLabels"]
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"rest": 8501, "grpc": 8500}
    assert {port["targetPort"] for port in kinds["Service"]["spec"]["ports"]} == {*ports}
    ready = container["readinessProbe"]["httpGet"]
    assert (ready["path"], ready["port"]) == ("/v1/models/street", "rest")
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts.keys() == {volume["name"] for volume in pod["volumes"]}
    assert models_config(deploy)["street"].base_path.startswith(mounts["models"])
    for word in container["args"]:
        name = word.partition(f"={mounts['config']}/")[2]
        assert not name or name in kinds["ConfigMap"]["data"], word
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    claim = volumes["models"]["persistentVolumeClaim"]["claimName"]
    assert claim == kinds["PersistentVolumeClaim"]["metadata"]["name"]
    assert volumes["config"]["configMap"]["name"] == kinds["ConfigMap"]["metadata"]["name"]
    scaler = kinds["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 9)
    assert scaler["scaleTargetRef"]["name"] == kinds["Deployment"]["metadata"]["name"]
    assert container["resources"]["requests"] == {"cpu": "1", "memory": "2Gi"}


def test_kubernetes_own_schemas(put):
    """Where kubernetes-validate is installed, which holds them."""
    validator = pytest.importorskip("kubernetes_validate")
    deploy = put("street", 1)
    serving.write_deployment(deploy)
    for path in (deploy / "kubernetes").iterdir():
        validator.validate(read(deploy, path), "1.30", strict=True)


WRONG = (
    ({"image": "a b"}, "`image` must be text such as.*got 'a b'"),
    ({"cpu": 2}, "`cpu` must be text such as '2' or '500m', got 2"),
    ({"memory": "4 GB"}, "got '4 GB'"),
    ({"max_batch_size": 0}, "of at least 1, got 0"),
    ({"batch_timeout_micros": 0.5}, "of at least 0, got 0.5"),
    ({"replicas": (3, 2)}, r"got \(3, 2\)"),
    ({"poll": True}, "got True"),
)


@pytest.mark.parametrize("options, told", WRONG, ids=str)
def test_what_does_not_fit_is_refused(put, options, told):
    deploy = put("street", 1)
    with pytest.raises(ValueError, match=told):
        serving.write_deployment(deploy, **options)
    assert not (deploy / "models.config").exists()


def test_no_model_and_another_file(put, tmp_path):
    with pytest.raises(ValueError, match="holds no model"):
        serving.write_deployment(tmp_path)
    deploy = put("street", 1)
    (deploy / "models.config").write_text("models: [street]")
    with pytest.raises(ValueError, match="models.config is not a models.config of TensorFlow"):
        serving.write_deployment(deploy)


def test_names_of_models():
    from fcn_keras.export.serving.deployment.choices import as_name, check_name

    for text, name in (("fcn8s_VGG16", "fcn8s-vgg16"), ("--", "segmenter"), ("é x", "x")):
        assert as_name(text) == name
        check_name(name)
    assert as_name(fcn_keras.fcn8s(2, "vgg_slim", weights=None).name)
    for wrong in ("", "a/b", "a:b", "-a", "a" * 64, None):
        with pytest.raises(ValueError, match="lower-case letters"):
            check_name(wrong)
