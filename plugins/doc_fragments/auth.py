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
      - Required unless O(kubernetes_endpoint) is set. The endpoints of other services also depend on the region.
      - The environment variable E(NHNCLOUD_REGION) is used when this option is not set.
    type: str
  tenant_id:
    description:
      - ID of the project (tenant), 32 hexadecimal digits. The console shows it in B(Compute > Instance > Set API Endpoint).
      - Required unless O(token) is set. With O(token), it is required for requests to the compute or block storage service.
      - If a task sets O(tenant_id) and the token comes from the environment, the task fails unless E(NHNCLOUD_TENANT_ID) has the same value,
        because a token is valid for one project only.
      - The environment variable E(NHNCLOUD_TENANT_ID) is used when this option is not set.
    type: str
  username:
    description:
      - Email address of the NHN Cloud account, or ID of the IAM account.
      - Required unless O(token) is set.
      - The environment variable E(NHNCLOUD_USERNAME) is used when this option is not set.
    type: str
  password:
    description:
      - API password of the account. You set it in the console in B(Compute > Instance > Set API Endpoint). It is not the console password.
      - Required unless O(token) is set. It is a secret and is never shown.
      - The environment variable E(NHNCLOUD_PASSWORD) is used when this option is not set.
    type: str
  token:
    description:
      - A token issued by the identity service, instead of O(username) and O(password). It is a secret and is never shown.
      - With a token, the service catalog is not read. The endpoints depend on O(region) and O(domain), or on options such as
        O(kubernetes_endpoint).
      - The task fails if the token has expired. The token is not renewed.
      - The environment variable E(NHNCLOUD_TOKEN) is used when this option is not set.
    type: str
  auth_url:
    description:
      - URL of the identity service. Only version 2.0 of its API is supported; C(/v2.0) is added if the URL has no version.
      - If it is not set, C(https://api-identity-infrastructure.) followed by O(domain) and C(/v2.0) is used.
      - The environment variable E(NHNCLOUD_AUTH_URL) is used when this option is not set.
    type: str
  domain:
    description:
      - Domain of the cloud in the host names of its services, V(nhncloudservice.com) for the public cloud and
        V(gov-nhncloudservice.com) for the government cloud.
      - If it is not set, it is derived from O(auth_url) if that is C(https://api-identity-infrastructure.) followed by a domain, and is
        V(nhncloudservice.com) if O(auth_url) is not set either. With any other O(auth_url) it has no default, so that a token of one cloud is
        never sent to another. The endpoints then come from the service catalog or from options such as O(kubernetes_endpoint).
      - The environment variable E(NHNCLOUD_DOMAIN) is used when this option is not set.
    type: str
  kubernetes_endpoint:
    description:
      - URL of the NKS API, with or without the version at the end.
      - If it is not set, the endpoint in the service catalog of the token is used, or
        C(https://REGION-api-kubernetes-infrastructure.DOMAIN) if the catalog has no entry.
      - The environment variable E(NHNCLOUD_KUBERNETES_ENDPOINT) is used when this option is not set.
    type: str
  compute_endpoint:
    description:
      - URL of the compute service, with or without version and tenant at the end. Used to look up flavors, key pairs, availability zones and
        instances.
      - The default is determined as for O(kubernetes_endpoint), with the host name C(REGION-api-instance-infrastructure.DOMAIN).
      - The environment variable E(NHNCLOUD_COMPUTE_ENDPOINT) is used when this option is not set.
    type: str
  network_endpoint:
    description:
      - URL of the network service, with or without the version at the end. Used to look up networks, subnets, security groups and service
        gateways.
      - The default is determined as for O(kubernetes_endpoint), with the host name C(REGION-api-network-infrastructure.DOMAIN).
      - The environment variable E(NHNCLOUD_NETWORK_ENDPOINT) is used when this option is not set.
    type: str
  image_endpoint:
    description:
      - URL of the image service, with or without the version at the end. Used to look up images.
      - The default is determined as for O(kubernetes_endpoint), with the host name C(REGION-api-image-infrastructure.DOMAIN).
      - The environment variable E(NHNCLOUD_IMAGE_ENDPOINT) is used when this option is not set.
    type: str
  volume_endpoint:
    description:
      - URL of the block storage service, with or without version and tenant at the end. Used to look up volume types.
      - The default is determined as for O(kubernetes_endpoint), with the host name C(REGION-api-block-storage-infrastructure.DOMAIN).
      - The environment variable E(NHNCLOUD_VOLUME_ENDPOINT) is used when this option is not set.
    type: str
  validate_certs:
    description:
      - Whether to verify the TLS certificates of the services. Turn this off only in tests.
      - The environment variable E(NHNCLOUD_VALIDATE_CERTS) is used when this option is not set.
    type: bool
    default: true
  ca_cert:
    description:
      - Path of a file with CA certificates in PEM format, used to verify the certificates of the services instead of the system's CA certificates.
      - A relative path starts in the directory of the playbook (on a local connection), or of the inventory source that sets it.
      - The environment variable E(NHNCLOUD_CA_CERT) is used when this option is not set.
    type: path
  request_timeout:
    description:
      - Time limit for one request, in seconds, above 0 and at most 86400. It includes the connection, redirections and the complete response.
      - The environment variable E(NHNCLOUD_REQUEST_TIMEOUT) is used when this option is not set.
    type: float
    default: 30.0
  max_retries:
    description:
      - Maximum number of times a request is repeated if it gets no response, or HTTP 429, 502, 503 or 504.
      - A request that changes something is repeated only after the module has read the current state and verified that it was not applied.
      - The environment variable E(NHNCLOUD_MAX_RETRIES) is used when this option is not set.
    type: int
    default: 5
  token_cache:
    description:
      - Path of a file that caches tokens until they expire, so that not every task has to log in.
      - The file is created with mode 0600. An entry is specific to the identity URL, tenant, user, O(validate_certs) and O(ca_cert).
      - The file is used only if it is a regular file of the user who runs the task, with mode 0600, in a directory to which no other
        user can write. Otherwise a warning is issued and tokens are not cached.
      - If it is not set, tokens are not cached.
      - A relative path starts in the directory of the playbook (on a local connection), or of the inventory source that sets it.
      - The environment variable E(NHNCLOUD_TOKEN_CACHE) is used when this option is not set.
    type: path
requirements:
  - python >= 3.8
  - requests
notes:
  - Set either O(token), or O(username), O(password) and O(tenant_id).
  - Credentials of a task take precedence over those of the environment as a set. If the task sets O(username), O(password) or O(token), none of
    these three comes from the environment. O(tenant_id), O(region) and the endpoints each come from the task or, if the task does not set them,
    from the environment. Empty environment variables are ignored.
  - If a service rejects a request, the failed result contains, in addition to C(msg), C(status_code) (the HTTP status), C(request_id)
    (include it when you contact NHN Cloud support) and C(api_error) (the error message returned by the service).
"""


def _with_environment(text: str) -> str:
    """Add the environment variable of each option. Modules have it in their argument spec, other plugins as ``env``."""
    return re.sub(
        r"(?m)^  ([a-z_]+):$",
        lambda found: (
            "%s\n    env:\n      - name: NHNCLOUD_%s" % (found.group(0), found.group(1).upper())
        ),
        text,
    )


# For plugins other than modules: "nhncloud.nks.auth.plugin".
ModuleDocFragment.PLUGIN = _with_environment(ModuleDocFragment.DOCUMENTATION)
