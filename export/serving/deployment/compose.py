"""Writes docker-compose.yml: the official image, both ports, and a health check."""

from fcn_keras.export.serving.deployment.choices import GRPC_PORT, MOUNT, REST_PORT
from fcn_keras.export.serving.deployment.server_files import MODELS_FILE, arguments

FILE = "docker-compose.yml"
_TEXT = """\
# docker compose up -d
services:
  serving:
    image: {image}
    command:
{words}
    ports:
      - "{rest}:{rest}" # REST, and Prometheus at /monitoring/prometheus/metrics
      - "{grpc}:{grpc}" # gRPC
    volumes:
      # the folder, not single files: so the server reads a file that was replaced
      - .:{mount}:ro
    healthcheck:
      # the image has no curl: bash requests the status of the model
      test:
        - CMD
        - bash
        - -c
        - '{health}'
      interval: 10s
      timeout: 5s
      start_period: 120s
    deploy:
      resources:
        limits:
          cpus: "{cpu}"
          memory: {memory}
    restart: unless-stopped
"""
_HEALTH = (
    "exec 3<>/dev/tcp/127.0.0.1/{port}; "
    'printf "GET /v1/models/{name} HTTP/1.1\\r\\nHost: localhost\\r\\n'
    'Connection: close\\r\\n\\r\\n" >&3; '
    "grep -q AVAILABLE <&3"
)


def compose_file(choices, names):
    """Returns the text of docker-compose.yml; healthy means that the first model is available."""
    words = arguments(choices, f"{MOUNT}/{MODELS_FILE}", MOUNT)
    return _TEXT.format(
        image=choices.image,
        words="\n".join(f"      - {word}" for word in words),
        rest=REST_PORT,
        grpc=GRPC_PORT,
        mount=MOUNT,
        health=health_check(min(names), REST_PORT),
        cpu=_cores(choices.cpu),
        memory=_bytes(choices.memory),
    )


def health_check(name, port):
    """Returns a line of bash that fails unless the server on a port reports a model available."""
    return _HEALTH.format(name=name, port=port)


def _cores(cpu):
    """Kubernetes' 500m as Docker's 0.5."""
    return f"{int(cpu[:-1]) / 1000:g}" if cpu.endswith("m") else cpu


def _bytes(memory):
    """Kubernetes' 4Gi as Docker's 4g."""
    return memory[:-1].lower()
