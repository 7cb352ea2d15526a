# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A text file with secrets: reading, atomic writing, backup, removal.

Behaves as ansible.builtin.copy does, but the file is at no time readable by more users than its
mode says. Knows nothing of the contents. A caller that reads a file, changes it and writes it holds
a lock of ``locks`` for all of that.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from typing import Any, Iterator

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._local.locks import flock
from ansible_collections.nhncloud.nks.plugins.module_utils._local.modes import (
    DEFAULT_MODE,
    Attributes,
    attributes,
    correct,
    owner_ids,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._local.paths import (
    NOT_REPLACEABLE,
    check_destination,
    explained,
)

#: Names of the new files that ``write`` creates before they replace the old one.
TEMPORARY = (".nks_", ".tmp")


class NotText(BadInput):
    """The file exists, and its contents are not text."""


def read(path: str) -> str | None:
    """The text of the file, with its line endings; None if it does not exist.

    :raises NksError: not a regular file, not readable, or not UTF-8.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise BadInput("dest", path, "is not a regular file", "specify the path of a file")
    try:
        with explained("read", path), open(path, "rb") as stream:
            return stream.read().decode("utf-8")
    except NksError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    except UnicodeDecodeError:
        pass  # it quotes the contents, so our error must not be chained to it
    raise NotText(
        "dest", path, "is not a text file in UTF-8", "specify another path, or remove the file"
    )


def write(
    path: str,
    text: str,
    mode: int | None = None,
    owner: Any = None,
    group: Any = None,
    unsafe_writes: bool = False,
) -> None:
    """Replace the contents of the file with ``text``, all of it or nothing.

    The text is written to a new file beside it, with mode 0600 until it is complete, which then
    replaces the old one. A symbolic link at ``path`` stays, its target is replaced. None for mode,
    owner or group keeps that of an existing file (mode 0600 for a new one).

    :param mode: as returned by ``parse_mode``.
    :param unsafe_writes: write into the existing file if it cannot be replaced, as Ansible's file
        modules do.
    :raises NksError: the file could not be written. It is unchanged then, unless it was written to
        in place.
    """
    check_destination(path, unsafe_writes)
    uid, gid = owner_ids(owner, group)
    target = os.path.realpath(path)
    current = attributes(target)
    try:
        with explained("write", path):
            _replace(target, text, current, mode, uid, gid)
    except NksError as error:
        if current is None or not isinstance(error.__cause__, _CannotReplace):
            raise
        if not unsafe_writes:
            error.msg += " If the file can be written but not replaced, for example because it is mounted into a container, set unsafe_writes=true."
            raise
        with explained("write to", path):
            _overwrite(target, text, current, mode)
        correct(path, mode, owner, group)
    clean(os.path.dirname(target))
    _sync_directory(os.path.dirname(target))


class _CannotReplace(OSError):
    """The file cannot be replaced by another one."""


@contextlib.contextmanager
def _replacing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NOT_REPLACEABLE:
            raise _CannotReplace(error.errno, error.strerror) from error
        raise


def _replace(
    target: str, text: str, current: Attributes | None, mode: int | None, uid: int, gid: int
) -> None:
    """Write a new file and rename it to ``target``."""
    temporary = None
    try:
        handle, temporary = _temporary(os.path.dirname(target))
        # Open until it is renamed: its lock shows that it belongs to a running process.
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode("utf-8"))
            stream.flush()
            kept = _like(handle, target, current) if current else DEFAULT_MODE
            if (uid, gid) != (-1, -1):
                os.fchown(handle, uid, gid)
            os.fchmod(handle, kept if mode is None else mode)
            os.fsync(handle)
            with _replacing():
                os.replace(temporary, target)
        temporary = None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _temporary(directory: str) -> tuple[int, str]:
    """(handle, path) of a new file, locked for as long as the handle is open."""
    while True:
        with _replacing():
            handle, temporary = tempfile.mkstemp(
                prefix=TEMPORARY[0], suffix=TEMPORARY[1], dir=directory
            )
        # Between the two lines ``clean`` of another process may have deleted it as one that was
        # left behind.
        if flock(handle) and os.fstat(handle).st_nlink:
            return handle, temporary
        os.close(handle)


def _overwrite(target: str, text: str, current: Attributes, mode: int | None) -> None:
    """Write into the file itself; a reader may see half of it."""
    if mode is not None and current["mode"] & ~mode:
        os.chmod(target, current["mode"] & mode)  # before anything secret is in it
    handle = os.open(target, os.O_WRONLY)
    with os.fdopen(handle, "wb") as stream:
        stream.write(text.encode("utf-8"))
        stream.truncate()
        stream.flush()
        os.fsync(handle)


def clean(path: str) -> None:
    """Delete the new files of ``write`` that killed processes have left beside a file: they contain
    secrets.

    Those of running processes stay: they are locked.
    """
    directory = os.path.dirname(os.path.realpath(path))
    with contextlib.suppress(OSError):
        for name in os.listdir(directory):
            if name.startswith(TEMPORARY[0]) and name.endswith(TEMPORARY[1]):
                with contextlib.suppress(OSError):
                    _clean(os.path.join(directory, name))


def _clean(path: str) -> None:
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return
    # Writable, because a lock over NFS needs that.
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an OSError if it is in use
        os.unlink(path)
    finally:
        os.close(handle)


def _like(handle: int, original: str, current: Attributes) -> int:
    """Set the owner, group and SELinux label of ``original`` for an open new file, each if that is
    permitted.

    :returns: the mode to set: that of ``original``, without rights of the group if the group could
        not be set.
    """
    # Without SELinux, or without extended attributes on this system.
    with contextlib.suppress(OSError, AttributeError):
        os.setxattr(handle, "security.selinux", os.getxattr(original, "security.selinux"))
    with contextlib.suppress(OSError):
        os.fchown(handle, -1, current["gid"])
    with contextlib.suppress(OSError):
        os.fchown(handle, current["uid"], -1)
    return current["mode"] & (0o7777 if os.fstat(handle).st_gid == current["gid"] else ~0o070)


def _sync_directory(path: str) -> None:
    """Make a rename or a removal survive a crash, if the file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def backup(path: str) -> str | None:
    """Copy the file to ``path.PID.YYYY-MM-DD@HH:MM:SS~``, the name that Ansible's file modules use.

    The copy has the mode and owner of the file; if the group cannot be set, it grants the group
    nothing.

    :returns: the path of the copy; None if the file does not exist.
    """
    current = attributes(path)
    if current is None:
        return None
    name = "%s.%d.%s" % (path, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S", time.localtime()))
    copy, number = name + "~", 1
    while os.path.lexists(copy):  # a loop may make two within a second
        copy, number = "%s.%d~" % (name, number), number + 1
    with explained("back up", path), open(path, "rb") as original:
        contents, status = original.read(), os.fstat(original.fileno())
        handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        complete = False
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(contents)
                stream.flush()
                os.fchmod(handle, _like(handle, path, current))
                os.utime(handle, ns=(status.st_atime_ns, status.st_mtime_ns))
                os.fsync(handle)
            complete = True
        finally:
            if not complete:
                os.unlink(copy)
    return copy


def remove(path: str) -> bool:
    """Delete the file, or the symbolic link, at ``path``.

    :returns: False if it did not exist.
    """
    if os.path.isdir(path) and not os.path.islink(path):
        raise BadInput("dest", path, "is a directory", "specify the path of a file")
    try:
        with explained("remove", path):
            os.unlink(path)
    except NksError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return False
        raise
    _sync_directory(os.path.dirname(path) or ".")
    return True
