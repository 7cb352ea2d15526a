# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``files``: nothing lost, nothing half done, nothing readable by more people than it should be."""

from __future__ import annotations

import errno
import fcntl
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._local import files, locks, modes, paths
from ansible_collections.nhncloud.nks.plugins.module_utils._local.private import Private, Untrusted
from ansible_collections.nhncloud.nks.tests.unit.plugins.module_utils.stubs import FakeClock

ROOT = pathlib.Path(__file__).resolve().parents[4]
COLLECTIONS = str(ROOT.parents[2]) if ROOT.parts[-3:] == ("ansible_collections", "nhncloud", "nks") else str(ROOT / ".cache" / "collections")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
not_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")


def mode_of(path):
    return stat.S_IMODE(os.stat(str(path)).st_mode)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config"
    path.write_text("old\n", encoding="utf-8")
    path.chmod(0o644)
    return path


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request):
    former = os.umask(request.param)
    yield request.param
    os.umask(former)


# --- mode ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, mode",
    [
        (None, None),
        ("0600", 0o600),
        ("600", 0o600),
        ("0o640", 0o640),
        ("1777", 0o1777),
        ("u=rw,g=r,o=", 0o640),
        ("a=r", 0o444),
        ("ug=rw", 0o660),
        ("g=u", 0o660),
        ("u+X", 0o600),
        ("u+x,g+X", 0o710),
        ("u-w+x", 0o500),
        ("g+s", 0o2600),
        ("o+t", 0o1600),
        ("u=", 0),
    ],
)
def test_mode_is_parsed(value, mode):
    assert modes.parse_mode(value) == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o400, 0o440, 0o444, 0o660, 0o664, 0o666, 0o700, 0o755, 0o777])
def test_unquoted_octal_mode_is_accepted(mode):
    assert modes.parse_mode(mode) == mode


@pytest.mark.parametrize("number", [600, 640, 644, 400, 440, 444, 500, 660, 664, 666, 700, 750, 755, 770, 775, 777])
def test_unquoted_decimal_mode_is_rejected(number):
    with pytest.raises(NksError, match=r"mode: %d .*quoted.*'0600'" % number):
        modes.parse_mode(number)


@pytest.mark.parametrize(
    "value",
    [
        "preserve",
        "",
        "0888",
        "77777",
        "u=q",
        "=r",
        "u",
        "rw",
        -1,
        0o10000,
        0o460,
        0o604,
        0o310,
        6.0,
        True,
        ["0600"],
        "u=r,",
        "0600\n",
    ],
)
def test_invalid_mode_is_rejected(value):
    with pytest.raises(NksError, match=r"(?s)file_mode: .*'0600'"):
        modes.parse_mode(value, option="file_mode")


@pytest.mark.parametrize(
    "value, before, after",
    [("u+x,g-w", 0o660, 0o740), ("go=", 0o4755, 0o4700), ("a+X", 0o744, 0o755), ("u-s", 0o4755, 0o755)],
)
def test_symbolic_mode_is_relative_to_current_mode(value, before, after):
    assert modes.parse_mode(value, current=before) == after


# --- read, check_destination -----------------------------------------------------------------------------------------


def test_read(tmp_path, config):
    config.write_bytes("a: 1\r\nb: 한\n".encode())
    assert files.read(str(config)) == "a: 1\r\nb: 한\n"
    assert files.read(str(tmp_path / "none")) is None
    (tmp_path / "broken").symlink_to(tmp_path / "none")
    assert files.read(str(tmp_path / "broken")) is None


def test_read_rejects_non_text_file(tmp_path, config):
    with pytest.raises(NksError, match="%s.*is not a regular file" % tmp_path):
        files.read(str(tmp_path))
    config.write_bytes(b"secret-\xff")
    with pytest.raises(NksError, match="UTF-8") as caught:
        files.read(str(config))
    assert caught.value.__context__ is None  # the cause quotes the contents
    with pytest.raises(NksError, match="Could not read %s/x: Not a directory" % config):
        files.read(str(config / "x"))


@not_root
def test_read_of_unreadable_file_fails(config):
    config.chmod(0)
    with pytest.raises(NksError, match="Could not read %s: Permission denied" % config):
        files.read(str(config))


