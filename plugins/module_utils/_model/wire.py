# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service's strings <-> typed values, in one table.

The service answers every label as a string: booleans in any case, numbers in quotes, lists joined
by colons, objects as JSON text (observed on the public cloud; NKS API guide). A value that cannot
be read as its type is kept unchanged: an unexpected label must not stop a task that does not need
it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Mapping, NoReturn

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadReply

#: JSON of the service: a resource, or a part of one.
Reply = Mapping[str, Any]
#: The same with values in their types.
Typed = Dict[str, Any]

HIDDEN = "********"
#: The control plane, as the upgrade operation calls it.
CONTROL_PLANE = "default-master"
#: The first node group; the service never calls it default (``is_default`` is false for it).
DEFAULT_GROUP = "default-worker"
#: Statuses of an instance that was stopped on purpose (Instance guide, Instance Status).
STOPPED = ("SHUTOFF", "SHUTDOWN", "STOPPED")
UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)

#: Label -> type. Labels that are not listed are texts.
LABELS = {
    "additional_network_id_list": "colon_list",
    "additional_subnet_id_list": "colon_list",
    "api_ep_ipacl_enable": "bool",
    "boot_volume_size": "int",
    "ca_enable": "bool",
    "ca_max_node_count": "int",
    "ca_min_node_count": "int",
    "ca_pod_replicas": "int",
    "ca_scale_down_delay_after_add": "int",
    "ca_scale_down_enable": "bool",
    "ca_scale_down_unneeded_time": "int",
    "ca_scale_down_util_thresh": "int",
    "cert_manager_api": "bool",
    "control_plane_log": "json",
    "etcd_volume_size": "int",
    "external_subnet_id_list": "colon_list",
    "extra_security_groups": "json",
    "extra_volumes": "json",
    "fip_auto_bind_enable": "bool",
    "k8s_args": "json",
    "k8s_node_labels": "json",
    "master_lb_floating_ip_enabled": "bool",
    "mba_scale_in": "json",
    "mba_scale_out": "json",
    "node_list": "colon_list",
    "pods_network_subnet": "int",
    "requested_node_count": "int",
    "service_user_enabled": "bool",
    "skm": "json",
    "strict_sg_rules": "bool",
    "term_of_validity": "int",
    "upgradable_kube_versions": "json",
}

_POLICY = {
    "adjustment_count": "int",
    "delay": "int",
    "duration": "int",
    "enable": "bool",
    "max_node_count": "int",
    "min_node_count": "int",
    "threshold": "int",
}
#: Label -> member -> type, for members of JSON text whose type the guide documents; all other
#: members are kept unchanged.
MEMBERS = {
    "control_plane_log": {"enable": "bool", "upload_interval": "int"},
    "extra_volumes": {"volume_size": "int"},
    "mba_scale_in": _POLICY,
    "mba_scale_out": _POLICY,
}

#: Fields of clusters and node groups outside of their labels -> type.
FIELDS = {
    "create_timeout": "int",
    "floating_ip_enabled": "bool",
    "id": "int",
    "is_default": "bool",
    "master_count": "int",
    "max_node_count": "int",
    "min_node_count": "int",
    "node_count": "int",
}

#: Fields of clusters and node groups that are always texts: they are compared, and are part of
#: messages.
TEXTS = ("fixed_network", "fixed_subnet", "name", "status", "status_reason", "uuid")

#: An appkey in a text: between quotation marks, as JSON and Python write it, up to the end of the
#: value, even if the closing mark is missing; or bare, as in a sentence or a command line
#: ("appKey=...", "appkey: ..."), where a short word belongs to the sentence.
APPKEY = re.compile(
    r"""(app[ _-]?key\\*["']?\s{0,9}[:=]\s{0,9}u?\\*["'])[^"'\\]+|(app[ _-]?key\\*["']?\s{0,9}[:=]\s{0,9})[^\s"'\\,;&<>(){}\[\]]{6,}""",
    re.IGNORECASE,
)

#: No reply of the API is nested deeper. Python's own limit depends on the depth of its calls, so it
#: differs between the execution modes.
MAX_DEPTH = 100
#: Digits of a number; a float holds no more, and Python before 3.11 needs hours to read millions.
MAX_DIGITS = 300
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

#: Labels of the cluster autoscaler -> type.
AUTOSCALE = {label: kind for label, kind in LABELS.items() if label.startswith("ca_")}


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number with too many digits")
    return int(text, 10)


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number that is too large")
    return value


def _constant(text: str) -> NoReturn:
    raise ValueError("%s is not JSON" % text)


DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_constant)


def parse(text: str) -> Any:
    """JSON text as data that can be compared, shown and written anywhere.

    :raises ValueError: it is not JSON; it is nested deeper than :data:`MAX_DEPTH`; a number is NaN
        or too large; or a text in it is not valid Unicode (half of a surrogate pair), which could
        not be written to any file.
    """
    try:
        data = DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    depth = -1
    level: list[Any] = [[data]] if text.count("[") + text.count("{") > MAX_DEPTH else []
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        level = [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, (dict, list))
        ]
    if SURROGATE.search(text):
        # UnicodeEncodeError is a ValueError.
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    return data


def is_uuid(value: Any) -> bool:
    """Whether the reference is a UUID, which needs no look-up."""
    return bool(UUID.fullmatch(str(value)))


def one_spelling(value: Any) -> Any:
    """A reference in the one spelling used for comparisons: a UUID in lower case with hyphens, a
    name unchanged.
    """
    if not is_uuid(value):
        return value
    digits = str(value).replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def read(kind: str | None, value: Any) -> Any:
    """A value of the wire in its type. A value that does not fit is returned unchanged, an empty
    text as None (as an empty list for lists).

    :param kind: bool, int, colon_list, json; anything else for text.
    """
    if kind == "colon_list":
        return read_list(value, ":")
    if not isinstance(value, str) or kind not in ("bool", "int", "json"):
        # A whole number may come as 10.0 from a server that knows only one kind of number.
        return (
            int(value)
            if kind == "int" and isinstance(value, float) and value.is_integer()
            else value
        )
    text = value.strip()
    if not text:
        return None
    if kind == "bool":
        return {"true": True, "false": False}.get(text.lower(), value)
    try:
        return _integer(text) if kind == "int" else parse(text)
    except ValueError:
        return value


def read_list(value: Any, separator: str) -> list[Any]:
    """A joined list as a list of texts: ``"a:b"`` -> ``["a", "b"]``; a list is accepted too."""
    if isinstance(value, str):
        value = value.split(separator)
    if not isinstance(value, list):
        return []
    return [
        item.strip() if isinstance(item, str) else item for item in value if item not in ("", None)
    ]


def write(kind: str, value: Any) -> str:
    """A typed value as the service expects it in ``labels``: "True"/"False", numbers as text, lists
    joined by colons.
    """
    if kind == "bool":
        return "True" if value else "False"
    if kind == "colon_list":
        return ":".join(value)
    return str(value)


def write_any(value: Any) -> Any:
    """A label that the user sets and the table does not list: objects and lists become JSON text."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return value


def resource(reply: Reply) -> Typed:
    """A cluster or node group with typed fields and labels; the reply itself is not modified."""
    typed = {key: read(FIELDS.get(key), value) for key, value in reply.items()}
    if "labels" in reply:
        typed["labels"] = labels(reply["labels"])
    if "node_addresses" in reply:
        typed["node_addresses"] = read_list(reply["node_addresses"], ",")
    typed.update((key, text(typed[key])) for key in TEXTS if key in typed)
    return typed


def text(value: Any) -> str | None:
    """The value as a text, whatever its type was; None stays None."""
    return value if value is None or isinstance(value, str) else str(value)


def labels(reply: Any) -> Typed:
    """The labels, typed; empty if the reply has none."""
    if not isinstance(reply, dict):
        return {}
    return {
        key: _members(read(LABELS.get(key), value), MEMBERS.get(key, {}))
        if LABELS.get(key) == "json"
        else read(LABELS.get(key), value)
        for key, value in reply.items()
    }


def _members(value: Any, kinds: Mapping[str, str]) -> Any:
    """The content of JSON text with typed members; a whole number is an int, also if it was written
    as 10.0.

    :param kinds: member -> type.
    """
    try:
        if isinstance(value, dict):
            return {key: _members(read(kinds.get(key), item), kinds) for key, item in value.items()}
        if isinstance(value, list):
            return [_members(item, kinds) for item in value]
    except RecursionError:
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def identified(reply: Reply, doing: str) -> Typed:
    """The reply to a GET of one cluster or node group, typed.

    :raises BadReply: it has no UUID or no status.
    """
    typed = resource(reply)
    if not all(isinstance(reply.get(key), str) and reply[key] for key in ("uuid", "status")):
        request_id = getattr(reply, "request_id", None)
        raise BadReply(
            "Could not %s: the answer has no uuid or no status%s."
            % (doing, " (request id %s)" % request_id if request_id else ""),
            request_id=request_id,
        )
    # Every task needs these, also if the service omits them.
    typed["name"] = typed.get("name") or typed["uuid"]
    typed["labels"] = typed.get("labels") or {}
    return typed


def autoscale(reply: Reply) -> Typed:
    """View Autoscaler Configuration: booleans and numbers in their types."""
    return {key: read(AUTOSCALE.get(key), value) for key, value in reply.items()}


def autoscale_of(group: Reply) -> Typed:
    """The autoscaler's settings from the labels of a node group."""
    return {key: value for key, value in (group.get("labels") or {}).items() if key in AUTOSCALE}


