"""What can go wrong in any program, and what its user is told.

PlumewatchError
├── ConfigurationError   a file or option cannot be used (configuration.py)
├── PortTakenError       an address cannot be listened on
├── PeerUnavailableError a server does not answer, or the broker is missing
└── BadInputError        a file somebody gave cannot be read for what it should be
"""


class PlumewatchError(Exception):
    """Base of all errors with a message fit for the user; the command prints it and exits with 1."""


class PortTakenError(PlumewatchError):
    """Something else listens there already."""

    def __init__(self, address: str, service: str) -> None:
        super().__init__(
            f"{service} cannot listen on {address}: the port is taken; stop what listens there or choose another port"
        )
        self.address = address


class PeerUnavailableError(PlumewatchError):
    """A server that is needed does not answer."""

    def __init__(self, peer: str, address: str, remedy: str) -> None:
        super().__init__(f"{peer} at {address} does not answer; {remedy}")
        self.peer = peer
        self.address = address


class BadInputError(PlumewatchError):
    """A file cannot be read for what it should be."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem
