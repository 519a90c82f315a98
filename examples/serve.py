"""Serves two versions of a trained net as SavedModels over REST and gRPC.

    python examples/serve.py [--model runs/quickstart/digits.keras]

Trains a net on handwritten digits for a short time if none is given, serves it on this machine,
sends requests over both interfaces, evaluates it through the server, adds a second version, and
writes the folder for a deployment with TensorFlow Serving.
Needs the clients: pip install "fcn_keras[serving]"
"""

import argparse
import asyncio
import time
from pathlib import Path

import keras

import fcn_keras
from fcn_keras.export import export_saved_model, serving

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, default=Path("runs/serve"), help="folder for the results")
parser.add_argument("--model", type=Path, help="a .keras file trained on the digits")
parser.add_argument("--images", type=int, default=200, help="number of training scenes")
parser.add_argument("--epochs", type=int, default=4)
args = parser.parse_args()
keras.utils.set_random_seed(0)

# 1. A trained net.
train = fcn_keras.data.load("digits", split="train", count=args.images)
test = fcn_keras.data.load("digits", split="test", count=50)
if args.model:
    model = keras.models.load_model(args.model, compile=False)
else:
    classes = train.labels.num_classes
    model = fcn_keras.fcn8s(classes, "vgg_slim", weights=None, labels=train.labels)
    model.compile(keras.optimizers.AdamW(3e-3), fcn_keras.losses.CrossEntropy())
    model.fit(train.batches(4, augment=True), epochs=args.epochs, shuffle=False)

# 2. The export is a folder of versions; the server watches it.
folder = args.out / "digits"
export_saved_model(model, folder)
image, truth = test[0]


async def all_at_once(address, images):
    """Segments several images at the same time with asyncio."""
    async with serving.AsyncClient(address, in_flight=8) as client:
        return await client.segment(images)


with serving.DevelopmentServer(folder, rest_port=0, grpc_port=0, poll=0.2) as server:
    # 3. Both interfaces give the same labels as the model without a server.
    expected = fcn_keras.segment(model, image)
    for address in (server.rest_address, server.grpc_address):
        with serving.Client(address, labels=test.labels) as client:
            labels = client.segment(image)
            start = time.perf_counter()
            client.segment(image)
            taken = 1e3 * (time.perf_counter() - start)
            print(f"{address}: {(labels == expected).mean():.2%} as Keras, {taken:.1f} ms")

    # 4. A server is evaluated like a model.
    with serving.Client(server.grpc_address, labels=test.labels) as client:
        report = fcn_keras.evaluate(client, test)
    direct = fcn_keras.evaluate(model, test)
    served, whole = report.scores.mean_iou, direct.scores.mean_iou
    print(f"mean IU through the server {100 * served:.2f}, directly {100 * whole:.2f}")

    # 5. Many images at once.
    images = [test[number][0] for number in range(16)]
    label_maps = asyncio.run(all_at_once(server.grpc_address, images))
    print(f"{len(label_maps)} label maps from asyncio")

    # 6. A second version takes over while the server runs.
    export_saved_model(model, folder)
    with serving.Client(server.rest_address) as client:
        while client.status().get(2, {}).get("state") != "AVAILABLE":
            time.sleep(0.1)
        print("versions:", {number: entry["state"] for number, entry in client.status().items()})

# 7. What to deploy: docker compose up, or kubectl apply -f kubernetes/.
serving.export_serving(model, args.out / "deploy", "digits")
print("Deploy", args.out / "deploy" / "docker-compose.yml")
fcn_keras.visualize.save_overlay(image, labels, test.labels, args.out / "served.png")
print("Look at", args.out / "served.png")
