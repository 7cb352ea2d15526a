# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMESPath over results."""

from __future__ import annotations

import traceback

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import BadInput, NksError

try:
    import jmespath

    JMESPATH_ERROR = None
except ImportError:
    jmespath = None
    JMESPATH_ERROR = traceback.format_exc()


def check(expression, option="query"):
    """The compiled expression; called early, it refuses one that cannot be read before any request.

    :raises BadInput: naming the place where it cannot be read.
    """
    if jmespath is None:
        raise NksError("%s: the Python library 'jmespath' is needed where this task runs (pip install jmespath)." % option, exception=JMESPATH_ERROR)
    try:
        return jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise BadInput(option, expression, "is not a JMESPath expression (%s)" % reason, "see jmespath.org") from None


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
        return compiled.search(data)
    except jmespath.exceptions.JMESPathError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise BadInput(option, expression, "does not fit the result (%s)" % reason, "see jmespath.org") from None


def applied(expression, key, items):
    """The result of an information module: the items, and what the expression gives of them."""
    result = {key: items}
    if expression is not None:
        result["result"] = search(expression, items)
    return result
