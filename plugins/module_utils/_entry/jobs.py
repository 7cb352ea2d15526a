# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All jobs by the names of their modules. Importing this file imports every file that any of them
may need: a process that runs many tasks loads them once.
"""

from __future__ import annotations

# The tasks import these files within functions; see engine.
from ansible_collections.nhncloud.nks.plugins.module_utils._apply import run, wait  # pylint: disable=unused-import  # noqa: F401
from ansible_collections.nhncloud.nks.plugins.module_utils._client import words  # pylint: disable=unused-import  # noqa: F401
from ansible_collections.nhncloud.nks.plugins.module_utils._entry import inputs  # pylint: disable=unused-import  # noqa: F401
from ansible_collections.nhncloud.nks.plugins.module_utils._observe import names  # pylint: disable=unused-import  # noqa: F401
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import (  # pylint: disable=unused-import
    autoscale,
    certificate,
    cluster,
    fleet,
    fleet_info,
    info,
    ipacl,
    kubeconfig,
    node,
    nodegroup,
    readiness,  # noqa: F401
    references,  # noqa: F401
)
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Job

JOBS: dict[str, Job] = {
    job.name: job
    for job in (
        cluster.JOB,
        nodegroup.JOB,
        fleet.JOB,
        kubeconfig.JOB,
        autoscale.JOB,
        autoscale.INFO,
        ipacl.JOB,
        ipacl.INFO,
        node.JOB,
        certificate.JOB,
        info.CLUSTERS,
        info.NODEGROUPS,
        info.EVENTS,
        info.VERSIONS,
        info.RESOURCES,
        fleet_info.JOB,
    )
}