def test_read_reports_open_error(config, monkeypatch):
    monkeypatch.setattr("builtins.open", failing(PermissionError(13, "Permission denied")))
    with pytest.raises(NksError, match="Could not read %s: Permission denied" % config):
        files.read(str(config))


@pytest.mark.parametrize("function", [paths.check_destination, lambda path: files.write(path, "new", 0o600)])
def test_invalid_destination_is_rejected(function, tmp_path, config, monkeypatch):
    with pytest.raises(NksError, match="dest: '%s/no/config' .* directory %s/no does not exist; create it" % (tmp_path, tmp_path)):
        function(str(tmp_path / "no" / "config"))
    with pytest.raises(NksError, match="is not a regular file"):
        function(str(tmp_path))
    with pytest.raises(NksError, match="does not name a file"):
        function(str(tmp_path / "new") + "/")
    with pytest.raises(NksError, match="does not name a file"):
        function("")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(NksError, match="is not writable"):
        function(str(config))
    assert os.listdir(str(tmp_path)) == ["config"]


# --- write -----------------------------------------------------------------------------------------------------------


def failing(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o400])
def test_new_file_mode_ignores_umask(tmp_path, umask, mode):
    files.write(str(tmp_path / "config"), "né\r\n", mode)
    assert (tmp_path / "config").read_bytes() == "né\r\n".encode()
    assert mode_of(tmp_path / "config") == mode
    assert os.listdir(str(tmp_path)) == ["config"]


def test_write_without_mode(tmp_path, config):
    files.write(str(tmp_path / "new"), "new")
    assert mode_of(tmp_path / "new") == 0o600
    files.write(str(config), "new")
    assert mode_of(config) == 0o644
    assert config.read_text() == "new"


def test_write_uses_private_temporary_file(config, monkeypatch):
    os.umask(os.umask(0))  # the test would be worth nothing under umask 077, so it looks at what is asked for
    opened, seen = [], []
    real_open, real_fchmod, real_replace = os.open, os.fchmod, os.replace

    def watching_open(path, flags, mode=0o777, **more):
        opened.append((os.path.dirname(path), flags, mode))
        return real_open(path, flags, mode, **more)

    def watching_fchmod(handle, mode):
        seen.append((stat.S_IMODE(os.fstat(handle).st_mode), os.fstat(handle).st_size, mode))
        return real_fchmod(handle, mode)

    def watching_replace(source, target):
        seen.append((os.path.dirname(source), files.read(source), mode_of(source), config.read_text()))
        return real_replace(source, target)

    monkeypatch.setattr(os, "open", watching_open)
    monkeypatch.setattr(os, "fchmod", watching_fchmod)
    monkeypatch.setattr(os, "replace", watching_replace)
    files.write(str(config), "secret", 0o640)
    directory, flags, mode = opened[0]
    assert directory == str(config.parent)
    assert flags & os.O_EXCL and flags & os.O_CREAT
    assert mode == 0o600
    # Complete and still private before it gets its mode, complete and with its mode before it takes the place.
    assert seen == [(0o600, 6, 0o640), (str(config.parent), "secret", 0o640, "old\n")]


