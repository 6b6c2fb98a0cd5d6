"""A certificate authority of our own, and certificates for servers of tests."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own."""

    pem: bytes
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @classmethod
    def new(cls) -> "Authority":
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("Test authority")
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        signed = _certificate(name, name, key).add_extension(constraints, critical=True).sign(key, hashes.SHA256())
        return cls(signed.public_bytes(serialization.Encoding.PEM), key, name)

    def server_side(self, host: str, folder: Path) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        signed = _certificate(_name(host), self.name, key).add_extension(names, False).sign(self.key, hashes.SHA256())
        encodings = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        pem = folder / f"{host}.pem"
        pem.write_bytes(key.private_bytes(*encodings) + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    start, end = now - timedelta(days=1), now + timedelta(days=30)
    return x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), start, end)
