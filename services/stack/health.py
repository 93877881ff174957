"""Exits with 0 where the server at an address says SERVING: the health check of compose.yaml.

python -m services.stack.health HOST:PORT [SERVICE]
"""

import asyncio
import sys

from services.runtime.grpc_server import wait_until_serving

ANSWER_S = 3.0


def main() -> None:
    """Ask once, within a few seconds."""
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m services.stack.health HOST:PORT [SERVICE]")
    address, service = sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else ""
    if not asyncio.run(wait_until_serving(address, service, ANSWER_S)):
        sys.exit(f"{address} does not serve {service or 'anything'}")


if __name__ == "__main__":
    main()
