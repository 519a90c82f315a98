"""Clients of a served model over REST or gRPC, blocking or with asyncio."""

import asyncio
import dataclasses
import json
import time
from concurrent.futures import ThreadPoolExecutor

from fcn_keras import tasks
from fcn_keras.checks import whole_number
from fcn_keras.export import asset_names
from fcn_keras.export.decoding import task_in
from fcn_keras.export.runner import Runner
from fcn_keras.export.serving.addresses import parse_address
from fcn_keras.export.serving.errors import ServerError
from fcn_keras.export.serving.requests import Status
from fcn_keras.export.serving.retrying import check_retries, pause_after, pauses
from fcn_keras.export.serving.steps import Steps, input_shape
from fcn_keras.geometry import Halo
from fcn_keras.labels import LabelSet


class _Base:
    """What both clients share: the address, and the steps of a request."""

    def __init__(
        self,
        address,
        model=None,
        version=None,
        label=None,
        *,
        timeout=60.0,
        retries=5,
        in_flight=8,
        labels=None,
    ):
        check_retries(timeout, retries)
        self.address = parse_address(address, model, version, label)
        self._timeout, self._retries = timeout, retries
        self._in_flight = whole_number("in_flight", in_flight)
        self._given = labels and tasks.Classes(labels)
        self._found = None
        self._steps = Steps(as_files=not self.address.is_grpc)

    def _connection(self, waiting):
        if self.address.is_grpc:
            from fcn_keras.export.serving.rpc import Rpc as Connection
        else:
            from fcn_keras.export.serving.rest import Rest as Connection
        return Connection(self.address, self._timeout, waiting)

    def _describe(self):
        """Steps to a `_Description` of the served model."""
        assets = yield from self._steps.assets()
        signatures = yield from self._steps.signatures()
        halo = assets.get(asset_names.HALO)
        *size, channels = input_shape(signatures)
        return _Description(
            task_in(assets[asset_names.TASK]) if asset_names.TASK in assets else _task(signatures),
            halo and Halo.from_config(json.loads(halo)),
            None if None in size else tuple(size),
            channels,
        )


@dataclasses.dataclass(frozen=True)
class _Description:
    """What the server says about the model: the attributes of a `Segmenter`."""

    task: tasks.Task | None
    halo: Halo | None
    size: tuple[int, int] | None
    channels: int


def _task(signatures):
    """Numbered classes, counted by the logits; None where the server has no logits either."""
    _, shape = signatures.outputs.get("logits", {}).get("logits", (None, (None,)))
    return tasks.Classes(LabelSet.numbered(shape[-1])) if shape[-1] else None


class Client(_Base, Runner):
    """Segments images with a model that TensorFlow Serving, or `DevelopmentServer`, serves.

    The client sends image files as they are (the graph reads JPEG, PNG, BMP and GIF as
    `fcn_keras.segment` does), arrays as tensors over gRPC and as PNG files over REST; a model for
    another task than classes gets tensors only. It repeats a request if the server is UNAVAILABLE
    (not reached, restarting, overloaded), after a pause of 0.1 seconds that doubles each time up
    to 2 seconds; it raises every other error at once. It can be used from several threads, and by
    `fcn_keras.evaluate` and `fcn_keras.inference.predict_files`.

    Args:
        address: `http://host:8501/v1/models/NAME` or `grpc://host:8500/NAME`, or https and grpcs;
            followed by `/versions/3` or `/labels/stable` for one version.
        model: The model's name, if the address has none.
        version: A version's number. Default: the server's latest.
        label: A version's label instead, such as "stable".
        timeout: Seconds for one attempt.
        retries: How often to repeat a request if the server is UNAVAILABLE.
        in_flight: Number of images of a list that are sent at once.
        labels: The `LabelSet` to use instead of the one that the model is served with.

    Attributes:
        address: The `Address`, with `host`, `port`, `model`, `version`, `label`.

    Raises:
        ValueError: for an address of another form, or an argument with another value than above.
        ImportError: if httpx, or for grpc:// grpcio or tensorflow-serving-api, is not installed.

    Example:

    ```python
    from fcn_keras.export import serving

    folder = fcn_keras.export.export_saved_model(model, "serving/street").parent
    with serving.DevelopmentServer(folder, rest_port=0, grpc_port=0) as server:
        with serving.Client(server.rest_address) as client:
            one, *others = client.segment(["street.jpg", "photo.jpg"])
            assert client.status()[1]["state"] == "AVAILABLE"
    ```

    Source: https://www.tensorflow.org/tfx/serving/api_rest and the protos of
    tensorflow-serving-api.
    """

    def __init__(self, address, model=None, version=None, label=None, **options):
        super().__init__(address, model, version, label, **options)
        self._carrier = self._connection(waiting=False)

    def segment(self, image, *, return_logits=False):
        """Segments one image, as `fcn_keras.segment`, or each image in a list.

        Args:
            image: A path, a PIL image, or an array (H, W, 3) or (H, W) of 0-255; or a list of
                them, of any sizes.
            return_logits: Also return the logits, which are forty times as many bytes.

        Returns:
            uint8 (H, W), uint16 above 255 classes; float32 for other tasks. With `return_logits`
            the pair with float32 (H, W, num_classes). For a list a list of these.

        Raises:
            ValueError: if the image cannot be used, with the server's reason; or for the logits
                of a model that is served without them.
            ServerError: if the server refuses the request or cannot be reached.
        """
        if not isinstance(image, (list, tuple)):
            return self._drive(self._steps.segment(image, return_logits))
        with ThreadPoolExecutor(self._in_flight) as pool:
            futures = [pool.submit(self.segment, i, return_logits=return_logits) for i in image]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def segment_batch(self, images, *, return_logits=False):
        """Segments several images of one size in one request, as `Predictor.segment_batch`."""
        return self._drive(self._steps.segment_batch(images, return_logits))

    @property
    def task(self):
        """The `fcn_keras.tasks.Task` of the model.

        Of a model that is served without the signature `assets`: numbered classes, or None if
        their number is unknown.
        """
        return self._given or self._description().task

    @property
    def halo(self):
        """The `fcn_keras.geometry.Halo` that the model is served with, or None."""
        return self._description().halo

    @property
    def size(self):
        """(H, W) of the images that the model takes, or None for any size."""
        return self._description().size

    @property
    def channels(self):
        """Number of channels of an image."""
        return self._description().channels

    def status(self):
        """Returns {version: {"state": ..., "error_code": ..., "error_message": ...}}.

        The states are START, LOADING, AVAILABLE, UNLOADING and END.

        Raises:
            ServerError: NOT_FOUND, if the server has no such model or version.
        """
        return self._ask(Status())

    def metadata(self):
        """Returns a dict of what is served: `model`, `version`, `inputs` and `outputs`.

        `inputs` and `outputs` are {signature: {tensor: (dtype, shape)}}; open dimensions are None.

        Raises:
            ServerError: as `status`.
        """
        found = self._drive(self._steps.metadata())
        return {"model": self.address.model, **dataclasses.asdict(found)}

    def close(self):
        """Closes the connections."""
        self._carrier.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _description(self):
        if self._found is None:
            self._found = self._drive(self._describe())
        return self._found

    def _drive(self, steps):
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            answer = self._ask(request)

    def _ask(self, request):
        left = pauses(self._retries)
        while True:
            try:
                return self._carrier.send(request)
            except ServerError as error:
                time.sleep(pause_after(error, left))


