# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One text file with secrets in it: read, written atomically, backed up, its mode and owner kept right.

Behaves as ansible.builtin.copy and ansible.builtin.file do, but is never, not for a moment, readable by more people
than it should be. Knows nothing of what is in the file.

Whoever reads a file, changes it and writes it holds a lock meanwhile: ``locked`` for files that kubectl writes too,
``Private`` for files that only this collection writes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import os
import pwd
import random
import re
import stat
import tempfile
import time

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError

DEFAULT_MODE = 0o600
CLAUSE = re.compile(r"([ugoa]+)((?:[-+=](?:[rwxXst]*|[ugo]))+)")
QUOTE = "write it as a quoted octal number such as '0600', or as in 'u=rw,g=r'"
#: Names of the new files that ``write`` makes before they take the place of the old one.
TEMPORARY = (".nks_", ".tmp")
#: A lock that one and the same process holds for so long (seconds) is taken for one that an interrupted process has left.
STALE_LOCK = 20.0
#: Longest wait for a lock that others take in turns (seconds), and the longest pause between two attempts.
LOCK_LIMIT = 300.0
LOCK_INTERVAL = 0.1
#: No file that ``Private`` reads comes near this size (bytes).
MAX_PRIVATE = 16 * 1024 * 1024
#: Why a file cannot be replaced although it can be written: a mount point of its own, or a directory without write permission.
NOT_REPLACEABLE = (errno.EBUSY, errno.EPERM, errno.EACCES, errno.EROFS, errno.EXDEV, errno.ETXTBSY)


@contextlib.contextmanager
def _explained(doing, path):
    """Turn an OSError into one sentence that names the file."""
    try:
        yield
    except OSError as error:
        message = "Could not %s %s: %s; check the path and the permissions of the user that runs the task."
        raise NksError(message % (doing, path, error.strerror or error)) from error


# --- mode and owner --------------------------------------------------------------------------------------------------


