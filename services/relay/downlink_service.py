"""FrameDownlinkService as the relay serves it: every message is bytes, in and out."""

import asyncio
from typing import Any, NoReturn

import grpc
import grpc.aio
import structlog
from google.protobuf.message import Message

from plumewatch.v1 import downlink_pb2
from services.relay.account import Account
from services.relay.carrier import Carriage, Carrier, StreamEndedError
from services.relay.header import BATCH, FRAME, Kind
from services.relay.release import Release
from services.relay.upstream import Upstream
from services.runtime.grpc_server import abort_with
from services.scenario.model import NAME

SERVICE = downlink_pb2.DESCRIPTOR.services_by_name["FrameDownlinkService"].full_name
SATELLITE_KEY = "plumewatch-satellite-id"
RUN_KEY = "plumewatch-run-id"

log = structlog.get_logger()


class DownlinkService:
    """Carries every satellite's streams to one ground station.

    frames_to, detections_to: channels of gRPC's blocking client to that station, on connections of their own.
    """

    def __init__(
        self, carriage: Carriage, satellites: tuple[str, ...], frames_to: grpc.Channel, detections_to: grpc.Channel
    ) -> None:
        self._carriage = carriage
        self._satellites = satellites
        self._stations = {FRAME: frames_to, BATCH: detections_to}
        self._carriers: dict[tuple[str, str], Carrier] = {}
        self._stopping = False
        self.accounts: dict[str, Account] = {}
        # Set once every satellite of the scenario has had a stream open at the same time.
        self.all_connected = asyncio.Event()

    @property
    def satellites_expected(self) -> int:
        """Satellites of the scenario."""
        return len(self._satellites)

    @property
    def satellites_connected(self) -> int:
        """Satellites whose stream the ground station has answered."""
        return len({satellite for (satellite, _), carrier in self._carriers.items() if carrier.answered.is_set()})

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the service for a server; no serialiser is named, so that bytes stay bytes."""

        async def frames(_requests: Any, context: Any) -> None:
            await self._downlink(FRAME, downlink_pb2.DownlinkFramesResponse, "DownlinkFrames", context)

        async def detections(_requests: Any, context: Any) -> None:
            await self._downlink(BATCH, downlink_pb2.DownlinkDetectionsResponse, "DownlinkDetections", context)

        methods = {"DownlinkFrames": frames, "DownlinkDetections": detections}
        return grpc.method_handlers_generic_handler(
            SERVICE, {name: grpc.stream_stream_rpc_method_handler(method) for name, method in methods.items()}
        )

    def stop(self) -> None:
        """End all streams and refuse new ones: what is not acknowledged will be sent again."""
        self._stopping = True
        for carrier in self._carriers.values():
            carrier.end(grpc.StatusCode.UNAVAILABLE, "the relay stops; open the stream again")

    async def _downlink(self, kind: Kind, answer_type: type[Message], method: str, context: Any) -> None:
        satellite_id = await self._checked_satellite(context)
        metadata = ((SATELLITE_KEY, satellite_id), (RUN_KEY, self._carriage.run.run_id))

        def open_upstream(release: Release) -> Upstream:
            return Upstream(self._stations[kind], f"/{SERVICE}/{method}", metadata, release, satellite_id)

        account = self.accounts.setdefault(satellite_id, Account(satellite_id))
        key = (satellite_id, method)
        if key in self._carriers:
            # A satellite that came back before the old connection was known to be dead. What the new stream delivers
            # comes after all that the old one has.
            self._carriers[key].end(grpc.StatusCode.ABORTED, f"{satellite_id} has opened a newer stream")
        carrier = Carrier(self._carriage, kind, answer_type, account, context, open_upstream)
        self._carriers[key] = carrier
        account.opened()
        opening = asyncio.create_task(self._note_answered(carrier), name=f"opening {satellite_id}")
        try:
            await carrier.run()
        except StreamEndedError as ended:
            log.warning("stream ended", satellite=satellite_id, code=ended.code.name, details=ended.details)
            await _abort(context, ended)
        finally:
            opening.cancel()
            account.closed()
            if self._carriers.get(key) is carrier:
                del self._carriers[key]

    async def _note_answered(self, carrier: Carrier) -> None:
        await carrier.answered.wait()
        if self.satellites_connected >= self.satellites_expected:
            self.all_connected.set()

    async def _checked_satellite(self, context: Any) -> str:
        """Return the satellite that opens the stream, or abort the call."""
        run_id = self._carriage.run.run_id
        metadata = dict(context.invocation_metadata() or ())
        satellite_id, for_run = metadata.get(SATELLITE_KEY, ""), metadata.get(RUN_KEY, "")
        problem = ""
        if not isinstance(satellite_id, str) or not NAME.fullmatch(satellite_id):
            problem = f"metadata {SATELLITE_KEY} is {satellite_id!r}; set it to 1 to 64 of A-Z a-z 0-9 _ -"
        elif satellite_id not in self._satellites:
            problem = f"{SATELLITE_KEY} {satellite_id!r} is none of this run's: {', '.join(self._satellites[:16])}"
        elif for_run != run_id:
            problem = f"metadata {RUN_KEY} is {for_run!r} and this run is {run_id!r}; ask NetworkService.GetClock"
        if problem:
            await abort_with(context, ValueError(problem))
        if self._stopping:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the relay stops; open the stream again")
        return str(satellite_id)


async def _abort(context: Any, ended: StreamEndedError) -> NoReturn:
    await context.abort(ended.code, ended.details, ended.trailers)
    raise AssertionError("abort does not return")
