# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubeconfigs: read, reduced to one context, compared, written.

Pure functions. The format is that of the Kubernetes documentation, "Organizing Cluster Access Using
kubeconfig Files"; the service's own file is in the NKS API guide, "Get kubeconfig of a Cluster". No
error of this file quotes anything but names, because the texts contain keys.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from typing import Any, Callable, Dict, Iterable, Mapping, cast

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._local import x509

try:
    import yaml
except ImportError:
    yaml = None

#: A kubeconfig as plain data; what its fields hold is checked where it is used.
Config = Dict[str, Any]
#: An entry of one of its lists: ``name``, and ``cluster``, ``context`` or ``user``.
Entry = Dict[str, Any]

SECTIONS = (("clusters", "cluster"), ("contexts", "context"), ("users", "user"))
#: All fields of the service's kubeconfig (NKS API guide, "Get kubeconfig of a Cluster"), and a
#: namespace. kubectl knows many more, some of which run commands or read files where the kubeconfig
#: is used, so no other field is accepted from the service.
ACCEPTED = {
    "cluster": ("server", "certificate-authority-data"),
    "context": ("cluster", "user", "namespace"),
    "user": ("client-certificate-data", "client-key-data"),
}
#: Far above any real kubeconfig, and low enough that hostile YAML exhausts neither memory nor the C
#: stack.
MAX_CHARACTERS = 10 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 200000
#: No number, date or special form begins with a letter, so among such texts only some words have
#: another meaning.
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./:@=+-]*")
WORDS = frozenset(
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"]
)


# --- reading ---------------------------------------------------------------------------------------------------------


def parse(text: Any, source: str) -> Config:
    """The kubeconfig ``text`` as a dict.

    :param source: the subject of an error: a path, or "the kubeconfig of cluster demo".
    :raises NksError: for everything that is not a kubeconfig. Sections may be missing or null, but
        not all of them (unless ``kind`` is Config).
    """
    return _checked(_load(text, source), source)


def parse_existing(text: str | None, source: str) -> Config:
    """As ``parse``, for a file that may not exist yet: {} for None, an empty text, comments only or
    ``{}``.
    """
    config = None if text is None else _load(text, source)
    return {} if config in (None, {}) else _checked(config, source)


def _checked(config: Any, source: str) -> Config:
    """The data, if it is a kubeconfig."""
    if not isinstance(config, dict):
        raise _refusal(source, "it is not a mapping")
    kind = config.get("kind")
    if kind is not None and str(kind).lower() != "config":
        raise _refusal(source, "its 'kind' is not 'Config'")
    if kind is None and not any(section in config for section, _body in SECTIONS):
        raise _refusal(source, "it has no lists 'clusters', 'contexts' and 'users'")
    for section, body in SECTIONS:
        entries = config.get(section)
        if entries is not None and not isinstance(entries, list):
            raise _refusal(source, "its '%s' is not a list" % section)
        for number, entry in enumerate(entries or [], 1):
            name = entry.get("name") if isinstance(entry, dict) else None
            if name is None or isinstance(name, (dict, list)):
                raise _refusal(source, "entry %d of its '%s' has no name" % (number, section))
            if not isinstance(entry.get(body) or {}, dict):
                raise _refusal(
                    source,
                    "the '%s' of entry %d of its '%s' is not a mapping" % (body, number, section),
                )
    return config


def _refusal(source: str, reason: str) -> NksError:
    remedy = "check it with 'kubectl config view', and correct it or choose another file"
    return NksError("%s is not a kubeconfig: %s; %s." % (source, reason, remedy))


def _load(text: Any, source: str) -> Any:
    """The data of a YAML or JSON text."""
    loader = yaml_classes()[0]
    if not isinstance(text, str):
        raise _refusal(source, "it is not a text")
    if len(text) > MAX_CHARACTERS:
        raise _refusal(source, "it is larger than 10 MiB")
    text = as_yaml(text)
    try:
        _check_extent(yaml.parse(text, Loader=loader))
        return yaml.load(text, Loader=loader)  # a safe loader, see yaml_classes
    except Exception as error:
        # PyYAML raises KeyError, ValueError and others too, for example for "!!bool x".
        mark = getattr(error, "problem_mark", None)
        where = " (line %d)" % (mark.line + 1) if mark else ""
    # Outside the except clause: the YAML error quotes the text, so our error must not be chained to
    # it.
    raise _refusal(source, "it is not valid YAML%s, or too deep or too large" % where)


def as_yaml(text: str) -> str:
    """The text, or, for JSON, a form of it that PyYAML accepts: it rejects tabs and ``\\/``, which
    JSON has.
    """
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        try:
            return json.dumps(json.loads(text.lstrip("\ufeff")), ensure_ascii=False)
        except (ValueError, RecursionError):
            pass  # YAML flow style, or invalid
    return text