@pytest.mark.parametrize("step", ["fsync", "fchmod", "replace", "fdopen"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failed_write_leaves_file_unchanged(config, monkeypatch, step, error):
    with monkeypatch.context() as patched:
        patched.setattr(os, step, failing(error))
        with pytest.raises((NksError, KeyboardInterrupt)) as caught:
            files.write(str(config), "new", 0o600)
    if isinstance(caught.value, NksError):
        assert str(caught.value).startswith("Could not write %s: No space left on device;" % config)
    assert config.read_text() == "old\n"
    assert mode_of(config) == 0o644
    assert os.listdir(str(config.parent)) == ["config"]


def test_write_through_symlink(tmp_path, config, monkeypatch):
    moves = []
    real_replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *paths: moves.append(paths) or real_replace(*paths))
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to("../config")
    files.write(str(link), "new", 0o600)
    assert os.readlink(str(link)) == "../config"
    assert config.read_text() == "new"
    assert os.listdir(str(tmp_path / "elsewhere")) == ["link"]
    assert os.path.dirname(moves[0][0]) == str(tmp_path)  # on the file system of the target
    config.unlink()
    files.write(str(link), "again", 0o600)  # a link to a file that is not there yet
    assert link.is_symlink() and config.read_text() == "again"


def test_write_to_bare_file_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.write("config", "new", 0o600)
    assert files.read("config") == "new"
    assert files.remove("config") is True


@as_root
def test_write_keeps_or_sets_owner(config, tmp_path):
    os.chown(str(config), 12345, 54321)
    files.write(str(config), "new", 0o640)
    assert (os.stat(str(config)).st_uid, os.stat(str(config)).st_gid) == (12345, 54321)
    files.write(str(config), "new", 0o640, owner="root", group="23456")
    assert (os.stat(str(config)).st_uid, os.stat(str(config)).st_gid) == (0, 23456)


@pytest.mark.parametrize("option", ["owner", "group"])
def test_unknown_owner_or_group_is_rejected_before_any_change(config, option):
    unknown = {option: "no-such-name"}
    for function in (
        lambda: files.write(str(config), "new", 0o600, **unknown),
        lambda: modes.correct(str(config), **unknown),
    ):
        with pytest.raises(NksError, match="%s: 'no-such-name' does not exist on this host" % option):
            function()
    assert config.read_text() == "old\n"


# --- backup ----------------------------------------------------------------------------------------------------------


def test_backup(config):
    config.chmod(0o640)
    copies = [files.backup(str(config)) for _number in range(3)]
    name = r"%s\.%d\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d(\.\d)?~" % (re.escape(str(config)), os.getpid())
    assert len(set(copies)) == 3
    for copy in copies:
        assert re.match("^%s$" % name, copy)
        assert mode_of(copy) == 0o640
        assert files.read(copy) == "old\n"
        assert os.stat(copy).st_mtime_ns == config.stat().st_mtime_ns
    assert copies[0].endswith("~") and not re.search(r"\.\d~$", copies[0])
    assert files.backup(str(config) + ".none") is None


def test_backup_is_created_with_private_mode(config, monkeypatch):
    modes = []
    real_open, real_fchmod = os.open, os.fchmod
    monkeypatch.setattr(
        os,
        "open",
        lambda path, flags, mode=0o777, **more: modes.append((flags & os.O_EXCL != 0, mode)) or real_open(path, flags, mode, **more),
    )
    monkeypatch.setattr(
        os,
        "fchmod",
        lambda handle, mode: modes.append(stat.S_IMODE(os.fstat(handle).st_mode)) or real_fchmod(handle, mode),
    )
    files.backup(str(config))
    assert modes == [(True, 0o600), 0o600]


def test_backup_drops_group_access_if_group_cannot_be_kept(config, monkeypatch):
    os.chmod(str(config), 0o664)
    present = dict(modes.attributes(str(config)), gid=54321)
    monkeypatch.setattr(files, "attributes", lambda path: present)
    monkeypatch.setattr(os, "fchown", failing(PermissionError(1, "Operation not permitted")))
    assert mode_of(files.backup(str(config))) == 0o604


@as_root
def test_backup_keeps_owner(config):
    os.chown(str(config), 12345, 54321)
    status = os.stat(files.backup(str(config)))
    assert (status.st_uid, status.st_gid) == (12345, 54321)


def test_failed_backup_leaves_no_file(config, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(OSError(28, "No space left on device")))
    with pytest.raises(NksError, match="Could not back up %s: No space left" % config):
        files.backup(str(config))
    assert os.listdir(str(config.parent)) == ["config"]


# --- correct, attributes, remove -------------------------------------------------------------------------------------


def test_correct_mode(config):
    expected = {"mode": {"before": "0644", "after": "0600"}}
    assert modes.correct(str(config), mode=0o600, check_mode=True) == expected
    assert mode_of(config) == 0o644
    assert modes.correct(str(config), mode=0o600) == expected
    assert mode_of(config) == 0o600
    assert modes.correct(str(config), mode=0o600) == {}
    assert modes.correct(str(config)) == {}
    assert modes.correct(str(config) + ".none", mode=0o600) == {}


@as_root
def test_correct_restricts_mode_before_changing_owner(config, monkeypatch):
    calls = []
    real_chmod, real_chown = os.chmod, os.chown
    monkeypatch.setattr(os, "chmod", lambda path, mode: calls.append(oct(mode)) or real_chmod(path, mode))
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: calls.append((uid, gid)) or real_chown(path, uid, gid))
    before = modes.attributes(str(config))
    assert modes.correct(str(config), mode=0o460, owner="12345", group=54321) == {
        "mode": {"before": "0644", "after": "0460"},
        "owner": {"before": before["owner"], "after": "12345"},
        "group": {"before": before["group"], "after": "54321"},
    }
    assert calls == ["0o440", (12345, 54321), "0o460"]
    assert modes.attributes(str(config)) == {
        "mode": 0o460,
        "uid": 12345,
        "gid": 54321,
        "owner": "12345",
        "group": "54321",
    }
    assert modes.correct(str(config), mode=0o460, owner="12345", group=54321) == {}
    assert modes.correct(str(config), owner=before["owner"])["owner"]["after"] == before["owner"]


