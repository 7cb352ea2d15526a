# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The room ``files``: nothing lost, nothing half done, nothing readable by more people than it should be."""

from __future__ import annotations

import os
import re
import stat

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils import files
from ansible_collections.nhncloud.nks.plugins.module_utils.errors import NksError

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
def test_mode_is_understood(value, mode):
    assert files.parse_mode(value) == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o400, 0o440, 0o444, 0o660, 0o664, 0o666, 0o700, 0o755, 0o777])
def test_mode_written_in_octal_without_quotes_is_accepted(mode):
    assert files.parse_mode(mode) == mode


@pytest.mark.parametrize("number", [600, 640, 644, 400, 440, 444, 500, 660, 664, 666, 700, 750, 755, 770, 775, 777])
def test_mode_written_in_decimal_without_quotes_is_refused(number):
    with pytest.raises(NksError, match=r"mode: %d .*quoted.*'0600'" % number):
        files.parse_mode(number)


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
def test_mode_that_is_none_is_refused(value):
    with pytest.raises(NksError, match=r"(?s)file_mode: .*'0600'"):
        files.parse_mode(value, option="file_mode")


@pytest.mark.parametrize(
    "value, before, after",
    [("u+x,g-w", 0o660, 0o740), ("go=", 0o4755, 0o4700), ("a+X", 0o744, 0o755), ("u-s", 0o4755, 0o755)],
)
def test_symbolic_mode_builds_on_the_present_one(value, before, after):
    assert files.parse_mode(value, current=before) == after


# --- read, check_destination -----------------------------------------------------------------------------------------


def test_read(tmp_path, config):
    config.write_bytes("a: 1\r\nb: 한\n".encode())
    assert files.read(str(config)) == "a: 1\r\nb: 한\n"
    assert files.read(str(tmp_path / "none")) is None
    (tmp_path / "broken").symlink_to(tmp_path / "none")
    assert files.read(str(tmp_path / "broken")) is None


def test_read_refuses_what_is_not_a_text_file(tmp_path, config):
    with pytest.raises(NksError, match="%s.*is not a regular file" % tmp_path):
        files.read(str(tmp_path))
    config.write_bytes(b"secret-\xff")
    with pytest.raises(NksError, match="UTF-8") as caught:
        files.read(str(config))
    assert caught.value.__context__ is None  # the cause quotes the contents
    with pytest.raises(NksError, match="Could not read %s/x: Not a directory" % config):
        files.read(str(config / "x"))


@not_root
def test_read_of_what_may_not_be_read(config):
    config.chmod(0)
    with pytest.raises(NksError, match="Could not read %s: Permission denied" % config):
        files.read(str(config))


def test_read_of_what_cannot_be_opened(config, monkeypatch):
    monkeypatch.setattr("builtins.open", failing(PermissionError(13, "Permission denied")))
    with pytest.raises(NksError, match="Could not read %s: Permission denied" % config):
        files.read(str(config))


@pytest.mark.parametrize("function", [files.check_destination, lambda path: files.write(path, "new", 0o600)])
def test_a_destination_that_cannot_be_is_refused_at_once(function, tmp_path, config, monkeypatch):
    with pytest.raises(NksError, match="dest: '%s/no/config' .* directory %s/no, .*create it" % (tmp_path, tmp_path)):
        function(str(tmp_path / "no" / "config"))
    with pytest.raises(NksError, match="is not a regular file"):
        function(str(tmp_path))
    with pytest.raises(NksError, match="does not name a file"):
        function(str(tmp_path / "new") + "/")
    with pytest.raises(NksError, match="does not name a file"):
        function("")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(NksError, match="may not be written to"):
        function(str(config))
    assert os.listdir(str(tmp_path)) == ["config"]


# --- write -----------------------------------------------------------------------------------------------------------


def failing(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o400])
def test_write_of_a_new_file_has_the_mode_whatever_the_umask(tmp_path, umask, mode):
    files.write(str(tmp_path / "config"), "né\r\n", mode)
    assert (tmp_path / "config").read_bytes() == "né\r\n".encode()
    assert mode_of(tmp_path / "config") == mode
    assert os.listdir(str(tmp_path)) == ["config"]


def test_write_without_a_mode(tmp_path, config):
    files.write(str(tmp_path / "new"), "new")
    assert mode_of(tmp_path / "new") == 0o600
    files.write(str(config), "new")
    assert mode_of(config) == 0o644
    assert config.read_text() == "new"


def test_write_is_private_from_the_first_byte(config, monkeypatch):
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
def test_a_write_that_fails_leaves_everything_as_it_was(config, monkeypatch, step, error):
    with monkeypatch.context() as patched:
        patched.setattr(os, step, failing(error))
        with pytest.raises((NksError, KeyboardInterrupt)) as caught:
            files.write(str(config), "new", 0o600)
    if isinstance(caught.value, NksError):
        assert str(caught.value).startswith("Could not write %s: No space left on device;" % config)
    assert config.read_text() == "old\n"
    assert mode_of(config) == 0o644
    assert os.listdir(str(config.parent)) == ["config"]