def _check_extent(events: Iterable[Any]) -> None:
    """Reject a text that is too deep or, with its aliases expanded, too large, before anything is
    built from it.

    :raises ValueError: PyYAML itself has no such bound; its C loader crashes the interpreter on
        deep nesting.
    """
    sizes: dict[Any, int] = {}
    open_nodes: list[list[Any]] = [[None, 0]]  # anchor, number of nodes
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append([event.anchor, 1])
            if len(open_nodes) > MAX_DEPTH:
                raise ValueError("too deep")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_nodes.pop()
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1
        elif isinstance(event, yaml.AliasEvent):
            # A KeyError if the anchor is unknown, or contains itself.
            anchor, size = None, sizes[event.anchor]
        else:
            continue
        if anchor:
            sizes[anchor] = size
        open_nodes[-1][1] += size
        if open_nodes[-1][1] > MAX_NODES:
            raise ValueError("too large")


@functools.lru_cache(maxsize=None)
def yaml_classes() -> tuple[Any, Any]:
    """(loader, dumper) for the data of a kubeconfig, which has no dates and, as kubectl writes it,
    no aliases.
    """
    if yaml is None:
        raise NksError(
            "PyYAML is needed on the host that runs nks_kubeconfig: install it there (pip install PyYAML)."
        )

    # PyYAML may have no stubs, so that its classes have no types.
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def resolves(tag: str, regexp: Any) -> tuple[str, Any]:
        # 1:30 is a number only in YAML 1.1, and PyYAML itself cannot read the special form "=".
        if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
            return tag, re.compile(r"(?![^:]*:)(?:%s)" % regexp.pattern, re.VERBOSE)
        return tag, regexp

    Loader.yaml_implicit_resolvers = {
        first: [
            resolves(tag, regexp)
            for tag, regexp in resolvers
            if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    # Ansible passes options as subclasses of str, which PyYAML rejects.
    Dumper.add_multi_representer(str, _represent_str)
    Dumper.add_representer(str, _represent_str)
    return Loader, Dumper


def _represent_str(dumper: Any, value: str) -> Any:
    """Without quotes only if every reader takes it for a text: YAML 1.1 as PyYAML has it, 1.2, and
    kubectl's mixture.
    """
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        style: str | None = None
    else:
        # PyYAML does not read back some line breaks as it writes them, except in double quotes.
        style = "'" if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style=style)


# --- creation --------------------------------------------------------------------------------------------------------


#: In place of what check mode cannot know.
LATER = "known once the cluster exists"


def predicted(context: Any, set_current: bool) -> Config:
    """The kubeconfig of a cluster that does not exist yet, for check mode; parameters as of :func:`single`."""
    return _one_context(context, set_current, {"server": LATER}, {"client-key-data": LATER}, {})


def single(
    config: Config,
    context: Any,
    set_current: bool,
    source: str = "the kubeconfig that the service returned",
) -> Config:
    """A kubeconfig of one cluster, one user and one context, all named ``context``, from one that
    may have several.

    Uses the current context, or the only one, and the fields of its three entries that ``ACCEPTED``
    lists.

    :param config: the result of ``parse``.
    :param set_current: whether the context is the current one of the new kubeconfig.
    :raises BadInput: an invalid name of a context.
    :raises NksError: no context to use, one whose cluster or user is missing, or a field that is
        not accepted.
    """
    contexts = config.get("contexts") or []
    chosen = find_entry(config, "contexts", config.get("current-context"))
    if chosen is None and len(contexts) == 1:
        chosen = contexts[0]
    if chosen is None:
        raise _refusal(
            source, "it has %d contexts and none of them is its 'current-context'" % len(contexts)
        )
    used = _accepted(chosen, "context", source)
    bodies: dict[str, dict[str, str]] = {}
    for section, body in (SECTIONS[0], SECTIONS[2]):
        entry = find_entry(config, section, used.get(body))
        bodies[body] = _accepted(entry, body, source) if entry else {}
        if not bodies[body]:
            raise _refusal(source, "the %s of its context is not in its '%s'" % (body, section))
    server_url = bodies["cluster"].get("server", "")
    if not server_url.startswith(("https://", "http://")) or not server_url.isprintable():
        raise _refusal(source, "its cluster has no 'server' that is a URL")
    return _one_context(context, set_current, bodies["cluster"], bodies["user"], used)


def _one_context(
    context: Any,
    set_current: bool,
    cluster: Mapping[str, Any],
    user: Mapping[str, Any],
    more: Mapping[str, Any],
) -> Config:
    """A kubeconfig of one cluster, one user and one context of one name.

    :param more: additional fields of the context, as its namespace.
    :raises BadInput: an invalid name of a context.
    """
    if not isinstance(context, str) or not context.strip() or not context.isprintable():
        raise BadInput(
            "context",
            context,
            "is not a valid name for a context",
            "use one line of printable characters",
        )
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": user}],
        "contexts": [{"name": context, "context": dict(more, cluster=context, user=context)}],
        "current-context": context if set_current else "",
    }


