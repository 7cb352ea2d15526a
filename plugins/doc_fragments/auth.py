# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of all modules and of the inventory plugin."""

from __future__ import annotations

import re


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  region:
    description:
      - Code of the region, in any case. NKS is offered in V(kr1) (Pangyo), V(kr2) (Pyeongchon) and V(kr3) (Gwangju).
      - Needed unless O(kubernetes_endpoint) is set. The other services are found by the region, too.
      - The environment variable E(NHNCLOUD_REGION) is used when this option is not set.
    type: str
  tenant_id:
    description:
      - ID of the project (tenant), 32 hexadecimal digits. The console shows it under B(Compute > Instance > Set API Endpoint).
      - Needed unless O(token) is set. With O(token), it is needed as soon as the compute or the block storage service is asked.
      - A task that sets O(tenant_id) does not use a token of the environment unless E(NHNCLOUD_TENANT_ID) has the same value. It fails, because
        a token is good for one project only.
      - The environment variable E(NHNCLOUD_TENANT_ID) is used when this option is not set.
    type: str
  username:
    description:
      - E-mail address of the NHN Cloud account, or ID of the IAM account.
      - Needed unless O(token) is set.
      - The environment variable E(NHNCLOUD_USERNAME) is used when this option is not set.
    type: str
  password:
    description:
      - API password of the account. It is set in the console under B(Compute > Instance > Set API Endpoint)
        and is not the password with which the user signs in to the console.
      - Needed unless O(token) is set. It is a secret and is never shown.
      - The environment variable E(NHNCLOUD_PASSWORD) is used when this option is not set.
    type: str
  token:
    description:
      - A token that the identity service has issued, instead of O(username) and O(password). It is a secret and is never shown.
      - With a token the service catalogue is not read. The services are found by O(region) and O(domain), or by their own options such as
        O(kubernetes_endpoint).
      - An expired token is not renewed. The task fails.
      - The environment variable E(NHNCLOUD_TOKEN) is used when this option is not set.
    type: str
  auth_url:
    description:
      - URL of the identity service. Only version 2.0 of its API is supported; C(/v2.0) is added where the URL has no version.
      - If it is not set, C(https://api-identity-infrastructure.) followed by O(domain) and C(/v2.0) is used.
      - The environment variable E(NHNCLOUD_AUTH_URL) is used when this option is not set.
    type: str
  domain:
    description:
      - Domain of the cloud in the names of its services. The public cloud has V(nhncloudservice.com),
        the government cloud V(gov-nhncloudservice.com).
      - If it is not set, it is taken from O(auth_url) if that is C(https://api-identity-infrastructure.) followed by a domain, and is
        V(nhncloudservice.com) if O(auth_url) is not set either. With any other O(auth_url) it has no default, so that a token of one cloud is
        never sent to another. Then the services are found in the service catalog or by their own options such as O(kubernetes_endpoint).
      - The environment variable E(NHNCLOUD_DOMAIN) is used when this option is not set.
    type: str
  kubernetes_endpoint:
    description:
      - URL of the NKS API, with or without the version at its end.
      - If it is not set, the token's service catalogue tells it, and where that has no entry,
        C(https://REGION-api-kubernetes-infrastructure.DOMAIN) is used.
      - The environment variable E(NHNCLOUD_KUBERNETES_ENDPOINT) is used when this option is not set.
    type: str
  compute_endpoint:
    description:
      - URL of the compute service, with or without version and tenant at its end. It tells flavors, key pairs, availability zones and instances.
      - If it is not set, it is found as O(kubernetes_endpoint) is, by the host name C(REGION-api-instance-infrastructure.DOMAIN).
      - The environment variable E(NHNCLOUD_COMPUTE_ENDPOINT) is used when this option is not set.
    type: str
  network_endpoint:
    description:
      - URL of the network service, with or without the version at its end. It tells networks, subnets, security groups and service gateways.
      - If it is not set, it is found as O(kubernetes_endpoint) is, by the host name C(REGION-api-network-infrastructure.DOMAIN).
      - The environment variable E(NHNCLOUD_NETWORK_ENDPOINT) is used when this option is not set.
    type: str
  image_endpoint:
    description:
      - URL of the image service, with or without the version at its end.
      - If it is not set, it is found as O(kubernetes_endpoint) is, by the host name C(REGION-api-image-infrastructure.DOMAIN).
      - The environment variable E(NHNCLOUD_IMAGE_ENDPOINT) is used when this option is not set.
    type: str
  volume_endpoint:
    description:
      - URL of the block storage service, with or without version and tenant at its end.
      - If it is not set, it is found as O(kubernetes_endpoint) is, by the host name C(REGION-api-block-storage-infrastructure.DOMAIN).
      - The environment variable E(NHNCLOUD_VOLUME_ENDPOINT) is used when this option is not set.
    type: str
  validate_certs:
    description:
      - Whether TLS certificates of the services are verified. Turn this off only in tests.
      - The environment variable E(NHNCLOUD_VALIDATE_CERTS) is used when this option is not set.
    type: bool
    default: true
  ca_cert:
    description:
      - Path of a file with CA certificates in PEM form, by which the services' certificates are verified instead of the system's.
      - A relative path starts in the directory of the playbook (on a local connection), or of the inventory source that sets it.
      - The environment variable E(NHNCLOUD_CA_CERT) is used when this option is not set.
    type: path
  request_timeout:
    description:
      - Time limit for one request, in seconds, above 0 and at most 86400. It includes the connection, redirections and the whole answer.
      - The environment variable E(NHNCLOUD_REQUEST_TIMEOUT) is used when this option is not set.
    type: float
    default: 30.0
  max_retries:
    description:
      - How often a request is repeated that got no answer, or one of HTTP 429, 502, 503 or 504.
      - Requests that change something are repeated only after a look at the present state has shown that they were not carried out.
      - The environment variable E(NHNCLOUD_MAX_RETRIES) is used when this option is not set.
    type: int
    default: 5
  token_cache:
    description:
      - Path of a file that keeps tokens until they expire, so that not every task logs in anew.
      - The file is created with mode 0600. An entry belongs to one identity URL, tenant, user, O(validate_certs) and O(ca_cert).
      - The file is used only if it is a regular file of the user who runs the task, with mode 0600, in a directory to which no other
        user can write. Otherwise there is a warning and tokens are not kept.
      - If it is not set, tokens are not kept.
      - A relative path starts in the directory of the playbook (on a local connection), or of the inventory source that sets it.
      - The environment variable E(NHNCLOUD_TOKEN_CACHE) is used when this option is not set.
    type: path
requirements:
  - python >= 3.8
  - requests
notes:
  - The credentials are either O(token), or O(username), O(password) and O(tenant_id).
  - The credentials of a task take precedence over those of the environment as a set. If the task sets O(username), O(password) or O(token), none of
    these three is taken from the environment. O(tenant_id), O(region) and the addresses are each taken from the task or, if it does not set them,
    from the environment. Empty environment variables are ignored.
  - When the service refuses a request, the failed result has, besides C(msg), the keys C(status_code) (the HTTP status),
    C(request_id) (to be named to the support of NHN Cloud) and C(api_error) (the service's own words).
"""


def _with_environment(text):
    """Add to each option the variable that it falls back to. Modules do that in their argument spec, other plugins by ``env``."""
    return re.sub(
        r"(?m)^  ([a-z_]+):$",
        lambda found: (
            "%s\n    env:\n      - name: NHNCLOUD_%s" % (found.group(0), found.group(1).upper())
        ),
        text,
    )


# For plugins that are no modules: "nhncloud.nks.auth.plugin".
ModuleDocFragment.PLUGIN = _with_environment(ModuleDocFragment.DOCUMENTATION)
