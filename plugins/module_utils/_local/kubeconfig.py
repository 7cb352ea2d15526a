# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubeconfig texts: read, reduce to one context, merge into another, take out again, compare, describe without secrets.

Pure functions from text or plain data to text or plain data. The form is that of the Kubernetes documentation,
"Organizing Cluster Access Using kubeconfig Files"; the service's own file is in the NKS API guide, "Get kubeconfig
of a Cluster". No error of this file quotes anything but names: the texts are full of keys.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from datetime import datetime, timezone

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError

try:
    import yaml
except ImportError:
    yaml = None

SECTIONS = (("clusters", "cluster"), ("contexts", "context"), ("users", "user"))
#: All that the service's kubeconfig has (NKS API guide, "Get kubeconfig of a Cluster"), and a namespace. kubectl knows many more
#: fields, and some of them run commands or read files where the kubeconfig is used, so nothing else is taken from the service.
ACCEPTED = {
    "cluster": ("server", "certificate-authority-data"),
    "context": ("cluster", "user", "namespace"),
    "user": ("client-certificate-data", "client-key-data"),
}
HIDDEN = "(hidden)"
CHANGED = "(hidden, changed)"
# Far above any kubeconfig that people use, and low enough that hostile YAML costs neither memory nor the C stack.
MAX_CHARACTERS = 10 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 200000
#: No number, date or special form begins with a letter, so of such texts only some words mean something else.
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./:@=+-]*")
WORDS = frozenset(
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"]
)


class _CannotSplice(Exception):
    """The text is written in a way that cannot be edited line by line."""


# --- reading ---------------------------------------------------------------------------------------------------------


def parse(text, source):
    """The kubeconfig ``text`` as a dict.

    :param source: what the text is, as the subject of an error: a path, or "the kubeconfig of cluster demo".
    :raises NksError: for everything that is not a kubeconfig. Sections may be missing or null, but not all of them
        (unless ``kind`` says Config).
    """
    return _checked(_load(text, source), source)


def parse_existing(text, source):
    """As ``parse``, for a file that may not be there yet: {} for None, an empty text, comments only or ``{}``."""
    config = None if text is None else _load(text, source)
    return {} if config in (None, {}) else _checked(config, source)


def _checked(config, source):
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


def _refusal(source, reason):
    remedy = "look at it with 'kubectl config view', and correct it or choose another file"
    return NksError("%s is not a kubeconfig: %s; %s." % (source, reason, remedy))


def _load(text, source):
    loader = _yaml_classes()[0]
    if not isinstance(text, str):
        raise _refusal(source, "it is not a text")
    if len(text) > MAX_CHARACTERS:
        raise _refusal(source, "it is larger than 10 MiB")
    text = _as_yaml(text)
    try:
        _check_extent(yaml.parse(text, Loader=loader))
        return yaml.load(text, Loader=loader)  # a safe loader, see _yaml_classes
    except (
        Exception
    ) as error:  # PyYAML lets KeyError, ValueError and others through, e.g. for "!!bool x"
        mark = getattr(error, "problem_mark", None)
        where = " (line %d)" % (mark.line + 1) if mark else ""
    # Outside of the except clause: the YAML error quotes the text, and must not be chained to ours.
    raise _refusal(source, "it is not valid YAML%s, or too deep or too large" % where)


def _as_yaml(text):
    """JSON is YAML but for tabs and ``\\/``, which PyYAML refuses: write a JSON text in the form that it takes."""
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        try:
            return json.dumps(json.loads(text.lstrip("\ufeff")), ensure_ascii=False)
        except (ValueError, RecursionError):
            pass  # YAML flow style, or not for us to judge
    return text


def _check_extent(events):
    """Refuse what is too deep or, with its aliases written out, too large, before anything is built from it.

    :raises ValueError: PyYAML itself has no such bound; its C loader crashes the interpreter on deep nesting.
    """
    sizes: dict = {}
    open_nodes: list = [[None, 0]]  # anchor, number of nodes
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
            anchor, size = (
                None,
                sizes[event.anchor],
            )  # KeyError: unknown, or an anchor that contains itself
        else:
            continue
        if anchor:
            sizes[anchor] = size
        open_nodes[-1][1] += size
        if open_nodes[-1][1] > MAX_NODES:
            raise ValueError("too large")


