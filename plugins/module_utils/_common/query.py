# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMESPath over results."""

from __future__ import annotations

import json
import traceback

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError

try:
    import jmespath

    JMESPATH_ERROR = None
except ImportError:
    jmespath = None
    JMESPATH_ERROR = traceback.format_exc()


#: How deep an expression may be nested. Python's own limit depends on how deep its calls are already, which differs between the ways to run.
MAX_DEPTH = 200
MAX_NESTED = 60
TOO_DEEP = "is nested too deeply for JMESPath"


def check(expression, option="query"):
    """The compiled expression; called early, it refuses one that cannot be read before any request.

    :raises BadInput: naming the place where it cannot be read.
    """
    if jmespath is None:
        raise NksError(
            "%s: the Python library 'jmespath' is needed where this task runs (pip install jmespath)."
            % option,
            exception=JMESPATH_ERROR,
        )
    if _nested(expression) > MAX_NESTED:
        raise BadInput(option, None, TOO_DEEP, "use a simpler one")
    try:
        compiled = jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise BadInput(
            option, expression, "is not a JMESPath expression (%s)" % reason, "see jmespath.org"
        ) from None
    except RecursionError:
        raise BadInput(option, None, TOO_DEEP, "use a simpler one") from None
    except Exception as error:
        # The library's own mistakes about odd expressions.
        raise BadInput(
            option,
            expression,
            "is not a JMESPath expression (%s)" % _reason(error),
            "see jmespath.org",
        ) from None
    if _depth(compiled.parsed) > MAX_DEPTH:
        raise BadInput(option, None, TOO_DEEP, "use a simpler one")
    return compiled


def _nested(expression):
    """How many brackets are open at most; those in quotation marks are counted too, which no sane expression minds."""
    depth = deepest = 0
    for letter in expression:
        if letter in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in ")]}":
            depth = max(0, depth - 1)
    return deepest


def _depth(node):
    """How deep the parts of a compiled expression are nested."""
    level, depth = [node], 0
    while level:
        depth += 1
        level = [
            child for part in level for child in part.get("children", ()) if isinstance(child, dict)
        ]
    return depth


def _reason(error):
    """What an exception of Python's says, in a sentence: its first line."""
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def check_early(options):
    """Refuse a bad option ``query`` before any request; see :func:`check`."""
    if options["query"] is not None:
        check(options["query"])


def search(expression, data, option="query"):
    """What the expression gives.

    :raises BadInput: it does not fit the data.
    """
    compiled = check(expression, option)
    try:
        found = compiled.search(data)
        # The result of "&name" is an expression and no data.
        json.dumps(found)
    except jmespath.exceptions.JMESPathError as error:
        raise BadInput(
            option, expression, "does not fit the result (%s)" % _reason(error), "see jmespath.org"
        ) from None
    except TypeError as error:
        # JMESPath defines no order for anything but numbers, and the library leaves that to Python.
        reason = (
            "it gives an expression and not data"
            if "JSON serializable" in str(error)
            else _reason(error)
        )
        raise BadInput(
            option, expression, "does not fit the result (%s)" % reason, "see jmespath.org"
        ) from None
    except Exception as error:
        # The library's own mistakes about odd expressions, such as a slice with a step of 0.
        raise BadInput(
            option, expression, "does not fit the result (%s)" % _reason(error), "see jmespath.org"
        ) from None
    return found


def applied(expression, key, items):
    """The result of an information module: the items, and what the expression gives of them."""
    result = {key: items}
    if expression is not None:
        result["result"] = search(expression, items)
    return result
