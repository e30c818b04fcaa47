"""Certificates and signed files that tests make for themselves."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import c2pa
import numpy as np
import soundfile
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@dataclass(frozen=True)
class Chain:
    """A signer's certificates, key, and the root that may be trusted, as PEM."""

    certificates: bytes
    key: bytes
    root: str


def chain(organisation: str = "Voice Works", valid: timedelta = timedelta(days=30)) -> Chain:
    """A root and a signer below it, whose certificate is valid for so long from now."""
    now = datetime.now(UTC)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("Root", f"{organisation} Root", root_key, None, root_key, now)
    root = root.not_valid_after(now + timedelta(days=4000))
    signed_root = root.sign(root_key, hashes.SHA256())
    leaf = _certificate("Signer", organisation, key, signed_root.subject, root_key, now)
    signed = leaf.not_valid_after(now + valid).sign(root_key, hashes.SHA256())
    pem = [c.public_bytes(serialization.Encoding.PEM) for c in (signed, signed_root)]
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Chain(pem[0] + pem[1], private, pem[1].decode())


def _certificate(
    name: str, organisation: str, key: Any, issuer: Any, by: Any, now: datetime
) -> x509.CertificateBuilder:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{organisation} {name}"),
        ]
    )
    root = issuer is None
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .add_extension(x509.BasicConstraints(root, None), True)
        .add_extension(
            x509.KeyUsage(digital_signature=not root, key_cert_sign=root, crl_sign=root, **usage),
            True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), False)
    )
    mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    return made if root else made.add_extension(mail, False)


def wav(seconds: float = 1.0, seed: int = 0) -> bytes:
    """Noise."""
    sound = io.BytesIO()
    noise = 0.1 * np.random.default_rng(seed).standard_normal(round(16_000 * seconds))
    soundfile.write(sound, noise, 16_000, format="WAV")
    return sound.getvalue()


def signed(
    data: bytes,
    by: Chain,
    source_type: str = "trainedAlgorithmicMedia",
    form: str = "audio/wav",
    remote: str = "",
    action: str = "c2pa.created",
    parent: bytes | None = None,
) -> bytes:
    """The file with a manifest that says how it was made, or that it was made from another."""
    done: dict[str, Any] = {"action": action, "when": "2026-03-02T10:00:00Z"}
    done["digitalSourceType"] = IPTC + source_type
    done["softwareAgent"] = {"name": "Voice Works TTS", "version": "2.1"}
    manifest: dict[str, Any] = {
        "claim_generator_info": [{"name": "Signing Tool", "version": "1.0"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [done]}}],
    }
    builder_settings = {"verify": {"verify_after_sign": False, "remote_manifest_fetch": False}}
    context = c2pa.Context.from_dict(builder_settings)
    if parent is not None:
        manifest["assertions"] = []
    builder = c2pa.Builder(manifest, context=context)
    if parent is not None:
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
        builder.add_ingredient({"relationship": "parentOf"}, form, io.BytesIO(parent))
    if remote:
        builder.set_no_embed()
        builder.set_remote_url(remote)
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", by.certificates, by.key, None))
    made = io.BytesIO()
    builder.sign(signer, form, io.BytesIO(data), made)
    return made.getvalue()