def test_correct_owner_permission_error_is_reported(config, monkeypatch):
    monkeypatch.setattr(os, "chown", failing(PermissionError(1, "Operation not permitted")))
    with pytest.raises(NksError, match="Could not set owner of %s: Operation not permitted" % config):
        modes.correct(str(config), owner="12345")


def test_attributes_of_missing_file(config):
    assert modes.attributes(str(config) + ".none") is None
    assert modes.attributes(str(config))["mode"] == 0o644
    with pytest.raises(NksError, match="Not a directory"):
        modes.attributes(str(config) + "/x")


def test_remove(tmp_path, config):
    link = tmp_path / "link"
    link.symlink_to(config)
    assert files.remove(str(link)) is True
    assert config.exists()
    assert files.remove(str(config)) is True
    assert files.remove(str(config)) is False
    with pytest.raises(NksError, match="is a directory"):
        files.remove(str(tmp_path))


def test_remove_permission_error_is_reported(config, monkeypatch):
    monkeypatch.setattr(os, "unlink", failing(PermissionError(13, "Permission denied")))
    with pytest.raises(NksError, match="Could not remove %s: Permission denied" % config):
        files.remove(str(config))


# --- locks -----------------------------------------------------------------------------------------------------------


def test_lock_file_exists_only_while_locked(config):
    with locks.locked(str(config), FakeClock()):
        # A name, and no file that anybody would read: kubectl looks only whether it can create it.
        assert sorted(os.listdir(str(config.parent))) == ["config", "config.lock"]
        with pytest.raises(NksError, match="is locked"), locks.locked(str(config), FakeClock()):
            pass
    assert os.listdir(str(config.parent)) == ["config"]


