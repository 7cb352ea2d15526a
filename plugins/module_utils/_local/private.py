# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that nobody but its owner can read or write, and that only this collection writes."""

from __future__ import annotations

import os
import random
import stat
from typing import Callable

from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._local.files import clean, write
from ansible_collections.nhncloud.nks.plugins.module_utils._local.locks import (
    LOCK_INTERVAL,
    STALE_LOCK,
    flock,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._local.modes import (
    DEFAULT_MODE,
    user_name,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._local.paths import (
    check_destination,
    explained,
)

#: Far above the size of any file that ``Private`` reads (bytes).
MAX_PRIVATE = 16 * 1024 * 1024


class Private:
    """A file that only its owner can read or write.

    Anything else at its path is not used: a file of another user would disclose our secrets to
    them, or theirs to us. Its lock is flock(2) on the file itself, which ends with the process that
    holds it.

    :param path: of the file, which need not exist yet.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> bytes | None:
        """The contents; None if the file does not exist.

        :raises NksError: the file cannot be trusted or read.
        """
        handle = self._open(os.O_RDONLY)
        if handle is None:
            return None
        with os.fdopen(handle, "rb") as stream, explained("read", self.path):
            return stream.read(MAX_PRIVATE)

    def change(self, function: Callable[[bytes], str], clock: Clock) -> None:
        """Replace the contents under a lock, which is held before the file is read. Blocks until
        the lock is free.

        :param function: from the current contents to the new ones.
        :raises NksError: the file cannot be trusted or written, or another process does not release
            the lock.
        """
        if not os.path.lexists(self.path):
            check_destination(self.path)
        clean(self.path)
        start = clock.now()
        while True:
            handle = self._open(os.O_RDWR | os.O_CREAT)
            if handle is None:
                raise AssertionError("O_CREAT creates the file")
            with os.fdopen(handle, "rb") as stream:
                locked_by_us = flock(handle)
                if locked_by_us and self._is(handle):
                    with explained("read", self.path):
                        contents = stream.read(MAX_PRIVATE)
                    write(self.path, function(contents), mode=DEFAULT_MODE)
                    return
            if clock.now() - start >= STALE_LOCK:
                raise NksError(
                    "Could not lock %s within %d s; another process holds it."
                    % (self.path, STALE_LOCK)
                )
            if not locked_by_us:
                clock.sleep(LOCK_INTERVAL * random.uniform(0.2, 1.0))  # nosec: not for cryptography

    def _is(self, handle: int) -> bool:
        """Whether the open file is still the one at the path: the previous holder of the lock has
        replaced it.
        """
        try:
            return os.path.samestat(os.fstat(handle), os.lstat(self.path))
        except OSError:
            return False

    def _open(self, flags: int) -> int | None:
        """A handle of the file; None if it does not exist and the flags do not create it."""
        with explained("open", self.path):
            # Opening a FIFO would block, and a symbolic link may lead anywhere.
            flags |= os.O_NOFOLLOW | os.O_NONBLOCK
            try:
                found = os.lstat(self.path)
                self._trust(found)
                handle = os.open(self.path, flags & ~os.O_CREAT)
            except FileNotFoundError:
                if not flags & os.O_CREAT:
                    return None
                self._trust_directory()
                handle = os.open(self.path, flags, DEFAULT_MODE)
        try:
            self._trust(os.fstat(handle))
            self._trust_directory()
        except NksError:
            os.close(handle)
            raise
        return handle

    def _trust(self, status: os.stat_result) -> None:
        """Reject anything but a regular file of our own with mode 0600."""
        if stat.S_ISLNK(status.st_mode):
            raise Untrusted(self.path, "is a symbolic link", "specify the path of the file itself")
        if not stat.S_ISREG(status.st_mode):
            raise Untrusted(
                self.path, "is not a regular file", "specify the path of a file that you own"
            )
        if status.st_uid != os.geteuid():
            raise Untrusted(
                self.path,
                "belongs to another user (%s)" % user_name(status.st_uid),
                "specify the path of a file that you own",
            )
        if stat.S_IMODE(status.st_mode) != DEFAULT_MODE:
            raise Untrusted(
                self.path,
                "has mode %04o" % stat.S_IMODE(status.st_mode),
                "delete it, or set its mode to 0600",
            )

    def _trust_directory(self) -> None:
        """Reject a directory of others: write permission there suffices to replace the file."""
        directory = os.path.dirname(os.path.abspath(self.path))
        with explained("read the attributes of", directory):
            status = os.stat(directory)
        if status.st_uid not in (0, os.geteuid()):
            raise Untrusted(
                self.path,
                "is in a directory that another user owns (%s)" % directory,
                "use a directory that you own",
            )
        if status.st_mode & 0o022:
            raise Untrusted(
                self.path,
                "is in a directory that other users can write to (%s, mode %04o)"
                % (directory, stat.S_IMODE(status.st_mode)),
                "use a directory with mode 0700",
            )


class Untrusted(NksError):
    """A file that others may have created, or may read or write."""

    def __init__(self, path: str, problem: str, remedy: str) -> None:
        super().__init__("'%s' %s; %s." % (path, problem, remedy))