def _accepted(entry: Entry, body: str, source: str) -> dict[str, str]:
    """The fields of an entry's ``body`` that have a value.

    :raises NksError: one of them is not accepted from the service, or is not text.
    """
    fields = {
        str(field): value
        for field, value in (entry.get(body) or {}).items()
        if value not in (None, "", [], {}, False)
    }
    strange = sorted(field for field in fields if field not in ACCEPTED[body])
    if strange:
        raise NksError(
            "%s was not used: its %s has %s, and kubectl could run commands, read files or connect elsewhere because of it. "
            "Only %s are accepted there; contact NHN Cloud support if the service really returns more."
            % (
                source,
                body,
                ", ".join(repr(field[:40]) for field in strange[:5]),
                ", ".join(ACCEPTED[body]),
            )
        )
    for field, value in fields.items():
        if not isinstance(value, str) and (body != "context" or isinstance(value, (dict, list))):
            raise _refusal(source, "the '%s' of its %s is not a text" % (field, body))
    return {field: str(value) for field, value in fields.items()}


def render(data: Config | list[Entry]) -> str:
    """A kubeconfig, or a part of one, as YAML text: block style, keys sorted as kubectl writes
    them, no aliases.
    """
    dumper = yaml_classes()[1]
    # PyYAML sorts keys by default; the width keeps certificates and keys on one line.
    return str(
        yaml.dump(data, Dumper=dumper, default_flow_style=False, allow_unicode=True, width=2**30)
    )


# --- queries ---------------------------------------------------------------------------------------------------------


def foreign_entries(
    config: Config, context: str | None, leads_there: Callable[[Any], bool]
) -> list[str]:
    """The entries that do not belong to one cluster, as "users/admin".

    The cluster's own entries are those named ``context``, and those of a file as this collection
    writes it without merging (one context, one cluster and one user, all with one name) with the
    same API endpoint.

    :param context: None if the name is not known yet; any single name is accepted then.
    :param leads_there: whether the URL of an API server (or None) may be that of the cluster.
    """
    entries = [
        (section, str(entry["name"]))
        for section, _body in SECTIONS
        for entry in config.get(section) or []
    ]
    names = {name for _section, name in entries}
    if len(names) == 1:
        (name,) = names
        if context is None or (len(entries) == len(SECTIONS) and leads_there(server(config, name))):
            return []
    return sorted("%s/%s" % entry for entry in entries if entry[1] != context)


def equal(a: Config, b: Config) -> bool:
    """Whether two kubeconfigs have the same meaning: order, empty sections and defaults do not
    count.
    """
    return _meaning(a) == _meaning(b)


def _meaning(config: Config) -> Config:
    meaning: Config = {"apiVersion": "v1", "kind": "Config"}
    meaning.update((key, value) for key, value in config.items() if value not in (None, "", [], {}))
    for section, _body in SECTIONS:
        meaning[section] = sorted(config.get(section) or [], key=lambda entry: str(entry["name"]))
    return meaning


def find_entry(config: Config | None, section: str, name: Any) -> Entry | None:
    """The first entry with that name, or None."""
    for entry in (config or {}).get(section) or []:
        if name is not None and str(entry["name"]) == str(name):
            return cast(Entry, entry)
    return None


def bodies_of(config: Config | None, context: Any) -> dict[str, dict[Any, Any]]:
    """{"context": …, "cluster": …, "user": …}: the contents of the three entries of a context; {}
    for a missing one.
    """
    bodies = {"context": (find_entry(config, "contexts", context) or {}).get("context") or {}}
    for section, body in (SECTIONS[0], SECTIONS[2]):
        bodies[body] = (find_entry(config, section, bodies["context"].get(body)) or {}).get(
            body
        ) or {}
    return bodies


def server(config: Config, context: Any) -> Any:
    """The URL of the API server of ``context``, or None; a text if the kubeconfig is valid."""
    return bodies_of(config, context)["cluster"].get("server")


def certificate_expiry(config: Config | None, context: Any) -> str | None:
    """When the client certificate of ``context`` expires, for example
    ``2031-10-06T07:43:17+00:00``.

    None if there is no ``client-certificate-data``, or it cannot be read.
    """
    data = bodies_of(config, context)["user"].get("client-certificate-data")
    try:
        # A field of the file may hold anything, for which b64decode has a TypeError.
        return x509.not_after(base64.b64decode(data).decode("ascii")).isoformat()  # type: ignore[arg-type]
    except (ValueError, TypeError, AttributeError):
        return None