def test_lock_file_that_cannot_be_created(config, monkeypatch):
    real = os.open

    def read_only(path, flags, mode=0o777, **more):
        if str(path).endswith(".lock"):
            raise OSError(30, "Read-only file system")
        return real(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(NksError, match="Could not lock %s: Read-only file system" % config), locks.locked(str(config), FakeClock()):
        pass
    # A link may lie where we may not write; and a file that may be written in place needs no writable directory.
    with locks.locked(str(config), FakeClock(), unsafe_writes=True):
        pass
    monkeypatch.setattr(os, "open", lambda path, *more, **keys: (read_only if "other" in str(path) else real)(path, *more, **keys))
    (config.parent / "other").symlink_to(config)
    with locks.locked(str(config.parent / "other"), FakeClock()):
        assert (config.parent / "config.lock").exists()


# --- files that are left behind --------------------------------------------------------------------------------------


def test_clean_removes_only_unused_temporary_files(config):
    directory = str(config.parent)
    handle, in_use = files._temporary(directory)
    for name in (".nks_left.tmp", ".nks_other.txt", "nks_.tmp"):
        (config.parent / name).write_text("secret", encoding="utf-8")
    (config.parent / ".nks_link.tmp").symlink_to(config)
    (config.parent / ".nks_directory.tmp").mkdir()
    os.mkfifo(str(config.parent / ".nks_fifo.tmp"))
    kept = {"config", ".nks_other.txt", "nks_.tmp", ".nks_link.tmp", ".nks_directory.tmp", ".nks_fifo.tmp"}
    files.clean(str(config))
    assert set(os.listdir(directory)) == kept | {os.path.basename(in_use)}
    os.close(handle)  # as when its process ends
    files.clean(str(config))
    assert set(os.listdir(directory)) == kept
    files.clean(os.path.join(directory, "nowhere", "config"))


def test_clean_keeps_files_of_other_running_processes(config):
    """A process that is killed in the middle of a write leaves its file; one that is not goes on."""
    code = (
        "import os, sys; sys.path.insert(0, %r)\n"
        "from ansible_collections.nhncloud.nks.plugins.module_utils._local import files\n"
        "real = os.replace\n"
        "def waiting(*paths):\n"
        "    print('there', flush=True); sys.stdin.readline(); real(*paths)\n"
        "os.replace = waiting\n"
        "files.write(%r, 'new', 0o600)\n" % (COLLECTIONS, str(config))
    )
    for killed in (False, True):
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "there\n"
        files.clean(str(config))
        assert len(os.listdir(str(config.parent))) == 2
        if killed:
            process.kill()
        process.communicate("\n" if not killed else None)
        assert len(os.listdir(str(config.parent))) == (2 if killed else 1)
        files.clean(str(config))
        assert os.listdir(str(config.parent)) == ["config"] and config.read_text() == "new"


def test_temporary_file_removed_before_lock_is_recreated(config, monkeypatch):
    """Another process may look between its creation and its lock."""
    real, made = tempfile.mkstemp, []

    def mkstemp(**given):
        made.append(real(**given))
        if len(made) == 1:
            files.clean(str(config))
        return made[-1]

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    files.write(str(config), "new", 0o600)
    assert len(made) == 2 and config.read_text() == "new" and os.listdir(str(config.parent)) == ["config"]


# --- unsafe_writes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EPERM, errno.EACCES, errno.EXDEV])
def test_unsafe_writes_writes_in_place_if_replace_fails(config, monkeypatch, number):
    inode = config.stat().st_ino
    modes = []
    real = os.open

    def watching(path, *more, **keys):
        if str(path) == str(config):
            modes.append(mode_of(config))
        return real(path, *more, **keys)

    monkeypatch.setattr(os, "open", watching)
    monkeypatch.setattr(os, "replace", failing(OSError(number, "no")))
    with pytest.raises(NksError, match="Could not write %s: no;" % config) as caught:
        files.write(str(config), "new text", 0o600)
    assert "set unsafe_writes=true" in caught.value.msg
    assert config.read_text() == "old\n" and modes == []
    files.write(str(config), "new text", 0o600, unsafe_writes=True)
    assert (config.read_text(), config.stat().st_ino, mode_of(config)) == ("new text", inode, 0o600)
    assert modes == [0o600]  # private before the first byte is in it
    files.write(str(config), "x", 0o640, unsafe_writes=True)
    assert (config.read_text(), mode_of(config)) == ("x", 0o640)
    files.write(str(config), "y", unsafe_writes=True)
    assert (config.read_text(), mode_of(config)) == ("y", 0o640)
    assert os.listdir(str(config.parent)) == ["config"]
    # What is not there can only be created.
    with pytest.raises(NksError, match="Could not write"):
        files.write(str(config) + ".new", "x", unsafe_writes=True)


def test_other_errors_do_not_lead_to_a_direct_write(config, monkeypatch):
    monkeypatch.setattr(os, "fchown", failing(PermissionError(errno.EPERM, "Operation not permitted")))
    monkeypatch.setattr(files, "_like", lambda *given: 0o600)
    with pytest.raises(NksError, match="Could not write %s: Operation not permitted" % config) as caught:
        files.write(str(config), "new", owner="12345", unsafe_writes=True)
    assert config.read_text() == "old\n" and "unsafe_writes" not in caught.value.msg
    monkeypatch.setattr(os, "fsync", failing(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(NksError, match="No space left"):
        files.write(str(config), "new", unsafe_writes=True)
    assert config.read_text() == "old\n"


def test_unwritable_directory_requires_unsafe_writes(config, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) == str(config))
    monkeypatch.setattr(tempfile, "mkstemp", failing(PermissionError(errno.EACCES, "Permission denied")))
    with pytest.raises(NksError, match="is not writable"):
        files.write(str(config), "new")
    files.write(str(config), "new", unsafe_writes=True)
    assert config.read_text() == "new"
    with pytest.raises(NksError, match="is not writable"):
        paths.check_destination(str(config) + ".new", unsafe_writes=True)


# --- private files ---------------------------------------------------------------------------------------------------


@pytest.fixture
def private(tmp_path):
    directory = tmp_path / "private"
    directory.mkdir(mode=0o700)
    return directory / "file"


def change(path, text="new"):
    seen = []
    Private(str(path)).change(lambda present: seen.append(present) or text, FakeClock())
    return seen


def test_private_file(private, umask):
    assert Private(str(private)).read() is None and not private.exists()
    assert change(private) == [b""]
    assert Private(str(private)).read() == b"new" and mode_of(private) == 0o600
    assert change(private, "newer") == [b"new"]
    assert os.listdir(str(private.parent)) == ["file"]


def untrusted(private, message):
    """Whatever is wrong, the file is neither read nor changed."""
    before = os.lstat(str(private)) if os.path.lexists(str(private)) else None
    functions = [change] if before is None else [change, lambda path: Private(str(path)).read()]
    for function in functions:
        with pytest.raises(Untrusted, match="^'%s' %s" % (private, message)):
            function(private)
    assert before is None or (os.path.samestat(os.lstat(str(private)), before) and os.lstat(str(private)).st_mtime_ns == before.st_mtime_ns)
    assert os.path.lexists(str(private)) == (before is not None)


@pytest.mark.parametrize("mode", [0o666, 0o644, 0o640, 0o620, 0o604, 0o700, 0o400, 0o4600])
def test_private_file_with_wrong_mode_is_rejected(private, mode):
    private.write_text("theirs")
    private.chmod(mode)
    untrusted(private, "has mode %04o; delete it, or set its mode to 0600" % mode)
    assert mode_of(private) == mode


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o720, 0o702])
@pytest.mark.parametrize("there", [True, False])
def test_private_file_in_directory_writable_by_others_is_rejected(private, mode, there):
    if there:
        change(private)
    private.parent.chmod(mode)
    untrusted(private, "is in a directory that other users can write to .*mode %04o.*; use a directory with mode 0700" % mode)


