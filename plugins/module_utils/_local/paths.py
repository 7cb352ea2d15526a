# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of files: errors of the file system as sentences, and the check before anything is written."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Iterator

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError

#: Why a file cannot be replaced although it can be written: it is a mount point, or its directory
#: is not writable.
NOT_REPLACEABLE = (errno.EBUSY, errno.EPERM, errno.EACCES, errno.EROFS, errno.EXDEV, errno.ETXTBSY)


@contextlib.contextmanager
def explained(doing: str, path: str) -> Iterator[None]:
    """Turn an OSError into an NksError: one sentence with the path. The OSError stays its cause."""
    try:
        yield
    except OSError as error:
        message = "Could not %s %s: %s; check the path and the permissions of the user that runs the task."
        raise NksError(message % (doing, path, error.strerror or error)) from error


def check_destination(path: str, unsafe_writes: bool = False) -> None:
    """Reject a path to which :func:`files.write` could not write, before anything is done.

    :param unsafe_writes: as for ``write``: if the file can be written, its directory need not be
        writable.
    :raises BadInput: a directory or device, or a parent directory that is missing or not writable.
    """
    parent = os.path.dirname(os.path.realpath(path))
    if os.path.exists(path) and not os.path.isfile(path):
        raise BadInput("dest", path, "is not a regular file", "specify the path of a file")
    if not path or path.endswith("/"):
        raise BadInput("dest", path, "does not name a file", "specify the path of a file")
    if not os.path.isdir(parent):
        raise BadInput(
            "dest",
            path,
            "cannot be written: directory %s does not exist" % parent,
            "create it first",
        )
    if not os.access(parent, os.W_OK | os.X_OK) and not (
        unsafe_writes and os.access(path, os.W_OK)
    ):
        raise BadInput(
            "dest",
            path,
            "cannot be written: directory %s is not writable" % parent,
            "change its permissions, or use another directory",
        )