@functools.lru_cache(maxsize=None)
def _yaml_classes():
    """(loader, dumper) for the data of a kubeconfig, which has no dates and, as kubectl writes it, no aliases."""
    if yaml is None:
        raise NksError(
            "PyYAML is needed on the host that runs nks_kubeconfig: install it there (pip install PyYAML)."
        )

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        pass

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data):
            return True

    def resolves(tag, regexp):
        # 1:30 is a number of YAML 1.1 alone, and the special form "=" one that PyYAML itself cannot read.
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
    # Ansible hands options over as subclasses of str, which PyYAML would refuse to write.
    Dumper.add_multi_representer(str, _represent_str)
    Dumper.add_representer(str, _represent_str)
    return Loader, Dumper


def _represent_str(dumper, value):
    """Without quotes only where every reader of YAML takes it for a text: YAML 1.1 as PyYAML has it, 1.2, and kubectl's mixture of both."""
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        style = None
    else:
        # PyYAML writes some line breaks in a form that it does not read back, unless in double quotes.
        style = "'" if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style=style)


# --- making ----------------------------------------------------------------------------------------------------------


#: Stands for what check mode cannot know.
LATER = "known once the cluster exists"


def predicted(context, set_current):
    """The kubeconfig of a cluster that does not exist yet, for check mode; parameters as of :func:`single`."""
    return _one_context(context, set_current, {"server": LATER}, {"client-key-data": LATER}, {})


def single(config, context, set_current, source="the kubeconfig that the service returned"):
    """A kubeconfig of one cluster, one user and one context, all named ``context``, made from one of several.

    Takes the current context, or the only one, and of its three entries what ``ACCEPTED`` lists.

    :param config: what ``parse`` gave.
    :param set_current: whether the context is the current one of the new kubeconfig.
    :raises BadInput: a context name that no kubeconfig can hold.
    :raises NksError: no context to take, one whose cluster or user is not there, or a field that is not accepted.
    """
    contexts = config.get("contexts") or []
    chosen = _entry(config, "contexts", config.get("current-context"))
    if chosen is None and len(contexts) == 1:
        chosen = contexts[0]
    if chosen is None:
        raise _refusal(
            source, "it has %d contexts and none of them is its 'current-context'" % len(contexts)
        )
    used = _accepted(chosen, "context", source)
    bodies = {}
    for section, body in (SECTIONS[0], SECTIONS[2]):
        entry = _entry(config, section, used.get(body))
        bodies[body] = _accepted(entry, body, source) if entry else {}
        if not bodies[body]:
            raise _refusal(source, "the %s of its context is not in its '%s'" % (body, section))
    server_url = bodies["cluster"].get("server", "")
    if not server_url.startswith(("https://", "http://")) or not server_url.isprintable():
        raise _refusal(source, "its cluster has no 'server' that is a URL")
    return _one_context(context, set_current, bodies["cluster"], bodies["user"], used)


