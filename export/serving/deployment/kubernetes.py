"""Writes manifests for Kubernetes: configuration, models, deployment, service, autoscaler.

The models are on a volume claim. To move a label in the configuration moves the traffic, without
a restart. Source: the API reference of Kubernetes, apps/v1, v1 and autoscaling/v2.
"""

import textwrap

from fcn_keras.export.serving.deployment import server_files
from fcn_keras.export.serving.deployment.choices import GRPC_PORT, METRICS, MOUNT, REST_PORT

_CONFIG_FOLDER = "/config"

_CONFIG = """\
# The files of the folder above. After a change: kubectl apply -f config.yaml. The servers read it
# again, and labels move without a restart.
apiVersion: v1
kind: ConfigMap
metadata:
  name: {app}-config
  labels: {{app: {app}}}
data:
{files}
"""

_MODELS = """\
# The volume of the models: copy models/ into it, so that it holds /models/{name}/1/saved_model.pb
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {app}-models
  labels: {{app: {app}}}
spec:
  accessModes: [ReadWriteMany]
  resources:
    requests:
      storage: 10Gi
"""

_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}
  labels: {{app: {app}}}
spec:
  replicas: {least}
  selector:
    matchLabels: {{app: {app}}}
  strategy:
    type: RollingUpdate
    rollingUpdate: {{maxUnavailable: 0, maxSurge: 1}}
  template:
    metadata:
      labels: {{app: {app}}}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "{rest}"
        prometheus.io/path: {metrics}
    spec:
      containers:
        - name: serving
          image: {image}
          args:
{words}
          ports:
            - {{name: rest, containerPort: {rest}}}
            - {{name: grpc, containerPort: {grpc}}}
          resources:
            requests: {{cpu: "{cpu}", memory: {memory}}}
            limits: {{memory: {memory}}}
          startupProbe:
            tcpSocket: {{port: grpc}}
            periodSeconds: 5
            failureThreshold: 60
          readinessProbe:
            httpGet: {{path: /v1/models/{name}, port: rest}}
            periodSeconds: 5
            timeoutSeconds: 2
          livenessProbe:
            tcpSocket: {{port: grpc}}
            periodSeconds: 10
          lifecycle:
            preStop:
              exec: {{command: [sleep, "10"]}}
          volumeMounts:
            - {{name: models, mountPath: {mount}, readOnly: true}}
            - {{name: config, mountPath: {config}, readOnly: true}}
      volumes:
        - name: models
          persistentVolumeClaim: {{claimName: {app}-models, readOnly: true}}
        - name: config
          configMap: {{name: {app}-config}}
"""

_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {app}
  labels: {{app: {app}}}
spec:
  selector: {{app: {app}}}
  ports:
    - {{name: rest, port: {rest}, targetPort: rest}}
    - {{name: grpc, port: {grpc}, targetPort: grpc}}
"""

_AUTOSCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {app}
  labels: {{app: {app}}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {app}}}
  minReplicas: {least}
  maxReplicas: {most}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {{type: Utilization, averageUtilization: 70}}
"""


def manifests(choices, names, files):
    """Returns the manifests: {file name: text}.

    Args:
        choices: A `Choices`.
        names: Names of the models; the servers are ready when the first is available.
        files: The files that TF Serving reads, {file name: text}.
    """
    words = server_files.arguments(
        choices, f"{_CONFIG_FOLDER}/{server_files.MODELS_FILE}", _CONFIG_FOLDER
    )
    values = {
        "app": "segmentation",
        "name": min(names),
        "image": choices.image,
        "words": "\n".join(f"            - {word}" for word in words),
        "files": "\n".join(_block(name, text) for name, text in files.items()),
        "rest": REST_PORT,
        "grpc": GRPC_PORT,
        "metrics": METRICS,
        "mount": MOUNT,
        "config": _CONFIG_FOLDER,
        "cpu": choices.cpu,
        "memory": choices.memory,
        "least": choices.replicas[0],
        "most": choices.replicas[1],
    }
    texts = {
        "config.yaml": _CONFIG,
        "models.yaml": _MODELS,
        "deployment.yaml": _DEPLOYMENT,
        "service.yaml": _SERVICE,
        "autoscaler.yaml": _AUTOSCALER,
    }
    return {name: text.format(**values) for name, text in texts.items()}


def _block(name, text):
    """A file as a literal block of a ConfigMap's data."""
    return f"  {name}: |\n" + textwrap.indent(text.rstrip("\n"), "    ")
