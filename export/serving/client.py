"""Clients of a served model, over REST or gRPC, waiting or awaited."""

import asyncio
import dataclasses
import json
import time
from concurrent.futures import ThreadPoolExecutor

from fcn_keras.export import asset_names
from fcn_keras.export.serving.addresses import parse_address
from fcn_keras.export.serving.errors import ServerError
from fcn_keras.export.serving.requests import Status
from fcn_keras.export.serving.retrying import check_patience, pause_after, pauses
from fcn_keras.export.serving.steps import Steps
from fcn_keras.geometry import Halo
from fcn_keras.labels import LabelSet


class _Asking:
    """What both clients share: whom they ask, and the steps of asking."""

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
        check_patience(timeout, retries)
        if isinstance(in_flight, bool) or not isinstance(in_flight, int) or in_flight < 1:
            raise ValueError(f"`in_flight` is a whole number from 1; got {in_flight!r}.")
        self.address = parse_address(address, model, version, label)
        self._timeout, self._retries, self._in_flight = timeout, retries, in_flight
        self._labels, self._found = labels, None
        self._steps = Steps(as_files=not self.address.is_grpc)

    def _connection(self, waiting):
        if self.address.is_grpc:
            from fcn_keras.export.serving.rpc import Rpc as Connection
        else:
            from fcn_keras.export.serving.rest import Rest as Connection
        return Connection(self.address, self._timeout, waiting)

    def _read_assets(self):
        """Steps to the label set and the halo, each None where nothing tells it."""
        assets = yield from self._steps.assets()
        labels = halo = None
        if asset_names.LABELS in assets:
            labels = LabelSet.from_config(json.loads(assets[asset_names.LABELS]))
        else:
            signatures = yield from self._steps.signatures()
            _, shape = signatures.outputs.get("scores", {}).get("scores", (None, (None,)))
            labels = LabelSet.numbered(shape[-1]) if shape[-1] else None
        if asset_names.HALO in assets:
            halo = Halo.from_config(json.loads(assets[asset_names.HALO]))
        return labels, halo


class Client(_Asking):
    """Segments images by a model that TensorFlow Serving, or `DevelopmentServer`, serves.

    Files go to the server as they are (its graph reads JPEG, PNG, BMP and GIF as
    `fcn_keras.segment` does), arrays as tensors over gRPC and as PNG files over REST. A server
    that is UNAVAILABLE (not reached, restarting, overloaded) is asked again after a pause, from
    0.1 seconds doubled each time up to 2; every other error is raised at once. It can be used
    from several threads, and by `fcn_keras.evaluate` and `fcn_keras.inference.predict_files`.

    Args:
        address: `http://host:8501/v1/models/NAME` or `grpc://host:8500/NAME`, or https and grpcs;
            with `/versions/3` or `/labels/stable` behind it where one is meant.
        model: The model's name, if the address has none.
        version: A version's number; by default the server's latest.
        label: A version's label instead, such as "stable".
        timeout: Seconds for one attempt.
        retries: How many times to ask again a server that is UNAVAILABLE.
        in_flight: How many images of a list are on their way at once.
        labels: The `LabelSet`, where it is not to be the one that the model is served with.

    Attributes:
        address: The `Address`, with `host`, `port`, `model`, `version`, `label`.

    Raises:
        ValueError: for an address of another form, or an argument that is none of the above.
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
        """Labels every pixel of one image, as `fcn_keras.segment`, or of each in a list.

        Args:
            image: A path, a PIL image, or an array (H, W, 3) or (H, W) of 0-255; or a list of
                them, of any sizes.
            return_logits: Also return the logits, which are forty times as many bytes.

        Returns:
            uint8 (H, W), uint16 above 255 classes; with `return_logits` the pair with float32
            (H, W, num_classes). A list of that for a list.

        Raises:
            ValueError: if the image cannot be used, with the server's reason; or for the scores
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

    def segment_batch(self, images):
        """Labels several images of one size in one request, as `Predictor.segment_batch`."""
        return self._drive(self._steps.segment_batch(images))

    @property
    def labels(self):
        """The `LabelSet` given, else the served one; of a model without, numbered classes.

        None for a model that tells not even their number.
        """
        return self._labels or self._description()[0]

    @property
    def halo(self):
        """The `fcn_keras.geometry.Halo` that is served, or None."""
        return self._description()[1]

    def status(self):
        """{version: {"state": ..., "error_code": ..., "error_message": ...}}, by number.

        The states are START, LOADING, AVAILABLE, UNLOADING and END.

        Raises:
            ServerError: NOT_FOUND, if the server has no such model or version.
        """
        return self._ask(Status())

    def metadata(self):
        """A dict of what is served: `model`, `version`, and {signature: {tensor: (dtype, shape)}}
        as `inputs` and `outputs`, open dimensions as None.

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
            self._found = self._drive(self._read_assets())
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


class AsyncClient(_Asking):
    """A `Client` for asyncio: the same arguments, and methods to await.

    It may be made anywhere, and is used within one event loop.

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
        """As `Client.segment`; of a list `in_flight` images are on their way at once."""
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

    async def segment_batch(self, images):
        """As `Client.segment_batch`."""
        return await self._drive(self._steps.segment_batch(images))

    async def labels(self):
        """As `Client.labels`, which cannot be awaited as an attribute."""
        return self._labels or (await self._description())[0]

    async def halo(self):
        """As `Client.halo`."""
        return (await self._description())[1]

    async def status(self):
        """As `Client.status`."""
        return await self._ask(Status())

    async def metadata(self):
        """As `Client.metadata`."""
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
            self._found = await self._drive(self._read_assets())
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
