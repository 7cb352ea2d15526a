# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks: kubectl's, for files that it writes too, and flock(2), for files that only this collection
writes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import random
import time
from typing import Iterator

from ansible_collections.nhncloud.nks.plugins.module_utils._common.clock import Clock
from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._local.modes import DEFAULT_MODE
from ansible_collections.nhncloud.nks.plugins.module_utils._local.paths import (
    NOT_REPLACEABLE,
    explained,
)

#: A lock that the same process holds for this long (seconds) is treated as left by an interrupted
#: process.
STALE_LOCK = 20.0
#: Longest wait for a lock that other processes hold in turn (seconds), and the longest pause
#: between two attempts.
LOCK_LIMIT = 300.0
LOCK_INTERVAL = 0.1


@contextlib.contextmanager
def locked(path: str, clock: Clock, unsafe_writes: bool = False) -> Iterator[None]:
    """Hold the lock with which kubectl protects a kubeconfig: the file ``path.lock``, which only
    one process can create.

    Blocks until the lock is free. Source: lockFile in tools/clientcmd/loader.go of
    k8s.io/client-go. kubectl locks the path as specified; if that is a symbolic link, its target is
    locked too.

    :param unsafe_writes: as for ``write``: continue without a lock in a directory in which no file
        can be created.
    :raises NksError: another process holds the lock and does not release it.
    """
    paths = {os.path.abspath(path), os.path.realpath(path)}
    held = []
    try:
        # Always in the same order, so that two tasks never wait for each other.
        for name in sorted(paths):
            try:
                _lock(name, path, clock)
            except NksError as error:
                # Without write permission in the directory of a link, only the lock of its target
                # is possible, and that one counts.
                optional = unsafe_writes or name != os.path.realpath(path)
                if not optional or getattr(error.__cause__, "errno", None) not in NOT_REPLACEABLE:
                    raise
            else:
                held.append(name)
        yield
    finally:
        for name in held:
            with contextlib.suppress(OSError):
                os.unlink(name + ".lock")


def _lock(name: str, path: str, clock: Clock) -> None:
    """Create the lock file of ``name``; blocks while another process has it."""
    lock = name + ".lock"
    start = since = clock.now()
    holder: tuple[int, int] | None = None
    while True:
        with explained("lock", path):
            try:
                os.close(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, DEFAULT_MODE))
                return
            except FileExistsError:
                pass
            try:
                status = os.lstat(lock)
            except FileNotFoundError:
                continue  # just released
        now = clock.now()
        if holder != (status.st_ino, status.st_mtime_ns):
            holder, since = (status.st_ino, status.st_mtime_ns), now
        if now - since >= STALE_LOCK:
            created = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.st_mtime))
            raise BadInput(
                "dest",
                path,
                "is locked: %s was created at %s and has not been removed for %d s"
                % (lock, created, now - since),
                "if neither kubectl nor another task is writing the file, an interrupted process has left the lock: delete %s"
                % lock,
            )
        if now - start >= LOCK_LIMIT:
            raise BadInput(
                "dest",
                path,
                "has been locked by other processes in turn for %d s (%s)" % (now - start, lock),
                "run the task again later",
            )
        clock.sleep(LOCK_INTERVAL * random.uniform(0.2, 1.0))  # nosec: not for cryptography


def flock(handle: int) -> bool:
    """Try to lock an open file, without waiting; True also if the file system has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES)
    return True
