# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mode and owner of a file, as ansible.builtin.file and chmod(1) handle them."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from typing import Any, Callable, Dict, TypedDict

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._local.paths import explained

DEFAULT_MODE = 0o600
CLAUSE = re.compile(r"([ugoa]+)((?:[-+=](?:[rwxXst]*|[ugo]))+)")
QUOTE = "use a quoted octal number such as '0600', or the form 'u=rw,g=r'"
#: Option -> its value before and after, as texts.
Changes = Dict[str, Dict[str, str]]


class Attributes(TypedDict):
    """Mode and owner of an existing file."""

    mode: int
    uid: int
    gid: int
    owner: str
    group: str


def parse_mode(value: Any, option: str = "mode", current: int | None = None) -> int | None:
    """The mode that ``value`` represents; None for None.

    :param value: "0600", "600", "0o600", the int 0o600 (what YAML makes of an unquoted 0600), or
        symbolic ("u=rw,g-w").
    :param current: the current mode, which symbolic modes modify; 0600 if the file does not exist
        yet.
    :raises BadInput: any other value, such as "preserve" or an unquoted 600 (which YAML makes the
        decimal number).
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value <= 0o7777 and _sensible(value) and not _sensible_digits(str(value)):
            return value
        raise BadInput(option, value, "is a number, but not a valid octal mode", QUOTE)
    if isinstance(value, str) and re.fullmatch(r"(0o|0)?[0-7]{1,4}", value):
        return int(value, 8)
    clauses = [CLAUSE.fullmatch(clause) for clause in str(value).split(",")]
    mode = DEFAULT_MODE if current is None else current
    for clause in clauses:
        if clause is None or not isinstance(value, str):
            raise BadInput(option, value, "is not a file mode", QUOTE)
        for operator, rights in re.findall(r"([-+=])([rwxXstugo]*)", clause.group(2)):
            for who in clause.group(1).replace("a", "ugo"):
                mode = _changed_mode(mode, who, operator, rights)
    return mode


def _sensible(mode: int) -> bool:
    """Whether a mode grants no class more than the one before it, and nothing without reading."""
    user, group, other = mode >> 6 & 7, mode >> 3 & 7, mode & 7
    return (
        group & ~user == 0
        and other & ~group == 0
        and all(bits & 4 for bits in (user, group, other) if bits)
    )


def _sensible_digits(digits: str) -> bool:
    """Whether a decimal number was certainly intended as an octal one: 600, 644."""
    return bool(re.fullmatch(r"[0-7]{3,4}", digits)) and _sensible(int(digits, 8))


def _changed_mode(mode: int, who: str, operator: str, rights: str) -> int:
    """``mode`` after one symbolic change, as chmod(1) makes it, for one of the classes u, g and o."""
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


def attributes(path: str) -> Attributes | None:
    """Mode and owner of the file; None if it does not exist."""
    try:
        with explained("read the attributes of", path):
            status = os.stat(path)
    except NksError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    return {
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "owner": user_name(status.st_uid),
        "group": _group_name(status.st_gid),
    }


def user_name(uid: int) -> str:
    """The name of a user; the number if the host does not know one."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def owner_ids(owner: Any, group: Any) -> tuple[int, int]:
    """(uid, gid) of a user and a group, each a name, a number or None; -1 for None, as os.chown
    requires it.

    :raises BadInput: a name that does not exist on this host.
    """
    uid = _identifier("owner", owner, lambda name: pwd.getpwnam(name).pw_uid)
    return uid, _identifier("group", group, lambda name: grp.getgrnam(name).gr_gid)


def _identifier(option: str, value: Any, look_up: Callable[[str], int]) -> int:
    if value is None:
        return -1
    if re.fullmatch(r"[0-9]{1,10}", str(value)):
        return int(value)
    try:
        return look_up(str(value))
    except (KeyError, ValueError):
        raise BadInput(
            option, value, "does not exist on this host", "create it first, or specify a number"
        ) from None


def correct(
    path: str,
    mode: int | None = None,
    owner: Any = None,
    group: Any = None,
    check_mode: bool = False,
) -> Changes:
    """Set the requested mode, owner and group of an existing file; None leaves one unchanged.

    :param mode: as returned by ``parse_mode``.
    :returns: the differences, as {"mode": {"before": "0644", "after": "0600"}, "owner": …}; {} if
        the file does not exist.
    """
    current = attributes(path)
    uid, gid = owner_ids(owner, group)
    if current is None:
        return {}
    changes: Changes = {}
    if mode is not None and mode != current["mode"]:
        changes["mode"] = {"before": "%04o" % current["mode"], "after": "%04o" % mode}
    if uid not in (-1, current["uid"]):
        changes["owner"] = {"before": current["owner"], "after": user_name(uid)}
    if gid not in (-1, current["gid"]):
        changes["group"] = {"before": current["group"], "after": _group_name(gid)}
    if changes and not check_mode:
        mode = current["mode"] if mode is None else mode
        with explained("set %s of" % " and ".join(changes), path):
            # Revoke, hand over, then grant: the new owner must not get the old mode, nor the old
            # owner the new one.
            if current["mode"] & ~mode:
                os.chmod(path, current["mode"] & mode)
            if "owner" in changes or "group" in changes:
                os.chown(path, uid, gid)
            os.chmod(path, mode)
    return changes
