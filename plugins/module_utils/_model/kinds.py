# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of options: how a value is written, read back, compared, shown and exported.

A kind knows nothing of the option that uses it; :mod:`rows` says which option is of which kind.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any, Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

#: The service does not show the value, so there is nothing to compare with.
UNKNOWN: Any = object()


class Kind:
    """A plain text; the base of all kinds."""

    #: What the argument spec of an option of this kind has.
    spec: dict[str, Any] = {"type": "str"}

    def argument(self) -> dict[str, Any]:
        """The entry of an argument spec, without what the option itself adds."""
        return dict(self.spec)

    def write(self, value: Any) -> Any:
        """The value as a label of a creation (NKS API guide, Create a Cluster)."""
        return str(value)

    def read(self, value: Any) -> Any:
        """A typed value of the service, see :mod:`wire`, in the form that the option has."""
        return value

    def comparable(self, value: Any) -> Any:
        """A form in which values that mean the same are equal."""
        return str(value)

    def equal(self, desired: Any, observed: Any) -> bool:
        """Whether two values mean the same. A value that is UNKNOWN equals everything."""
        return observed is UNKNOWN or self.comparable(desired) == self.comparable(observed)

    def show(self, value: Any) -> Any:
        """The value for results and diffs, without appkeys."""
        return wire.masked(value)

    def export(self, value: Any) -> Any:
        """A value that :meth:`read` returned as a user would set it, without secrets; UNKNOWN if the
        option cannot have it.
        """
        plain = isinstance(value, (str, int, float)) and not isinstance(value, bool)
        return str(value) if plain else UNKNOWN


class Script(Kind):
    """A text that is compared exactly; an empty one means no script."""

    def comparable(self, value: Any) -> Any:
        return value

    def export(self, value: Any) -> Any:
        return value if isinstance(value, str) else UNKNOWN


class Integer(Kind):
    """A whole number."""

    spec = {"type": "int"}

    def comparable(self, value: Any) -> Any:
        return value

    def export(self, value: Any) -> Any:
        return value if isinstance(value, int) and not isinstance(value, bool) else UNKNOWN


class Boolean(Kind):
    """True or false; the service accepts and shows the words True and False."""

    spec = {"type": "bool"}

    def write(self, value: Any) -> str:
        return wire.write("bool", value)

    def comparable(self, value: Any) -> Any:
        return value

    def export(self, value: Any) -> Any:
        return value if isinstance(value, bool) else UNKNOWN


class Uuid(Kind):
    """The UUID of a resource, in any spelling."""

    def comparable(self, value: Any) -> str:
        return _reference(value)

    def show(self, value: Any) -> Any:
        return wire.one_spelling(value)

    def export(self, value: Any) -> Any:
        # Anything else would be looked up as a name.
        return wire.one_spelling(value) if wire.is_uuid(value) else UNKNOWN


class Cidr(Kind):
    """An IP network. Bits set behind its prefix do not matter."""

    def comparable(self, value: Any) -> Any:
        try:
            return str(ipaddress.ip_network(str(value), strict=False))
        except ValueError:
            return value

    def export(self, value: Any) -> Any:
        return self.comparable(value) if isinstance(value, str) else UNKNOWN


class UuidList(Kind):
    """UUIDs in an order that matters; joined by colons on the wire."""

    spec = {"type": "list", "elements": "str"}

    def write(self, value: Any) -> str:
        return wire.write("colon_list", value)

    def read(self, value: Any) -> list[Any]:
        return wire.read_list(value, ":")

    def comparable(self, value: Any) -> Any:
        return [_reference(item) for item in value]

    def show(self, value: Any) -> Any:
        return [wire.one_spelling(item) for item in value]

    def export(self, value: Any) -> Any:
        return self.show(value) if all(map(wire.is_uuid, value)) else UNKNOWN


class UuidSet(UuidList):
    """UUIDs in an order that the service changes (observed)."""

    def comparable(self, value: Any) -> Any:
        return {_reference(item) for item in value}

    def show(self, value: Any) -> Any:
        # Sorted, because the order of the service varies: check mode and a normal run report the
        # same.
        return sorted((wire.one_spelling(item) for item in value), key=str)


class Items(Kind):
    """A list of dictionaries whose keys are options.

    :param owner: the class whose rows are the options of one item.
    :param rows: these rows, by name.
    """

    def __init__(self, owner: type, rows: Mapping[str, Any]) -> None:
        self.owner = owner.__name__
        self.rows = rows

    def argument(self) -> dict[str, Any]:
        options = {name: row.argument(row.required) for name, row in self.rows.items()}
        return {"type": "list", "elements": "dict", "options": options}

    def export(self, value: Any) -> Any:
        exported = [self._export_item(item) for item in self.show(value)]
        return UNKNOWN if UNKNOWN in exported else exported

    def _export_item(self, item: dict[str, Any]) -> Any:
        """One item without secrets and without what is no option; UNKNOWN if an option cannot have
        its value.
        """
        exported = {
            name: row.kind.export(item[name])
            for name, row in self.rows.items()
            if not row.secret and item.get(name) is not None
        }
        missing = [name for name, row in self.rows.items() if row.required and name not in exported]
        return UNKNOWN if missing or UNKNOWN in exported.values() else exported


