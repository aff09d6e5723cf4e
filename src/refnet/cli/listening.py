"""Whether an address can be listened on, asked before anything is opened."""

from __future__ import annotations

import errno
import ipaddress
import socket

from refnet.errors import InvalidRequest

_IPV6 = 6


def check_listen(listen: str) -> None:
    """Raises InvalidRequest for what is no address, is not loopback, or is taken.

    A name such as localhost has several addresses, and gRPC is content with one of them. But then
    half of the clients reach whoever has the other.
    """
    # gRPC takes a third of a second to import, and most commands do without.
    from refnet.rpc.server import check_loopback  # noqa: PLC0415

    host, _, port = listen.rpartition(":")
    _check_form(listen, host, port)
    check_loopback(listen)
    if int(port) == 0:
        return
    try:
        found = socket.getaddrinfo(
            host.removeprefix("[").removesuffix("]"), int(port), type=socket.SOCK_STREAM
        )
    except OSError:
        return  # the server has its own words for it
    for family, kind, protocol, _, address in found:
        if _is_taken(family, kind, protocol, address):
            raise InvalidRequest(
                f"cannot listen on {listen}, for {address[0]} port {port} is taken; "
                "choose a free port, or 0 for any",
                field="listen",
                listen=listen,
            )


def _is_taken(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> bool:
    """Whether somebody else has it. A machine without IPv6 is no reason to refuse."""
    try:
        with socket.socket(family, kind, protocol) as probe:
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


def _check_form(listen: str, host: str, port: str) -> None:
    try:
        bare = ipaddress.ip_address(host).version == _IPV6
    except ValueError:
        bare = False
    example = f"[{host}]:{port}" if bare else "HOST:PORT, such as 127.0.0.1:50051"
    if bare or not host or not port.isdecimal() or int(port) >= 1 << 16:
        raise InvalidRequest(f"{listen!r} is no address; write {example}", field="listen")