def parse_mode(value, option="mode", current=None):
    """The mode that ``value`` means, as an int; None for None.

    :param value: "0600", "600", "0o600", the int 0o600 (what YAML makes of an unquoted 0600), or symbolic ("u=rw,g-w").
    :param current: the present mode, on which symbolic modes build; 0600 where there is no file yet.
    :raises BadInput: anything else, such as "preserve" or an unquoted 600 (which YAML makes the decimal number).
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value <= 0o7777 and _sensible(value) and not _sensible_digits(str(value)):
            return value
        raise BadInput(option, value, "is a number that does not read as an octal mode", QUOTE)
    if isinstance(value, str) and re.fullmatch(r"(0o|0)?[0-7]{1,4}", value):
        return int(value, 8)
    clauses = (
        [CLAUSE.fullmatch(clause) for clause in value.split(",")]
        if isinstance(value, str)
        else [None]
    )
    if None in clauses:
        raise BadInput(option, value, "is not a file mode", QUOTE)
    mode = DEFAULT_MODE if current is None else current
    for clause in clauses:
        for operator, rights in re.findall(r"([-+=])([rwxXstugo]*)", clause.group(2)):
            for who in clause.group(1).replace("a", "ugo"):
                mode = _changed_mode(mode, who, operator, rights)
    return mode


def _sensible(mode):
    """Whether a mode grants no class more than the one before it, and nothing without reading."""
    user, group, other = mode >> 6 & 7, mode >> 3 & 7, mode & 7
    return (
        group & ~user == 0
        and other & ~group == 0
        and all(bits & 4 for bits in (user, group, other) if bits)
    )


def _sensible_digits(digits):
    """Whether a decimal number was surely meant as an octal one: 600, 644."""
    return bool(re.fullmatch(r"[0-7]{3,4}", digits)) and _sensible(int(digits, 8))


def _changed_mode(mode, who, operator, rights):
    """``mode`` after one symbolic change, as chmod(1) does it, for one of the classes u, g and o."""
    shift, special = {"u": (6, stat.S_ISUID), "g": (3, stat.S_ISGID), "o": (0, stat.S_ISVTX)}[who]
    bits = extra = 0
    for right in rights:
        if right in "ugo":
            bits |= mode >> {"u": 6, "g": 3, "o": 0}[right] & 7
        elif right == "X":
            bits |= 1 if mode & 0o111 else 0
        elif right in "st":
            extra |= special if (right == "t") == (who == "o") else 0
        else:
            bits |= {"r": 4, "w": 2, "x": 1}[right]
    if operator == "-":
        return mode & ~(bits << shift | extra)
    if operator == "=":
        mode &= ~(7 << shift | special)
    return mode | bits << shift | extra


def attributes(path):
    """{"mode": int, "uid": int, "gid": int, "owner": name, "group": name} of the file, or None where there is none."""
    try:
        with _explained("look at", path):
            status = os.stat(path)
    except NksError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    owner, group = _name(pwd.getpwuid, status.st_uid), _name(grp.getgrgid, status.st_gid)
    mode = stat.S_IMODE(status.st_mode)
    return {
        "mode": mode,
        "uid": status.st_uid,
        "gid": status.st_gid,
        "owner": owner,
        "group": group,
    }


def _name(look_up, number):
    try:
        return look_up(number)[0]
    except KeyError:
        return str(number)


def owner_ids(owner, group):
    """(uid, gid) of a user and a group, each given by name, by number or as None; -1 for None, as os.chown wants it.

    :raises BadInput: a name that this host does not know.
    """
    uid = _identifier("owner", owner, pwd.getpwnam)
    return uid, _identifier("group", group, grp.getgrnam)


def _identifier(option, value, look_up):
    if value is None:
        return -1
    if re.fullmatch(r"[0-9]{1,10}", str(value)):
        return int(value)
    try:
        return look_up(str(value))[2]
    except (KeyError, ValueError):
        raise BadInput(
            option, value, "is not known on this host", "create it first, or give a number"
        ) from None


def correct(path, mode=None, owner=None, group=None, check_mode=False):
    """Give a present file the mode, owner and group that are wanted; None leaves one as it is.

    :param mode: an int, as ``parse_mode`` gives it.
    :returns: what differed, as {"mode": {"before": "0644", "after": "0600"}, "owner": …}; {} where there is no file.
    """
    present = attributes(path)
    uid, gid = owner_ids(owner, group)
    if present is None:
        return {}
    changes = {}
    if mode not in (None, present["mode"]):
        changes["mode"] = {"before": "%04o" % present["mode"], "after": "%04o" % mode}
    if uid not in (-1, present["uid"]):
        changes["owner"] = {"before": present["owner"], "after": _name(pwd.getpwuid, uid)}
    if gid not in (-1, present["gid"]):
        changes["group"] = {"before": present["group"], "after": _name(grp.getgrgid, gid)}
    if changes and not check_mode:
        mode = present["mode"] if mode is None else mode
        with _explained("set %s of" % " and ".join(changes), path):
            # Take away, hand over, then grant: the new owner must not get the old mode, nor the old one the new.
            if present["mode"] & ~mode:
                os.chmod(path, present["mode"] & mode)
            if "owner" in changes or "group" in changes:
                os.chown(path, uid, gid)
            os.chmod(path, mode)
    return changes


class NotText(BadInput):
    """The file is there, and what is in it is not a text."""


# --- locks -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(path, clock, unsafe_writes=False):
    """Hold the lock under which kubectl changes a kubeconfig: the file ``path.lock``, which only one can create.

    Source: lockFile in tools/clientcmd/loader.go of k8s.io/client-go. kubectl locks the path as it is given; where that
    is a symbolic link, its target is locked too.

    :param clock: see :mod:`clock`.
    :param unsafe_writes: as for ``write``: go on without a lock in a directory in which no file can be created.
    :raises NksError: somebody else holds the lock and does not release it.
    """
    paths = {os.path.abspath(path), os.path.realpath(path)}
    held = []
    try:
        for name in sorted(
            paths
        ):  # always in the same order, so that two tasks never wait for each other
            try:
                _lock(name, path, clock)
            except NksError as error:
                # Where a link is in a directory of somebody else, nobody of our rights can lock it. Its target is what counts.
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


def _lock(name, path, clock):
    lock = name + ".lock"
    start = since = clock.now()
    holder = None
    while True:
        with _explained("lock", path):
            try:
                os.close(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, DEFAULT_MODE))
                return
            except FileExistsError:
                pass
            try:
                status = os.lstat(lock)
            except FileNotFoundError:
                continue  # released in this moment
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
                "if neither kubectl nor another task is writing the file, an interrupted one has left the lock: delete %s"
                % lock,
            )
        if now - start >= LOCK_LIMIT:
            raise BadInput(
                "dest",
                path,
                "has been locked by others in turns for %d s (%s)" % (now - start, lock),
                "run the task again later",
            )
        clock.sleep(LOCK_INTERVAL * random.uniform(0.2, 1.0))  # nosec: not for cryptography


class Private:
    """A file that nobody but its owner can read or write, and that only this collection writes.

    Anything else at its path is left alone: somebody else's file would give them our secrets, or us theirs. Its lock is
    flock(2) on the file itself, which ends with the process that holds it.

    :param path: where it is, or will be.
    """

    def __init__(self, path):
        self.path = path

    def read(self):
        """Its contents as bytes; None where there is none.

        :raises NksError: it cannot be trusted, or not be read.
        """
        handle = self._open(os.O_RDONLY)
        if handle is None:
            return None
        with os.fdopen(handle, "rb") as stream, _explained("read", self.path):
            return stream.read(MAX_PRIVATE)

    def change(self, function, clock):
        """Replace its contents under a lock: the file is read when nobody else can write it any more.

        :param function: of the present contents (bytes); returns the new ones, a str.
        :param clock: see :mod:`clock`.
        :raises NksError: it cannot be trusted, not be written, or somebody else does not release the lock.
        """
        if not os.path.lexists(self.path):
            check_destination(self.path)
        clean(self.path)
        start = clock.now()
        while True:
            handle = self._open(os.O_RDWR | os.O_CREAT)
            with os.fdopen(handle, "rb") as stream:
                locked_by_us = _flock(handle)
                if locked_by_us and self._is(handle):
                    with _explained("read", self.path):
                        present = stream.read(MAX_PRIVATE)
                    write(self.path, function(present), mode=DEFAULT_MODE)
                    return
            if clock.now() - start >= STALE_LOCK:
                raise NksError(
                    "Could not lock %s within %d s; another process holds it."
                    % (self.path, STALE_LOCK)
                )
            if not locked_by_us:
                clock.sleep(LOCK_INTERVAL * random.uniform(0.2, 1.0))  # nosec: not for cryptography

    def _is(self, handle):
        """Whether the open file is the one at the path: whoever held the lock before us has put another one there."""
        try:
            return os.path.samestat(os.fstat(handle), os.lstat(self.path))
        except OSError:
            return False

    def _open(self, flags):
        """A handle of the file, or None where there is none."""
        with _explained("open", self.path):
            # A FIFO must not hold us up, and a symbolic link may lead anywhere.
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

    def _trust(self, status):
        if stat.S_ISLNK(status.st_mode):
            raise Untrusted(self.path, "is a symbolic link", "give the path of the file itself")
        if not stat.S_ISREG(status.st_mode):
            raise Untrusted(
                self.path, "is not a regular file", "give the path of a file of your own"
            )
        if status.st_uid != os.geteuid():
            raise Untrusted(
                self.path,
                "belongs to another user (%s)" % _name(pwd.getpwuid, status.st_uid),
                "give the path of a file of your own",
            )
        if stat.S_IMODE(status.st_mode) != DEFAULT_MODE:
            raise Untrusted(
                self.path,
                "has mode %04o" % stat.S_IMODE(status.st_mode),
                "delete it, or give it mode 0600",
            )

    def _trust_directory(self):
        """Whoever can write to the directory can put another file in the place of ours."""
        directory = os.path.dirname(os.path.abspath(self.path))
        with _explained("look at", directory):
            status = os.stat(directory)
        if status.st_uid not in (0, os.geteuid()):
            raise Untrusted(
                self.path,
                "lies in a directory of another user (%s)" % directory,
                "use a directory of your own",
            )
        if status.st_mode & 0o022:
            raise Untrusted(
                self.path,
                "lies in a directory to which other users can write (%s, mode %04o)"
                % (directory, stat.S_IMODE(status.st_mode)),
                "use a directory with mode 0700",
            )


class Untrusted(NksError):
    """A file, or its directory, that others may have made, or may read or write."""

    def __init__(self, path, problem, remedy):
        super().__init__("'%s' %s; %s." % (path, problem, remedy))


def _flock(handle):
    """Whether the lock of an open file is ours now; True where the file system has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES)
    return True