class Volumes(Items):
    """Block storage of each node, a set: the service may show it in another order.

    The wire has a prefix before each key (NKS API guide, Create a Cluster).
    """

    PREFIX = "volume_"

    def write(self, value: Any) -> list[dict[str, Any]]:
        return [
            {self.PREFIX + key: item[key] for key in self.rows if item.get(key) is not None}
            for item in value
        ]

    def read(self, value: Any) -> Any:
        if not isinstance(value, list):
            return UNKNOWN
        return [self._plain(item) for item in value if isinstance(item, dict)]

    def _plain(self, item: dict[str, Any]) -> dict[str, Any]:
        """A volume of the wire in the form of the option, without empty values."""
        start = len(self.PREFIX)
        plain = {key[start:]: value for key, value in item.items() if key.startswith(self.PREFIX)}
        plain["size"] = wire.read("int", plain.get("size"))
        return {key: value for key, value in plain.items() if value not in (None, "")}

    def equal(self, desired: Any, observed: Any) -> bool:
        return observed is UNKNOWN or self._paired(desired, observed) is not None

    def completed(self, desired: list[Any], observed: list[Any]) -> list[Any]:
        """The desired volumes, with what they leave open as it was observed.

        :returns: the desired volumes unchanged if they are other ones than those observed.
        """
        pairs = self._paired(desired, observed)
        if pairs is None:
            return desired
        return [
            {**other, **{key: value for key, value in volume.items() if value is not None}}
            for volume, other in zip(desired, pairs)
        ]

    def _paired(self, desired: list[Any], observed: list[Any]) -> list[Any] | None:
        """The observed volume for each desired one; None if they cannot be paired so that each pair
        is the same.

        A group has at most three volumes, so all pairings are tried.
        """
        if len(desired) != len(observed):
            return None
        if not desired:
            return []
        for place, other in enumerate(observed):
            if self._same(desired[0], other):
                others = self._paired(desired[1:], observed[:place] + observed[place + 1 :])
                if others is not None:
                    return [other, *others]
        return None

    def show(self, value: Any) -> Any:
        def order(volume: dict[str, Any]) -> tuple[str, ...]:
            path = volume.get("mount_path") or ""
            return str(path), str(volume.get("type")), str(volume.get("size"))

        return wire.masked(sorted(value, key=order))

    @staticmethod
    def _same(desired: dict[str, Any], observed: dict[str, Any]) -> bool:
        """Whether an observed volume is the desired one, as far as the service shows it.

        A mount path that the service chose is ignored.
        """
        return all(
            value is None or key not in observed or observed[key] == value
            for key, value in desired.items()
        )


class SecurityGroups(Items):
    """Security groups for each subnet; the order of a subnet's groups does not matter."""

    def write(self, value: Any) -> list[dict[str, Any]]:
        return [
            {
                "target_subnet": item["subnet"],
                "security_group_ids": ",".join(item["security_groups"]),
            }
            for item in value
        ]

    def read(self, value: Any) -> Any:
        if not isinstance(value, list):
            return UNKNOWN
        return [
            {
                "subnet": item.get("target_subnet"),
                "security_groups": wire.read_list(item.get("security_group_ids"), ","),
            }
            for item in value
            if isinstance(item, dict)
        ]

    def comparable(self, value: Any) -> Any:
        groups: dict[str, set[str]] = {}
        for item in value:
            names = {_reference(group) for group in item["security_groups"]}
            groups.setdefault(_reference(item["subnet"]), set()).update(names)
        return groups

    def show(self, value: Any) -> Any:
        return [
            dict(item, security_groups=sorted(item["security_groups"], key=str)) for item in value
        ]

    def export(self, value: Any) -> Any:
        groups = self.comparable(value)
        if not all(map(wire.is_uuid, {*groups, *(uuid for of in groups.values() for uuid in of)})):
            return UNKNOWN
        return [
            {"subnet": subnet, "security_groups": sorted(groups[subnet])}
            for subnet in sorted(groups)
        ]


class Settings(Kind):
    """A dictionary whose keys are options.

    :param owner: the class whose rows are its options.
    :param rows: these rows, by name.
    """

    def __init__(self, owner: type, rows: Mapping[str, Any]) -> None:
        self.owner = owner.__name__
        self.rows = rows

    def argument(self) -> dict[str, Any]:
        options = {name: row.argument(row.required) for name, row in self.rows.items()}
        return {"type": "dict", "options": options}


class Labels(Kind):
    """Labels that the user sets, by name."""

    spec = {"type": "dict"}

    def write(self, value: Any) -> dict[str, Any]:
        """The labels as they are sent: objects and lists as JSON text, other values unchanged."""
        return {name: wire.write_any(item) for name, item in value.items()}

    @staticmethod
    def same(desired: Any, observed: Any) -> bool:
        """Whether two values of a label mean the same: booleans in any case, JSON by its content,
        other texts exactly.
        """
        return bool(_meaning(desired) == _meaning(observed))


def _meaning(value: Any) -> Any:
    """A label in a form in which values that mean the same are equal.

    The service shows booleans in any case, and JSON text with other whitespace and another order
    than was sent (observed).
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _meaning(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_meaning(item) for item in value]
    return _text_meaning(value) if isinstance(value, str) else value


def _text_meaning(value: str) -> Any:
    text = value.strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    if text[:1] not in ("{", "["):
        # Numbers too: "1.10" is not "1.1".
        return value
    try:
        return _meaning(json.loads(value))
    except (ValueError, RecursionError):
        return value


def _reference(value: Any) -> str:
    return str(wire.one_spelling(str(value))).lower()


TEXT = Kind()
SCRIPT = Script()
INTEGER = Integer()
BOOLEAN = Boolean()
UUID = Uuid()
CIDR = Cidr()
UUID_LIST = UuidList()
UUID_SET = UuidSet()
LABELS = Labels()
