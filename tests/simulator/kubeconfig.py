# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig with real certificates, made here, whose client certificate ends when the cluster's does."""

from __future__ import annotations

import base64
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .state import Cluster

_TEMPLATE = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {ca}
    server: {server}
  name: "{name}"
contexts:
- context:
    cluster: "{name}"
    user: admin
  name: default
current-context: default
kind: Config
preferences: {{}}
users:
- name: admin
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"""


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def text(cluster: Cluster) -> str:
    """The file's text; made once per certificate generation. Elliptic curve keys keep this below some milliseconds."""
    if cluster.certificate_text is not None:
        return cluster.certificate_text
    ca_key, client_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{cluster.name}-ca")])
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
            x509.NameAttribute(NameOID.COMMON_NAME, "admin"),
        ]
    )
    start, end = _moment(cluster.certificate_from), _moment(cluster.certificate_expiry())

    def builder(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )

    ca = builder(ca_name, ca_key).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    ca_certificate = ca.sign(ca_key, hashes.SHA256())
    client_certificate = builder(subject, client_key).sign(ca_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    cluster.certificate_serial = str(client_certificate.serial_number)
    cluster.certificate_text = _TEMPLATE.format(
        ca=_encoded(ca_certificate.public_bytes(pem)),
        certificate=_encoded(client_certificate.public_bytes(pem)),
        key=_encoded(client_key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())),
        server=cluster.api_address,
        name=cluster.name,
    )
    return cluster.certificate_text