# --- contents --------------------------------------------------------------------------------------------------------


def read(path):
    """The text of the file, line ends as they are; None where there is none.

    :raises NksError: not a regular file, not readable, or not UTF-8.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise BadInput("dest", path, "is not a regular file", "give the path of a file")
    try:
        with _explained("read", path), open(path, "rb") as stream:
            return stream.read().decode("utf-8")
    except NksError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    except UnicodeDecodeError:
        pass  # it quotes the contents, so it must not be chained to our error
    raise NotText(
        "dest", path, "is not a text file in UTF-8", "give another path, or remove the file"
    )


def check_destination(path, unsafe_writes=False):
    """Refuse, before anything is done, a path to which ``write`` could not write.

    :param unsafe_writes: as for ``write``: where the file can be written, its directory need not be writable.
    :raises BadInput: a directory or device, a missing parent directory, or one that may not be written to.
    """
    parent = os.path.dirname(os.path.realpath(path))
    if os.path.exists(path) and not os.path.isfile(path):
        raise BadInput("dest", path, "is not a regular file", "give the path of a file")
    if not path or path.endswith("/"):
        raise BadInput("dest", path, "does not name a file", "give the path of a file")
    if not os.path.isdir(parent):
        raise BadInput(
            "dest", path, "lies in the directory %s, which is not there" % parent, "create it first"
        )
    if not os.access(parent, os.W_OK | os.X_OK) and not (
        unsafe_writes and os.access(path, os.W_OK)
    ):
        raise BadInput(
            "dest",
            path,
            "lies in the directory %s, which may not be written to" % parent,
            "change that",
        )


def write(path, text, mode=None, owner=None, group=None, unsafe_writes=False):
    """Put ``text`` into the file, all of it or nothing.

    Written to a new file beside it, mode 0600 until it is complete, which then takes its place. A symbolic link at
    ``path`` stays, its target is replaced. None for mode, owner or group keeps what a present file has (mode 0600 for
    a new one).

    :param mode: an int, as ``parse_mode`` gives it.
    :param unsafe_writes: write into the present file where it cannot be replaced, as Ansible's file modules do.
    :raises NksError: it could not be written; nothing has changed then, unless the file was written to in place.
    """
    check_destination(path, unsafe_writes)
    uid, gid = owner_ids(owner, group)
    target = os.path.realpath(path)
    present = attributes(target)
    try:
        with _explained("write", path):
            _replace(target, text, present, mode, uid, gid)
    except NksError as error:
        if present is None or not isinstance(error.__cause__, _CannotReplace):
            raise
        if not unsafe_writes:
            error.msg += " Where the file can be written but not replaced, as a file that is mounted into a container, set unsafe_writes=true."
            raise
        with _explained("write to", path):
            _overwrite(target, text, present, mode)
        correct(path, mode, owner, group)
    clean(os.path.dirname(target))
    _sync_directory(os.path.dirname(target))


class _CannotReplace(OSError):
    """No other file can be put in the place of this one."""


@contextlib.contextmanager
def _replacing():
    try:
        yield
    except OSError as error:
        if error.errno in NOT_REPLACEABLE:
            raise _CannotReplace(error.errno, error.strerror) from error
        raise


def _replace(target, text, present, mode, uid, gid):
    temporary = None
    try:
        handle, temporary = _temporary(os.path.dirname(target))
        # Open until it has its name: its lock shows that it belongs to a running process.
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode("utf-8"))
            stream.flush()
            kept = _like(handle, target, present) if present else DEFAULT_MODE
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


def _temporary(directory):
    """(handle, path) of a new file, locked for as long as the handle is open."""
    while True:
        with _replacing():
            handle, temporary = tempfile.mkstemp(
                prefix=TEMPORARY[0], suffix=TEMPORARY[1], dir=directory
            )
        # Between the two lines ``clean`` of another process may have taken it for one that was left behind.
        if _flock(handle) and os.fstat(handle).st_nlink:
            return handle, temporary
        os.close(handle)


def _overwrite(target, text, present, mode):
    """Write into the file itself; a reader may see half of it."""
    if mode is not None and present["mode"] & ~mode:
        os.chmod(target, present["mode"] & mode)  # before anything secret is in it
    handle = os.open(target, os.O_WRONLY)
    with os.fdopen(handle, "wb") as stream:
        stream.write(text.encode("utf-8"))
        stream.truncate()
        stream.flush()
        os.fsync(handle)


def clean(path):
    """Delete the new files of ``write`` that killed processes have left beside a file: there are secrets in them.

    Those of running processes stay: they are locked.
    """
    directory = os.path.dirname(os.path.realpath(path))
    with contextlib.suppress(OSError):
        for name in os.listdir(directory):
            if name.startswith(TEMPORARY[0]) and name.endswith(TEMPORARY[1]):
                with contextlib.suppress(OSError):
                    _clean(os.path.join(directory, name))


def _clean(path):
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return
    # Writable: over NFS a lock needs that.
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an OSError where it is in use
        os.unlink(path)
    finally:
        os.close(handle)


def _like(handle, original, present):
    """Give an open new file the owner, group and SELinux label of ``original``, each as far as we may.

    :returns: the mode to give it: that of ``original``, with nothing for the group where it got another group.
    """
    with contextlib.suppress(
        OSError, AttributeError
    ):  # no SELinux, or no extended attributes on this system
        os.setxattr(handle, "security.selinux", os.getxattr(original, "security.selinux"))
    with contextlib.suppress(OSError):
        os.fchown(handle, -1, present["gid"])
    with contextlib.suppress(OSError):
        os.fchown(handle, present["uid"], -1)
    return present["mode"] & (0o7777 if os.fstat(handle).st_gid == present["gid"] else ~0o070)


def _sync_directory(path):
    """Make a rename or a removal last through a crash, where the file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def backup(path):
    """Copy the file to ``path.PID.YYYY-MM-DD@HH:MM:SS~``, the name that Ansible's file modules give.

    The copy has the mode and owner of the file; where the group cannot be kept, it grants the group nothing.

    :returns: the path of the copy, or None where there is no file.
    """
    present = attributes(path)
    if present is None:
        return None
    name = "%s.%d.%s" % (path, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S", time.localtime()))
    copy, number = name + "~", 1
    while os.path.lexists(copy):  # a loop may need two within a second
        copy, number = "%s.%d~" % (name, number), number + 1
    with _explained("back up", path), open(path, "rb") as original:
        contents, status = original.read(), os.fstat(original.fileno())
        handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        complete = False
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(contents)
                stream.flush()
                os.fchmod(handle, _like(handle, path, present))
                os.utime(handle, ns=(status.st_atime_ns, status.st_mtime_ns))
                os.fsync(handle)
            complete = True
        finally:
            if not complete:
                os.unlink(copy)
    return copy


def remove(path):
    """Delete the file, or the symbolic link, at ``path``.

    :returns: False where there was none.
    """
    if os.path.isdir(path) and not os.path.islink(path):
        raise BadInput("dest", path, "is a directory", "give the path of a file")
    try:
        with _explained("remove", path):
            os.unlink(path)
    except NksError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return False
        raise
    _sync_directory(os.path.dirname(path) or ".")
    return True
