"""MQTT once for all programs: addresses, topics, connections that come back. MQTT 3.1.1, which every broker speaks."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import structlog

from services.runtime.backoff import Backoff
from services.runtime.envelope import ID, Status, status_envelope
from services.runtime.errors import PeerUnavailableError, PlumewatchError
from services.runtime.lifecycle import stopped_within

PREFIX = "plumewatch/v1"
ALERTS = f"{PREFIX}/alerts/+"
TRACKS = f"{PREFIX}/tracks/+"
STATUSES = f"{PREFIX}/status/+/+"
ACKNOWLEDGEMENTS = f"{PREFIX}/acks/+"

# The QoS at which our programs listen to statuses, which are published with QoS 1 and retained. At QoS 1 nats-server
# (2.15.1) keeps a consumer for each subscriber, and loses, for everybody else, one in some 500 last wills on a topic
# to which the dying client itself listened (tried: 8 of 3,741 rounds; none of 9,000 at QoS 0). Within one connection
# TCP delivers in order, and the next connection begins with what is retained.
STATUS_QOS = 0

# A broker that is gone without a word is noticed within one and a half times this (MQTT 3.1.1, 3.1.2.10); seconds.
KEEPALIVE_S = 10
# Every answer of the broker must come within this, seconds.
ANSWER_S = 5.0
# A connection that lasts so long was a good one: the next try is at once. Seconds.
GOOD_S = 5.0
# After an outage a reader subscribes once more, so much later, s: nats-server (2.15.1) lets in who comes as it starts
# before all that is retained is loaded, and 9 of 144 got not all of it (tried).
AGAIN_S = 2.0
# Messages that wait for a slow reader; beyond, the newest are dropped and logged, and retained ones come again with
# the next connection. At some 4 KB a message this bounds the memory to 40 MB.
QUEUE_MESSAGES = 10_000
# Return codes of SUBACK from here on are refusals (MQTT 3.1.1, 3.9.3).
REFUSED = 0x80

log = structlog.get_logger()


@dataclass(frozen=True)
class BrokerAddress:
    """Where a broker listens. As text it is a URL without the password."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_broker_url(url: str) -> BrokerAddress:
    """Return the address in `mqtt://[user:password@]host[:port]`, or `mqtts://` for TLS.

    Raises ValueError; the message never repeats a password.
    """
    remedy = "write mqtt://host:1883, or mqtts://host:8883 for TLS"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"broker: not a URL; {remedy}") from error
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        shown = url.rpartition("@")[2]
        raise ValueError(f"broker {shown!r}: not an address; {remedy}")
    tls = parts.scheme == "mqtts"
    return BrokerAddress(
        parts.hostname,
        (8883 if tls else 1883) if port is None else port,
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
        tls,
    )


def alert_topic(event_id: str) -> str:
    """Return where the newest revision of one event's alert is kept."""
    return f"{PREFIX}/alerts/{_checked(event_id)}"


def track_topic(track_id: str) -> str:
    """Return where one track's states go."""
    return f"{PREFIX}/tracks/{_checked(track_id)}"


def status_topic(service: str, instance: str) -> str:
    """Return where one service's status is kept."""
    return f"{PREFIX}/status/{_checked(service)}/{_checked(instance)}"


def acknowledgement_topic(event_id: str) -> str:
    """Return where acknowledgements of one event go."""
    return f"{PREFIX}/acks/{_checked(event_id)}"


def status_will(service: str, instance: str) -> aiomqtt.Will:
    """Return the last will that says `down` once the service is gone without having said so."""
    payload = status_envelope(Status(service, instance, "down"))
    return aiomqtt.Will(status_topic(service, instance), payload, qos=1, retain=True)


async def publish_status(client: aiomqtt.Client, status: Status, time_unix_ns: int | None = None) -> None:
    """Publish a service's status, retained; returns when the broker has it."""
    topic = status_topic(status.service, status.instance)
    await client.publish(topic, status_envelope(status, time_unix_ns), qos=1, retain=True)


def new_client(
    address: BrokerAddress, client_id: str | None = None, will: aiomqtt.Will | None = None
) -> aiomqtt.Client:
    """Return a client that is not connected yet; use it with `async with`, within the loop.

    client_id: None for one that the library draws; two clients of one id throw each other out.
    """
    client = aiomqtt.Client(
        address.host,
        address.port,
        username=address.username,
        password=address.password,
        tls_context=ssl.create_default_context() if address.tls else None,
        identifier=client_id,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=True,
        will=will,
        timeout=ANSWER_S,
        keepalive=KEEPALIVE_S,
        max_queued_incoming_messages=QUEUE_MESSAGES,
    )
    # More calls at once than this are worth a warning to the library; publishing side by side is what we do.
    client.pending_calls_threshold = QUEUE_MESSAGES
    return client


async def require_broker(address: BrokerAddress, timeout_s: float, remedy: str) -> None:
    """Return once the broker answers CONNECT; raise PeerUnavailableError after `timeout_s`, with the reason."""
    backoff = Backoff(initial_s=0.02, cap_s=0.5)
    end_s = time.monotonic() + timeout_s
    while True:
        try:
            async with new_client(address):
                return
        except aiomqtt.MqttError as error:
            if time.monotonic() > end_s:
                raise PeerUnavailableError("the MQTT broker", str(address), f"{remedy} ({error})") from error
        await asyncio.sleep(backoff.next_delay_s())


