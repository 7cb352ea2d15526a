# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One limit for a whole request, in time and in bytes, whatever the server does.

The time-outs of requests and urllib3 are for one operation of a socket each: a server that sends a
byte now and then, or ``100 Continue`` again and again, blocks a request forever. Here every
operation of a connection gets only what is left of the time for the whole request: the connections
to each address of a host, a proxy's answer, the TLS handshake, status, headers and body. Two things
are not bounded: resolving a host name, for which the system has its own limits, and the login at a
SOCKS proxy as a whole, each step of which is bounded.

The limit belongs to the thread, because a connection that is kept open serves the requests of
several threads.
"""

from __future__ import annotations

import functools
import io
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock

try:
    from urllib3.util.connection import allowed_gai_family
except ImportError:
    # ``transport`` reports that requests is missing, before anything here needs urllib3.
    pass


class TooMuch(OSError):
    """The server has sent more than any answer may contain."""


class Limit(threading.local):
    """Time and bytes left for the request of this thread; without limits before the first one."""

    clock: Clock | None = None
    end = 0.0
    left = 0
    ended = False

    def begin(self, clock: Clock, seconds: float, size: int) -> None:
        """Start the limit of one request.

        :param seconds: for the whole request.
        :param size: bytes that the answer may have, including everything that is not the body.
        """
        self.clock = clock
        self.end = clock.now() + seconds
        self.left = size
        self.ended = False

    def over(self) -> bool:
        """Whether the time is over, or was when something was still to be done."""
        return self.ended or (self.clock is not None and self.clock.now() >= self.end)

    def seconds(self) -> float | None:
        """The time left; None without a limit.

        :raises socket.timeout: no time is left.
        """
        if self.clock is None:
            return None
        seconds = self.end - self.clock.now()
        if seconds <= 0:
            self.ended = True
            raise socket.timeout("timed out")
        return seconds

    def count(self, size: int) -> None:
        """Count received bytes.

        :raises TooMuch: there are too many.
        """
        if self.clock is not None:
            self.left -= size
            if self.left < 0:
                raise TooMuch("the answer is too large")


LIMIT = Limit()
#: A pool manager of urllib3.
Manager = TypeVar("Manager")


class Guard:
    """A connected socket, plain or TLS, each operation of which ends with the limit of the request.

    Everything else is passed to the socket.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._readers = 0
        self._closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def fileno(self) -> int:
        """For select and poll."""
        return int(self._sock.fileno())

    def recv_into(self, *args: Any) -> int:
        """As a socket's, in the time that is left."""
        self._sock.settimeout(LIMIT.seconds())
        size = int(self._sock.recv_into(*args))
        LIMIT.count(size)
        return size

    def recv(self, *args: Any) -> bytes:
        """As a socket's, in the time that is left."""
        self._sock.settimeout(LIMIT.seconds())
        data: bytes = self._sock.recv(*args)
        LIMIT.count(len(data))
        return data

    def sendall(self, data: Any, *args: Any) -> None:
        """As a socket's, in the time that is left: a TLS socket allows the time-out for each of its
        records.
        """
        view = memoryview(data).cast("B")
        while view:
            self._sock.settimeout(LIMIT.seconds())
            view = view[self._sock.send(view, *args) :]

    def makefile(self, *_args: Any, **_options: Any) -> io.BufferedReader:
        """A buffered reader, as http.client requests it, which reads through this guard."""
        self._readers += 1
        # SocketIO uses only the methods of a socket that are defined here.
        return io.BufferedReader(socket.SocketIO(self, "r"))  # type: ignore[arg-type]

    def _decref_socketios(self) -> None:
        """A reader was closed (called by :class:`socket.SocketIO`): an answer may outlive its
        connection.
        """
        self._readers -= 1
        if self._closed:
            self.close()

    def close(self) -> None:
        """Close the socket once no reader uses it."""
        self._closed = True
        if self._readers <= 0:
            self._sock.close()


class _Bounded:
    """How connections of urllib3, in all its releases, differ here; a base class before that of
    urllib3.
    """

    # Of urllib3's class. Its releases differ in the types, so that calls of its methods have none
    # either.
    port: Any
    sock: Any
    timeout: Any
    _dns_host: Any

    def _new_conn(self) -> Any:
        """A TCP connection within the time left. urllib3 allows the whole time-out for each address
        of a host.
        """
        sock = self._connected()
        # The TLS handshake follows on the bare socket. Python ends it as a whole with the time-out.
        sock.settimeout(LIMIT.seconds())
        return sock

    def _connected(self) -> Any:
        self.timeout = LIMIT.seconds()
        name = getattr(self, "_dns_host", None)
        try:
            # A SOCKS proxy gets the name of the host.
            found = (
                []
                if name is None or hasattr(self, "_socks_options")
                else _addresses(name, self.port)
            )
        except (OSError, UnicodeError):
            # urllib3 reports it.
            found = []
        for last, address in (
            (number == len(found), address) for number, address in enumerate(found, 1)
        ):
            self._dns_host = address
            self.timeout = LIMIT.seconds()
            try:
                return super()._new_conn()  # type: ignore[misc]
            except Exception:
                # The exceptions for a refused connection and for a time-out differ between releases
                # of urllib3.
                if last or LIMIT.over():
                    raise
            finally:
                self._dns_host = name
        return super()._new_conn()  # type: ignore[misc]

    def _tunnel(self) -> None:
        """CONNECT of a proxy: its answer is read here, on the bare socket."""
        sock = self.sock
        self.sock = guard = Guard(sock)
        super()._tunnel()  # type: ignore[misc]
        if self.sock is guard:
            self.sock = sock
        sock.settimeout(LIMIT.seconds())

    def connect(self) -> None:
        """Everything before the request."""
        super().connect()  # type: ignore[misc]
        self.sock = Guard(self.sock)


def _addresses(name: str, port: int) -> list[str]:
    """The IP addresses of a host.

    :raises OSError: it cannot be resolved, or has an address with a scope, which the number alone
        does not express.
    """
    found = [
        item[4] for item in socket.getaddrinfo(name, port, allowed_gai_family(), socket.SOCK_STREAM)
    ]
    if any(len(address) > 3 and address[3] for address in found):
        raise OSError("an address with a scope")
    return list(dict.fromkeys(str(address[0]) for address in found))


@functools.lru_cache(maxsize=None)
def _bounded(pool: Any) -> type[Any]:
    """The class of pools whose connections have the limit."""
    connection = type("Bounded" + pool.ConnectionCls.__name__, (_Bounded, pool.ConnectionCls), {})
    return type("Bounded" + pool.__name__, (pool,), {"ConnectionCls": connection})


def bound(manager: Manager) -> Manager:
    """Apply the limit of a request to every connection of a pool manager of urllib3 (also a
    proxy's).

    :returns: the manager.
    """
    pools: Any = manager
    pools.pool_classes_by_scheme = {
        scheme: _bounded(pool) for scheme, pool in pools.pool_classes_by_scheme.items()
    }
    return manager