def _one_context(context, set_current, cluster, user, more):
    """A kubeconfig of one cluster, one user and one context of one name.

    :param more: further fields of the context, as its namespace.
    :raises BadInput: a context name that no kubeconfig can hold.
    """
    if not isinstance(context, str) or not context.strip() or not context.isprintable():
        raise BadInput(
            "context",
            context,
            "is not a name for a context",
            "give one line of printable characters",
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


def _accepted(entry, body, source):
    """The fields of an entry's ``body`` that have a value.

    :raises NksError: one of them may not come from the service, or is not a text.
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


def render(config):
    """``config`` as YAML text: block style, keys sorted as kubectl writes them, no aliases."""
    return _dump(config)


def _dump(data):
    dumper = _yaml_classes()[1]
    # PyYAML sorts keys by default; the width keeps certificates and keys on one line.
    return yaml.dump(data, Dumper=dumper, default_flow_style=False, allow_unicode=True, width=2**30)


def merge(text, single_config, context, set_current, source="the existing kubeconfig"):
    """The kubeconfig ``text`` with the three entries of ``single_config`` put in under the name ``context``.

    Everything else stays: other entries, unknown keys, order and comments. Where the text cannot be edited line by
    line (flow style, JSON, anchors …) it is written anew, without its comments, and means the same.

    :param text: the present text; None or empty where there is none.
    :param single_config: what ``single`` gave for ``context``.
    :param set_current: False leaves a present current-context as it is.
    :returns: the new text; the very same text where it already means this.
    :raises NksError: ``text`` is not a kubeconfig.
    """
    config = parse_existing(text, source)
    if not config:
        wanted = dict(single_config)
        wanted["current-context"] = context if set_current else ""
        return _verified(_with_line_end(text or "") + render(wanted), wanted)
    changes = {}
    for section, _body in SECTIONS:
        entry = dict(single_config[section][0], name=context)
        entries = config.get(section) or []
        places = [index for index, old in enumerate(entries) if str(old["name"]) == context]
        changes[section] = dict.fromkeys(places[1:])
        if not places:
            changes[section][len(entries)] = entry
        elif entries[places[0]] != entry:
            changes[section][places[0]] = entry
    current = context if set_current and config.get("current-context") != context else None
    return _edit(text, config, changes, current)


def remove(text, context, source="the existing kubeconfig"):
    """The kubeconfig ``text`` without the context ``context`` and the cluster and user of that name.

    A cluster or user that another context still uses stays. A current-context of that name becomes "".

    :returns: the new text; the very same text (None included) where there is nothing to take out.
    :raises NksError: ``text`` is not a kubeconfig.
    """
    config = parse_existing(text, source)
    others = [
        entry.get("context") or {}
        for entry in config.get("contexts") or []
        if str(entry["name"]) != context
    ]
    changes = {}
    for section, body in SECTIONS:
        used = body != "context" and any(str(other.get(body)) == context for other in others)
        entries = [] if used else config.get(section) or []
        changes[section] = {
            index: None for index, entry in enumerate(entries) if str(entry["name"]) == context
        }
    return _edit(
        text, config, changes, "" if str(config.get("current-context")) == context else None
    )


# --- editing a text line by line -------------------------------------------------------------------------------------


def _edit(text, config, changes, current):
    """``text``, which means ``config``, with ``changes`` made.

    :param changes: section -> {index of an entry: its new form, or None to take it out}; an index past the end adds.
    :param current: the new current-context, or None to leave it.
    """
    changes = {section: edits for section, edits in changes.items() if edits}
    if not changes and current is None:
        return text
    wanted = dict(config)
    for section, edits in changes.items():
        entries = [
            edits.get(index, old) for index, old in enumerate((config.get(section) or []) + [None])
        ]
        wanted[section] = [entry for entry in entries if entry is not None]
    if current is not None:
        wanted["current-context"] = current
    try:
        return _verified(_splice(text, changes, current, wanted), wanted)
    except _CannotSplice:
        return render(wanted)


def _verified(text, wanted):
    """``text`` if it means exactly ``wanted``; otherwise ``wanted`` written anew: a wrong edit never gets out."""
    try:
        return text if parse(text, "") == wanted else render(wanted)
    except NksError:
        return render(wanted)


def _splice(text, changes, current, wanted):
    """The edits of ``_edit`` made on the lines of ``text``, found by the positions of its YAML nodes."""
    loader = _yaml_classes()[0]
    if _as_yaml(text) is not text:
        raise _CannotSplice  # JSON
    root = yaml.compose(text, Loader=loader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise _CannotSplice
    lines = _with_line_end(text).splitlines(True)
    newline = "\r\n" if lines[0].endswith("\r\n") else "\n"
    keys = {
        key.value: key.start_mark.line
        for key, _value in root.value
        if isinstance(key, yaml.ScalarNode)
    }
    nodes = {key.value: value for key, value in root.value if isinstance(key, yaml.ScalarNode)}
    margin = " " * root.start_mark.column
    dash = _dash_column(nodes, lines, root.start_mark.column)
    edits, tail = [], []  # (first line, line after the last, new lines); new lines after everything
    for section, _body in SECTIONS:
        if section not in changes:
            continue
        node = nodes.get(section)
        blocks = {index: _block(entry, dash, newline) for index, entry in changes[section].items()}
        added = [line for block in blocks.values() for line in block]  # where there is no entry yet
        if node is None:
            tail += [margin + section + ":" + newline] + added
        elif not node.value or isinstance(node, yaml.ScalarNode):  # [] or null
            line = node.start_mark.line
            edits.append((line, line + 1, [_with_value(lines, node, "")] + added))
        elif node.flow_style:
            raise _CannotSplice
        else:
            if not wanted[section]:
                line = keys[section]
                edits.append(
                    (line, line + 1, [re.sub(r"^( *[^\s:]+ *:)", r"\1 []", lines[line], count=1)])
                )
            for index, block in sorted(blocks.items()):
                if index == len(node.value):
                    edits.append((_end(node), _end(node), block))
                else:
                    edits.append(
                        (node.value[index].start_mark.line, _end(node.value[index]), block)
                    )
    if current is not None:
        value = _dump({"current-context": current}).strip()
        if "current-context" in nodes:
            line = nodes["current-context"].start_mark.line
            value = value.split(": ", 1)[1]
            edits.append((line, line + 1, [_with_value(lines, nodes["current-context"], value)]))
        else:
            tail.append(margin + value + newline)
    edits.append((_end(root), _end(root), tail))
    done, result = 0, []
    for first, after, new in sorted(edits, key=lambda edit: edit[:2]):
        result += lines[done:first] + new
        done = after
    return "".join(result + lines[done:])


def _dash_column(nodes, lines, default):
    """The column of the dashes in use, which every entry must show at the beginning of a line of its own."""
    columns = []
    for section, _body in SECTIONS:
        node = nodes.get(section)
        for entry in (
            node.value if isinstance(node, yaml.SequenceNode) and not node.flow_style else []
        ):
            before = lines[entry.start_mark.line][: entry.start_mark.column]
            if not re.match(r"^ *- +$", before):
                raise _CannotSplice
            columns.append(before.index("-"))
    return columns[0] if columns else default


def _block(entry, column, newline):
    if entry is None:
        return []
    return [" " * column + line + newline for line in _dump([entry]).splitlines()]


def _with_value(lines, node, value):
    """The line of a scalar or an empty list, with that replaced by ``value``; a comment after it stays."""
    start, end = node.start_mark, node.end_mark
    if start.line != end.line:
        raise _CannotSplice
    line = lines[start.line]
    return line[: start.column].rstrip(" ") + (" " + value if value else "") + line[end.column :]


def _end(node):
    """Number of the line after the last one of ``node`` (a block's own end mark is behind the comments after it)."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    return node.end_mark.line + (1 if node.end_mark.column else 0)


def _with_line_end(text):
    return text if not text or text.endswith(("\n", "\r")) else text + "\n"


# --- looking ---------------------------------------------------------------------------------------------------------


def foreign_entries(config, context, leads_there):
    """The entries besides those of one cluster, as "users/admin".

    A cluster's own are those named ``context``, and those of a file as this collection writes it without merging (one
    context, one cluster and one user, all of one name) that leads to the same API endpoint.

    :param context: None where the name is not known yet; any one name will do then.
    :param leads_there: function of the URL of an API server (or None): whether it may be the cluster's.
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


def equal(a, b):
    """Whether two kubeconfigs (dicts of ``parse``) mean the same: order, empty sections and defaults do not count."""
    return _meaning(a) == _meaning(b)


def _meaning(config):
    meaning = {"apiVersion": "v1", "kind": "Config"}
    meaning.update((key, value) for key, value in config.items() if value not in (None, "", [], {}))
    for section, _body in SECTIONS:
        meaning[section] = sorted(config.get(section) or [], key=lambda entry: str(entry["name"]))
    return meaning


def _entry(config, section, name):
    """The first entry of that name, or None."""
    for entry in (config or {}).get(section) or []:
        if name is not None and str(entry["name"]) == str(name):
            return entry
    return None


def _bodies(config, context):
    """{"context": …, "cluster": …, "user": …}: the contents of the three entries behind a context; {} for none."""
    bodies = {"context": (_entry(config, "contexts", context) or {}).get("context") or {}}
    for section, body in (SECTIONS[0], SECTIONS[2]):
        bodies[body] = (_entry(config, section, bodies["context"].get(body)) or {}).get(body) or {}
    return bodies


def server(config, context):
    """The URL of the API server behind ``context``, or None."""
    return _bodies(config, context)["cluster"].get("server")


def certificate_expiry(config, context):
    """When the client certificate of ``context`` ends, as in ``2031-10-06T07:43:17+00:00``.

    None where there is no ``client-certificate-data``, or it cannot be read.
    """
    data = _bodies(config, context)["user"].get("client-certificate-data")
    try:
        pem = base64.b64decode(data).decode("ascii")
        # Not a regular expression: with many beginnings and no end, that would take quadratic time.
        body = pem.partition("-----BEGIN CERTIFICATE-----")[2].partition(
            "-----END CERTIFICATE-----"
        )[0]
        return _not_after(base64.b64decode(body)).isoformat()
    except (ValueError, TypeError, AttributeError):
        return None


def _not_after(der):
    """The end of validity of an X.509 certificate in DER (RFC 5280, 4.1), as a datetime.

    Certificate ::= SEQUENCE { tbsCertificate ::= SEQUENCE { [0] version OPTIONAL, serialNumber, signature, issuer,
    validity ::= SEQUENCE { notBefore, notAfter }, … }, … }

    :raises ValueError: the bytes are not that.
    """
    _tag, start, _end_of = _element(der, 0, 0x30)
    _tag, start, _end_of = _element(der, start, 0x30)
    tag, _start, end = _element(der, start)
    if tag == 0xA0:  # the version; what follows is the serial number
        _tag, _start, end = _element(der, end, 0x02)
    _tag, _start, end = _element(der, end, 0x30)  # signature
    _tag, _start, end = _element(der, end, 0x30)  # issuer
    _tag, start, _end_of = _element(der, end, 0x30)  # validity
    _tag, _start, end = _element(der, start)  # notBefore
    tag, start, end = _element(der, end)  # notAfter
    value = der[start:end].decode("ascii")
    if tag == 0x17 and re.fullmatch(
        r"[0-9]{12}Z", value
    ):  # UTCTime: two digits of the year, 1950 to 2049
        value = ("19" if value >= "50" else "20") + value
    elif tag != 0x18 or not re.fullmatch(r"[0-9]{14}Z", value):  # GeneralizedTime
        raise ValueError("not a time")
    return datetime.strptime(value, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _element(der, at, tag=None):
    """(tag, start, end) of the contents of the DER element at ``at``.

    :raises ValueError: it does not fit into the bytes, or is not of that ``tag``.
    """
    if at + 2 > len(der) or tag not in (None, der[at]):
        raise ValueError("not the expected DER")
    start, length = at + 2, der[at + 1]
    if length >= 0x80:
        digits = length & 0x7F
        length = int.from_bytes(der[start : start + digits], "big")
        start += digits
    if start + length > len(der):
        raise ValueError("DER cut off")
    return der[at], start, start + length


# --- showing ---------------------------------------------------------------------------------------------------------


def describe(config, context):
    """What a diff may show of ``context``: no key, token or password; certificates as the beginning of a SHA-256.

    :param config: what ``parse`` gave, or None.
    :returns: {} where the context is not there.
    """
    return {key: shown for key, (shown, _value) in _facts(config, context).items()}


def describe_change(before, after, context):
    """(dict, dict) for a diff, as of ``describe``: whatever differs is seen to differ, and no secret is seen.

    :param before: dict of ``parse`` or None; likewise ``after``.
    """
    old, new = _facts(before, context), _facts(after, context)
    shown_old, shown_new = describe(before, context), describe(after, context)
    for key in set(old) & set(new):
        if old[key][1] != new[key][1] and shown_old[key] == shown_new[key]:
            shown_new[key] = CHANGED
    others_old, others_new = _other_names(before, context), _other_names(after, context)
    if others_old != others_new:
        shown_old["other entries"], shown_new["other entries"] = others_old, others_new
    if shown_old == shown_new and not equal(before or {}, after or {}):
        shown_old["rest"], shown_new["rest"] = HIDDEN, CHANGED
    return shown_old, shown_new


def _facts(config, context):
    """field -> (what may be shown, the value itself)."""
    if _entry(config, "contexts", context) is None:
        return {}
    is_current = str(config.get("current-context")) == context
    expiry = certificate_expiry(config, context)
    facts = {
        "context": (context, context),
        "current": (is_current, is_current),
        "certificate_expiry": (expiry, expiry),
    }
    for body, fields in _bodies(config, context).items():
        for field, value in sorted(fields.items(), key=str):
            name, shown = _shown(body, str(field), value)
            facts[name] = (shown, value)
    return facts


def _shown(body, field, value):
    """(name, form) in which a field of an entry may be shown; what is not known to be harmless is hidden."""
    if (body, field) in (("context", "cluster"), ("context", "user"), ("context", "namespace")):
        return field, str(value)
    if (body, field) == ("cluster", "server"):
        return field, re.sub(r"(?<=//)[^/]*@", HIDDEN + "@", str(value))
    if field in ("certificate-authority-data", "client-certificate-data"):
        digest = hashlib.sha256(str(value).encode("utf-8", "replace")).hexdigest()
        return field[: -len("-data")], "sha256:" + digest[:16]
    if field == "client-key-data":
        return "client-key", HIDDEN
    return "%s %s" % (body, field), HIDDEN


def _other_names(config, context):
    """The names of all entries but those of ``context``, as "users/admin"."""
    return sorted(
        "%s/%s" % (section, entry["name"])
        for section, _body in SECTIONS
        for entry in (config or {}).get(section) or []
        if str(entry["name"]) != context
    )
