"""The sandbox's own certificate authority, which signs one certificate for the edge and forgets its key; and
the key that signs ID tokens."""

from __future__ import annotations

from keelwatch.sandbox.layout import Layout, write_private

NAMES = ("localhost", "127.0.0.1", "portal.localhost", "west.portal.localhost", "east.portal.localhost")


def make_certificates(layout: Layout) -> None:
    """Write `tls/ca.pem` (public; clients verify with it) and `tls/edge.pem` (chain and key, 0600)."""
    import trustme

    authority = trustme.CA(organization_name="Keelwatch sandbox")
    certificate = authority.issue_cert(*NAMES)
    (layout.folder / "tls").mkdir(mode=0o700, exist_ok=True)
    write_private(layout.ca_file, authority.cert_pem.bytes().decode())
    write_private(
        layout.folder / "tls" / "edge.pem", certificate.private_key_and_cert_chain_pem.bytes().decode()
    )
    write_private(layout.signing_key_file, _new_signing_key())


def _new_signing_key() -> str:
    """PEM of a P-256 key, as ES256 wants it."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