def metric_policies(group: Reply) -> list[str]:
    """The labels of the enabled policies of the metric-based autoscaler.

    Each is an object with ``enable`` (NKS API guide, Get a Node Group; NKS user guide, Metric-based
    Autoscaler).

    :param group: the typed node group.
    """
    labels_of = group.get("labels") or {}
    return [
        label
        for label in ("mba_scale_out", "mba_scale_in")
        if isinstance(labels_of.get(label), dict) and labels_of[label].get("enable") is True
    ]


def ipacl(reply: Reply) -> Typed:
    """Get Cluster API Endpoint IP Access Control: ``enable`` as a boolean, ``ipacl_targets`` as a
    list.
    """
    typed = dict(reply, enable=read("bool", reply.get("enable")) is True)
    if isinstance(typed.get("action"), str):
        typed["action"] = typed["action"].upper()
    targets = reply.get("ipacl_targets")
    typed["ipacl_targets"] = (
        [item for item in targets if isinstance(item, dict)] if isinstance(targets, list) else []
    )
    return typed


def event(reply: Reply) -> Typed:
    """One task of a cluster's history."""
    return dict(reply, id=read("int", reply.get("id")))


def versions(reply: Reply) -> list[Typed]:
    """``supported_k8s`` as a list of ``{version, available}`` in version order."""
    supported = reply.get("supported_k8s")
    if not isinstance(supported, dict):
        return []
    return [
        {"version": version, "available": read("bool", supported[version]) is True}
        for version in sorted(supported, key=version_key)
    ]


def event_types(reply: Reply) -> Typed:
    """``supported_event_type`` as one flat dict, from either of its two shapes (nested by resource,
    or flat).
    """
    flat = {}
    supported = reply.get("supported_event_type")
    for name, value in supported.items() if isinstance(supported, dict) else ():
        if isinstance(value, dict):
            flat.update(value)
        else:
            flat[name] = value
    return flat


def version_key(version: Any) -> tuple[tuple[int, ...], str]:
    """The sort key of a Kubernetes version: v1.9.3 < v1.10.0. Texts that are not versions come
    first.
    """
    # Python refuses to read a number with thousands of digits.
    return tuple(int(number[:99]) for number in re.findall(r"\d+", str(version))), str(version)


def _is_appkey(key: str) -> bool:
    # A quick check first: a fleet shows tens of thousands of keys.
    if key[-1:] not in "yY _-":
        return False
    return re.sub("[ _-]", "", key.lower()).endswith("appkey")


def at_version(state: dict[str, Any], version: str) -> dict[str, Any]:
    """A copy of a typed cluster or node group with another Kubernetes version."""
    return dict(state, labels=dict(state.get("labels") or {}, kube_tag=version))


def masked(value: Any) -> Any:
    """A copy without appkeys, the only secret that the service shows in its replies (encrypted
    volumes, log shipping).
    """
    if isinstance(value, dict):
        return {
            key: _hidden(item) if isinstance(key, str) and _is_appkey(key) else masked(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, str) and "key" in value.lower():
        # JSON text of a label that is not in the table or could not be read, or a sentence of an
        # event or an error.
        return APPKEY.sub(lambda found: (found.group(1) or found.group(2)) + HIDDEN, value)
    return value


def _hidden(value: Any) -> Any:
    """What is shown instead of an appkey, or of its change, which keeps its form."""
    if isinstance(value, dict) and value.keys() == {"before", "after"}:
        return {key: _hidden(item) for key, item in value.items()}
    return HIDDEN if value else value


def appkeys(value: Any) -> list[str]:
    """All appkeys in labels that the user set, also in JSON text; labels may be nested to any
    depth.
    """
    found: list[str] = []
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            item = read("json", item)
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            found += [
                str(inner)
                for key, inner in item.items()
                if str(key).lower().endswith("appkey") and inner
            ]
            pending.extend(item.values())
    return found