def test_write_through_a_symlink(tmp_path, config, monkeypatch):
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


def test_write_to_a_path_without_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.write("config", "new", 0o600)
    assert files.read("config") == "new"
    assert files.remove("config") is True


@as_root
def test_write_keeps_or_sets_the_owner(config, tmp_path):
    os.chown(str(config), 12345, 54321)
    files.write(str(config), "new", 0o640)
    assert (os.stat(str(config)).st_uid, os.stat(str(config)).st_gid) == (12345, 54321)
    files.write(str(config), "new", 0o640, owner="root", group="23456")
    assert (os.stat(str(config)).st_uid, os.stat(str(config)).st_gid) == (0, 23456)


@pytest.mark.parametrize("option", ["owner", "group"])
def test_an_unknown_owner_is_refused_before_anything_is_done(config, option):
    unknown = {option: "no-such-name"}
    for function in (
        lambda: files.write(str(config), "new", 0o600, **unknown),
        lambda: files.correct(str(config), **unknown),
    ):
        with pytest.raises(NksError, match="%s: 'no-such-name' is not known on this host" % option):
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


def test_backup_is_private_from_the_first_byte(config, monkeypatch):
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


def test_backup_grants_nothing_to_another_group(config, monkeypatch):
    os.chmod(str(config), 0o664)
    present = dict(files.attributes(str(config)), gid=54321)
    monkeypatch.setattr(files, "attributes", lambda path: present)
    monkeypatch.setattr(os, "fchown", failing(PermissionError(1, "Operation not permitted")))
    assert mode_of(files.backup(str(config))) == 0o604


@as_root
def test_backup_keeps_the_owner(config):
    os.chown(str(config), 12345, 54321)
    status = os.stat(files.backup(str(config)))
    assert (status.st_uid, status.st_gid) == (12345, 54321)


def test_a_backup_that_fails_leaves_no_file(config, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(OSError(28, "No space left on device")))
    with pytest.raises(NksError, match="Could not back up %s: No space left" % config):
        files.backup(str(config))
    assert os.listdir(str(config.parent)) == ["config"]


# --- correct, attributes, remove -------------------------------------------------------------------------------------


def test_correct_mode(config):
    expected = {"mode": {"before": "0644", "after": "0600"}}
    assert files.correct(str(config), mode=0o600, check_mode=True) == expected
    assert mode_of(config) == 0o644
    assert files.correct(str(config), mode=0o600) == expected
    assert mode_of(config) == 0o600
    assert files.correct(str(config), mode=0o600) == {}
    assert files.correct(str(config)) == {}
    assert files.correct(str(config) + ".none", mode=0o600) == {}


@as_root
def test_correct_owner_takes_away_before_it_hands_over(config, monkeypatch):
    calls = []
    real_chmod, real_chown = os.chmod, os.chown
    monkeypatch.setattr(os, "chmod", lambda path, mode: calls.append(oct(mode)) or real_chmod(path, mode))
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: calls.append((uid, gid)) or real_chown(path, uid, gid))
    before = files.attributes(str(config))
    assert files.correct(str(config), mode=0o460, owner="12345", group=54321) == {
        "mode": {"before": "0644", "after": "0460"},
        "owner": {"before": before["owner"], "after": "12345"},
        "group": {"before": before["group"], "after": "54321"},
    }
    assert calls == ["0o440", (12345, 54321), "0o460"]
    assert files.attributes(str(config)) == {
        "mode": 0o460,
        "uid": 12345,
        "gid": 54321,
        "owner": "12345",
        "group": "54321",
    }
    assert files.correct(str(config), mode=0o460, owner="12345", group=54321) == {}
    assert files.correct(str(config), owner=before["owner"])["owner"]["after"] == before["owner"]


def test_correct_that_may_not(config, monkeypatch):
    monkeypatch.setattr(os, "chown", failing(PermissionError(1, "Operation not permitted")))
    with pytest.raises(NksError, match="Could not set owner of %s: Operation not permitted" % config):
        files.correct(str(config), owner="12345")


def test_attributes_of_nothing(config):
    assert files.attributes(str(config) + ".none") is None
    assert files.attributes(str(config))["mode"] == 0o644
    with pytest.raises(NksError, match="Not a directory"):
        files.attributes(str(config) + "/x")


def test_remove(tmp_path, config):
    link = tmp_path / "link"
    link.symlink_to(config)
    assert files.remove(str(link)) is True
    assert config.exists()
    assert files.remove(str(config)) is True
    assert files.remove(str(config)) is False
    with pytest.raises(NksError, match="is a directory"):
        files.remove(str(tmp_path))


def test_remove_that_may_not(config, monkeypatch):
    monkeypatch.setattr(os, "unlink", failing(PermissionError(13, "Permission denied")))
    with pytest.raises(NksError, match="Could not remove %s: Permission denied" % config):
        files.remove(str(config))
