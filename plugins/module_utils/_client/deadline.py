# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One limit for a whole request, in time and in bytes, whatever the server does.

The time-outs of requests and urllib3 are for one operation of a socket each: a server that sends a byte now and then, or
``100 Continue`` again and again, holds a request for ever. Here every operation of a connection gets only what is left of the whole
request: the connections to each address of a host, a proxy's answer, the TLS handshake, status, headers and body. Two things are not
bounded: the look-up of a host name, for which the system has limits of its own, and the login at a SOCKS proxy, each step of which is.

The limit belongs to the thread, because a connection that is kept open serves the requests of several.
"""

from __future__ import annotations

import functools
import io
import socket
import threading
from typing import Any


class TooMuch(OSError):
    """The server has sent more than any answer may have."""


class Limit(threading.local):
    """What the request of this thread may still take; without limits before the first one."""

    clock = None
    end = 0.0
    left = 0
    ended = False

    def begin(self, clock, seconds, size):
        """From now on one request.

        :param clock: see :mod:`clock`.
        :param seconds: for all of it.
        :param size: bytes that may come, with everything that is not the body.
        """
        self.clock = clock
        self.end = clock.now() + seconds
        self.left = size
        self.ended = False

    def over(self):
        """Whether the time is over, or was when something was still to be done."""
        return self.ended or (self.clock is not None and self.clock.now() >= self.end)

    def seconds(self):
        """What is left of the time; None without a limit.

        :raises socket.timeout: nothing is.
        """
        if self.clock is None:
            return None
        seconds = self.end - self.clock.now()
        if seconds <= 0:
            self.ended = True
            raise socket.timeout("timed out")
        return seconds

    def count(self, size):
        """So many bytes have come.

        :raises TooMuch: they are too many.
        """
        if self.clock is not None:
            self.left -= size
            if self.left < 0:
                raise TooMuch("the answer is too large")


LIMIT = Limit()


class Guard:
    """A connected socket, plain or TLS, whose every operation ends with the limit of the request; all else is the socket's own."""

    def __init__(self, sock):
        self._sock = sock
        self._readers = 0
        self._closed = False

    def __getattr__(self, name):
        return getattr(self._sock, name)

    def fileno(self):
        """For select and poll."""
        return self._sock.fileno()

    def recv_into(self, *args):
        """As a socket's, in the time that is left."""
        self._sock.settimeout(LIMIT.seconds())
        size = self._sock.recv_into(*args)
        LIMIT.count(size)
        return size

    def recv(self, *args):
        """As a socket's, in the time that is left."""
        self._sock.settimeout(LIMIT.seconds())
        data = self._sock.recv(*args)
        LIMIT.count(len(data))
        return data

    def sendall(self, data, *args):
        """As a socket's, in the time that is left: that of a TLS socket allows the time-out for each of its records."""
        view = memoryview(data).cast("B")
        while view:
            self._sock.settimeout(LIMIT.seconds())
            view = view[self._sock.send(view, *args) :]

    def makefile(self, *_args, **_options):
        """A buffered reader, as http.client asks for it, which reads through this guard."""
        self._readers += 1
        # It asks no more of a socket than what is here.
        return io.BufferedReader(socket.SocketIO(self, "r"))  # type: ignore[arg-type]

    def _decref_socketios(self):
        """A reader was closed (called by :class:`socket.SocketIO`): an answer may outlive the connection that it came on."""
        self._readers -= 1
        if self._closed:
            self.close()

    def close(self):
        """Close the socket, once nobody reads from it any more."""
        self._closed = True
        if self._readers <= 0:
            self._sock.close()


class _Bounded:
    """What the connections of urllib3, in all its releases, do otherwise here."""

    port: Any
    sock: Any

    def _new_conn(self):
        """A TCP connection. urllib3 gives each address of a host the whole time-out."""
        sock = self._connected()
        # What follows on the bare socket is the TLS handshake, which Python ends with the time-out as a whole.
        sock.settimeout(LIMIT.seconds())
        return sock

    def _connected(self):
        self.timeout = LIMIT.seconds()
        name = getattr(self, "_dns_host", None)
        try:
            # A SOCKS proxy is asked by the name of the host.
            found = (
                []
                if name is None or hasattr(self, "_socks_options")
                else _addresses(name, self.port)
            )
        except (OSError, UnicodeError):
            # urllib3 knows how to tell it.
            found = []
        for last, address in (
            (number == len(found), address) for number, address in enumerate(found, 1)
        ):
            self._dns_host = address
            self.timeout = LIMIT.seconds()
            try:
                return super()._new_conn()
            except Exception:
                # Its own kinds for a refused connection and for a time-out, which differ between releases.
                if last or LIMIT.over():
                    raise
            finally:
                self._dns_host = name
        return super()._new_conn()

    def _tunnel(self):
        """A proxy's CONNECT: its answer is read here, on the bare socket."""
        sock = self.sock
        self.sock = guard = Guard(sock)
        super()._tunnel()
        if self.sock is guard:
            self.sock = sock
        sock.settimeout(LIMIT.seconds())

    def connect(self):
        """All that comes before the request."""
        super().connect()
        self.sock = Guard(self.sock)


def _addresses(name, port):
    """The addresses of a host as numbers.

    :raises OSError: it cannot be found, or an address is one of a single network interface, which numbers alone do not name.
    """
    from urllib3.util.connection import allowed_gai_family

    found = [
        item[4] for item in socket.getaddrinfo(name, port, allowed_gai_family(), socket.SOCK_STREAM)
    ]
    if any(len(address) > 3 and address[3] for address in found):
        raise OSError("an address with a scope")
    return list(dict.fromkeys(address[0] for address in found))


@functools.lru_cache(maxsize=None)
def _bounded(pool):
    """The class of pools whose connections have the limit."""
    connection = type("Bounded" + pool.ConnectionCls.__name__, (_Bounded, pool.ConnectionCls), {})
    return type("Bounded" + pool.__name__, (pool,), {"ConnectionCls": connection})


def bound(manager):
    """Have every connection of a pool manager of urllib3 (also a proxy's) end with the limit of its request.

    :returns: the manager.
    """
    manager.pool_classes_by_scheme = {
        scheme: _bounded(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }
    return manager