def test_private_file_rejects_symlinks_and_special_files(private, config):
    config.chmod(0o600)
    for target in (config, config.parent / "none"):
        private.symlink_to(target)
        untrusted(private, "is a symbolic link")
        private.unlink()
    assert config.read_text() == "old\n" and not (config.parent / "none").exists()
    os.mkfifo(str(private), 0o600)
    untrusted(private, "is not a regular file")
    private.unlink()
    private.mkdir()
    untrusted(private, "is not a regular file")


def test_private_file_in_symlinked_directory_is_accepted(private, tmp_path):
    (tmp_path / "link").symlink_to(private.parent)
    change(tmp_path / "link" / "file")
    assert private.read_text() == "new"


@as_root
def test_private_file_owned_by_another_user_is_rejected(private):
    private.write_text("theirs")
    private.chmod(0o600)
    os.chown(str(private), 12345, -1)
    untrusted(private, "belongs to another user")
    private.unlink()
    os.chown(str(private.parent), 12345, -1)
    untrusted(private, "is in a directory that another user owns")


def test_private_file_replaced_during_lock_wait_is_read_again(private):
    change(private, "first")
    with open(str(private), "rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)

        class Clock(FakeClock):
            def sleep(self, seconds):
                super().sleep(seconds)
                if not stream.closed and self.seconds > 1:
                    files.write(str(private), "second", 0o600)
                    stream.close()

        seen = []
        Private(str(private)).change(lambda present: seen.append(present) or "third", Clock())
    assert seen == [b"second"] and private.read_text() == "third"


def test_locked_private_file_times_out_but_can_be_read(private):
    change(private, "first")
    with open(str(private), "rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(NksError, match="Could not lock %s within 20 s" % private):
            change(private)
        assert Private(str(private)).read() == b"first"  # reading needs no lock: the file is replaced whole