class AsyncClient(_Base):
    """A `Client` for asyncio, with the same arguments; its methods are awaited.

    It may be made anywhere, and must be used within one event loop.

    Raises:
        ValueError: as `Client`.

    Example:

    ```python
    import asyncio
    from fcn_keras.export import serving

    folder = fcn_keras.export.export_saved_model(model, "serving/street").parent


    async def segment(address):
        async with serving.AsyncClient(address, in_flight=16) as client:
            return await client.segment(["street.jpg"] * 3)


    with serving.DevelopmentServer(folder, rest_port=0, grpc_port=0) as server:
        assert len(asyncio.run(segment(server.rest_address))) == 3
    ```

    Source: as `Client`.
    """

    def __init__(self, address, model=None, version=None, label=None, **options):
        super().__init__(address, model, version, label, **options)
        self._carrier = None

    async def segment(self, image, *, return_logits=False):
        """See `Client.segment`; sends `in_flight` images of a list at once."""
        if not isinstance(image, (list, tuple)):
            return await self._drive(self._steps.segment(image, return_logits))
        free = asyncio.Semaphore(self._in_flight)

        async def one(image):
            async with free:
                return await self.segment(image, return_logits=return_logits)

        tasks = [asyncio.ensure_future(one(item)) for item in image]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def segment_batch(self, images, *, return_logits=False):
        """See `Client.segment_batch`."""
        return await self._drive(self._steps.segment_batch(images, return_logits))

    async def task(self):
        """See `Client.task`; a method, since an attribute cannot be awaited."""
        return self._given or (await self._description()).task

    async def labels(self):
        """See `Client.labels`."""
        task = await self.task()
        return None if task is None else task.labels

    async def halo(self):
        """See `Client.halo`."""
        return (await self._description()).halo

    async def status(self):
        """See `Client.status`."""
        return await self._ask(Status())

    async def metadata(self):
        """See `Client.metadata`."""
        found = await self._drive(self._steps.metadata())
        return {"model": self.address.model, **dataclasses.asdict(found)}

    async def close(self):
        """Closes the connections."""
        if self._carrier is not None:
            await self._carrier.close_waiting()
            self._carrier = None

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def _description(self):
        if self._found is None:
            self._found = await self._drive(self._describe())
        return self._found

    async def _drive(self, steps):
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            answer = await self._ask(request)

    async def _ask(self, request):
        if self._carrier is None:
            self._carrier = self._connection(waiting=True)
        left = pauses(self._retries)
        while True:
            try:
                return await self._carrier.send_waiting(request)
            except ServerError as error:
                await asyncio.sleep(pause_after(error, left))
