"""A certificate authority of the sandbox's own, and a certificate for this machine's loopback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from arm_sandbox import private

NAMES = ("127.0.0.1", "localhost", "::1")
DAYS = 825
"""The longest life of a certificate that Apple's platforms take."""


def authority_file(directory: Path) -> Path:
    """What a client has to trust."""
    return directory / "ca.pem"


def issue(directory: Path) -> Path:
    """A new server certificate with its key, by the authority that is kept in the directory."""
    authority = _authority(directory)
    leaf = authority.issue_cert(*NAMES, not_after=datetime.now(UTC) + timedelta(days=DAYS))
    file = directory / "server.pem"
    private.write(file, leaf.private_key_and_cert_chain_pem.bytes().decode())
    return file


def _authority(directory: Path) -> trustme.CA:
    key, certificate = directory / "ca-key.pem", authority_file(directory)
    if not (key.exists() and certificate.exists()):
        made = trustme.CA(organization_name="arm_sandbox", organization_unit_name="Loopback only")
        private.write(key, made.private_key_pem.bytes().decode())
        private.write(certificate, made.cert_pem.bytes().decode())
    return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