async def connections(
    broker: str | BrokerAddress,
    client_id: str | None,
    stop: asyncio.Event,
    will: aiomqtt.Will | None = None,
    on_outage: Callable[[], None] = lambda: None,
) -> AsyncGenerator[aiomqtt.Client, None]:
    """Yield a connected client, and after each loss another one, until `stop`.

    on_outage: called whenever the broker does not answer and whenever a connection is lost.

    The body must let go when the connection is lost and go on with the next; what it subscribed is to be subscribed
    again, since sessions are clean:

        async for client in connections(url, "ground-station-1", stop):
            try:
                ...
            except aiomqtt.MqttError:
                continue

    A body that ends otherwise should be within `contextlib.aclosing`, so that the client disconnects at once.
    """
    address = parse_broker_url(broker) if isinstance(broker, str) else broker
    backoff = Backoff()
    while not stop.is_set():
        try:
            client = await _connected(new_client(address, client_id, will), stop)
        except aiomqtt.MqttError as error:
            log.warning("broker does not answer, trying again", broker=str(address), reason=str(error))
            on_outage()
        else:
            if client is None:
                return
            log.info("broker connected", broker=str(address))
            began_s = time.monotonic()
            try:
                yield client
            finally:
                # Of a connection that is lost already, the loss; the body has met it.
                with contextlib.suppress(aiomqtt.MqttError):
                    await client.__aexit__(None, None, None)
            on_outage()
            if time.monotonic() - began_s > GOOD_S:
                backoff.reset()
        if await stopped_within(stop, backoff.next_delay_s()):
            return


async def messages(
    broker: str | BrokerAddress,
    topics: Sequence[tuple[str, int]],
    stop: asyncio.Event,
    client_id: str | None = None,
    on_connection: Callable[[bool], None] | None = None,
) -> AsyncGenerator[aiomqtt.Message, None]:
    """Yield what comes on `topics` (filter and QoS each) until `stop`, whatever happens to the broker meanwhile.

    After each reconnection the retained messages come again, twice; readers keep the newest revision of each.
    on_connection: told True once subscribed and False once lost.
    """
    tell = on_connection or (lambda _: None)
    outage = asyncio.Event()
    async with contextlib.aclosing(connections(broker, client_id, stop, on_outage=outage.set)) as clients:
        async for client in clients:
            try:
                await subscribe(client, topics)
                tell(True)
                again = _subscribed_again(client, topics) if outage.is_set() else contextlib.nullcontext()
                async with again, contextlib.aclosing(until(stop, client)) as arriving:
                    async for message in arriving:
                        yield message
            except aiomqtt.MqttError as error:
                log.warning("broker connection lost", reason=str(error))
            finally:
                tell(False)


async def subscribe(client: aiomqtt.Client, topics: Sequence[tuple[str, int]]) -> None:
    """Subscribe to all `topics`; raise MqttError where the broker refuses one, which it may do without a word."""
    # Numbers or paho's ReasonCode, as the library has it.
    codes: Sequence[Any] = await client.subscribe(list(topics))
    for (topic, _), code in zip(topics, codes, strict=True):
        if getattr(code, "value", code) >= REFUSED:
            raise aiomqtt.MqttError(f"the broker refuses the subscription to {topic}")


@contextlib.asynccontextmanager
async def _subscribed_again(client: aiomqtt.Client, topics: Sequence[tuple[str, int]]) -> AsyncIterator[None]:
    """Subscribe once more after `AGAIN_S`, if the block is still in use."""

    async def subscribe_again() -> None:
        await asyncio.sleep(AGAIN_S)
        # Where the connection is lost, who reads from it hears of it, too.
        with contextlib.suppress(aiomqtt.MqttError):
            await subscribe(client, topics)

    again = asyncio.create_task(subscribe_again(), name="subscribe again")
    try:
        yield
    finally:
        again.cancel()


async def until(stop: asyncio.Event, client: aiomqtt.Client) -> AsyncGenerator[aiomqtt.Message, None]:
    """Yield the client's messages until `stop`; raise MqttError when the connection is lost."""
    stopped = asyncio.create_task(stop.wait(), name="until stop")
    try:
        while not stopped.done():
            message = asyncio.ensure_future(anext(client.messages))
            try:
                await asyncio.wait((message, stopped), return_when=asyncio.FIRST_COMPLETED)
                if not message.done():
                    return
            finally:
                message.cancel()
            yield message.result()
    finally:
        stopped.cancel()


async def _connected(client: aiomqtt.Client, stop: asyncio.Event) -> aiomqtt.Client | None:
    """Connect; return None where `stop` came first."""
    connecting = asyncio.ensure_future(client.__aenter__())
    stopped = asyncio.create_task(stop.wait(), name="until stop")
    try:
        await asyncio.wait((connecting, stopped), return_when=asyncio.FIRST_COMPLETED)
        return connecting.result() if connecting.done() else None
    finally:
        connecting.cancel()
        stopped.cancel()


def _checked(part: str) -> str:
    if not ID.fullmatch(part):
        raise PlumewatchError(f"{part!r:.80} cannot stand in a topic: it must be 1 to 64 of A-Z a-z 0-9 _ -")
    return part
