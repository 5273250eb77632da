"""A certificate authority for servers on this machine: what RDS's own is for its endpoints."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

# Virtual time may be years away from the clock that TLS looks at.
YEARS = timedelta(days=3650)


@dataclass(frozen=True)
class Authority:
    """The key and the certificate that sign a server's."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """The bundle that a client verifies servers with."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, path: Path) -> Path:
        """Put the bundle into a file."""
        path.write_bytes(self.pem)
        return path

    def issue(self, *addresses: str) -> tuple[bytes, bytes]:
        """The certificate and the key, as PEM, of the server at IP addresses or host names."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            unsigned(named(addresses[0]), key)
            .issuer_name(self.certificate.subject)
            .add_extension(x509.SubjectAlternativeName(map(alternative, addresses)), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        certificate = builder.sign(self.key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM), private(key)


def make_authority(name: str = "Local RDS") -> Authority:
    """A new authority, whose key is nowhere but in memory."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        unsigned(named(name), key)
        .issuer_name(named(name))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(key, builder.sign(key, hashes.SHA256()))


def unsigned(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    """What the certificates have in common."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - YEARS)
        .not_valid_after(now + YEARS)
    )


def named(name: str) -> x509.Name:
    """A subject of one common name, which has 64 characters at most."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def alternative(address: str) -> x509.GeneralName:
    """The name that clients compare with where they have connected to."""
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def private(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as PEM, which no password protects."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
