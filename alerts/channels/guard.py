"""Connect only where a webhook may go: the address actually reached is judged, so a name cannot change in between.

In: host, port, networks allowed though they are private. Out: a connected socket, or `DeliveryError`.
Kept: nothing. Refused unless allowed: private, loopback, link-local, shared (100.64/10), reserved, multicast and
unspecified addresses, and IPv6 forms that carry an IPv4 address somewhere else (NAT64, 6to4, Teredo, compatible).
Sources: the IANA special-purpose address registries; RFC 6052, 3056, 4380.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from alerts.channels.base import DeliveryError
from alerts.errors import ChannelError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Named here because Python versions differ on some of them, and because the last five are "global" by their looks.
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001:db8::/32", "100::/64",
        "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16",
    )
)  # fmt: skip


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The networks of an allow list. Raises ChannelError for one that is none."""
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise ChannelError(f"allow: {error}; write a network such as 10.0.0.0/8 or 127.0.0.1") from error


def permitted(address: str, allow: Sequence[Network]) -> bool:
    """Whether this address may be connected to. IPv4 addresses mapped into IPv6 are judged as what they are."""
    found: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if any(found in network for network in allow if network.version == found.version):
        return True
    if any(found in network for network in _REFUSED if network.version == found.version):
        return False
    return found.is_global and not found.is_multicast


def connect(host: str, port: int, timeout: float, allow: Sequence[Network]) -> socket.socket:
    """A TCP connection to the first address of `host` that is permitted and answers.

    Raises DeliveryError: not retryable when every address is refused, retryable when none can be reached.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"{host}: {error}", retryable=True) from error
    open_to = [entry for entry in found if permitted(str(entry[4][0]), allow)]
    if not open_to:
        refused = ", ".join(sorted({str(entry[4][0]) for entry in found}))
        raise DeliveryError(
            f"{host} is at {refused}, which is not a public address; list its network under `allow` to permit it",
            retryable=False,
        )
    problem: OSError | None = None
    for family, kind, protocol, _, address in open_to:
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(timeout)
        try:
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
            continue
        if permitted(str(sock.getpeername()[0]), allow):
            # Head and body are two writes: the second must not wait for the first to be acknowledged.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        sock.close()
    raise DeliveryError(f"{host} cannot be reached: {problem}", retryable=True)
