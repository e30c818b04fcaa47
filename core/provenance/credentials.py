"""Content Credentials (C2PA) of a file, read and checked by c2pa-python, without a network.

Source: C2PA Technical Specification 2.4, sections 14 (trust) and 15 (validation); IPTC,
"Digital Source Type" NewsCodes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from core.provenance.found import Checked, Credentials, Manifest

_MOST = 50  # manifests, actions and the like that are told of
_LONGEST = 300  # characters of a text in a manifest

_SOUND = re.compile(r"assertion\.(data|bmff|boxes|collection|multiAsset)Hash\.")
_SIGNATURE = re.compile(r"claimSignature\.(?!outsideValidity)|signingCredential\.invalid")
_CLAIMS = re.compile(r"(assertion\.)?hashedURI\.(mismatch|missing)|assertion\.missing")
_EXPIRED = ("claimSignature.outsideValidity", "signingCredential.expired")
_UNTRUSTED = "signingCredential.untrusted"
_STORE = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
"""Description of the superbox of a manifest store (C2PA Technical Specification 2.4, 11.1.4.2)."""

_MARKS = (b"c2pa", b"C2PA", b"provenance")
"""One of these stands in every file that holds credentials, or says where they are kept (the term
``dcterms:provenance`` of its XMP)."""

_REMOTE = re.compile(r"remote manifests? from url (\S+)", re.IGNORECASE)


def settings_for(anchors: str) -> dict[str, Any]:
    """Settings of the C2PA library: no address is ever asked, and only the operator's list trusted.

    Parameters
    ----------
    anchors : str
        Certificates of the trust list as PEM; may be empty.
    """
    return {
        "verify": {
            "verify_after_reading": True,
            "verify_trust": True,
            "ocsp_fetch": False,
            "remote_manifest_fetch": False,
        },
        "core": {"allowed_network_hosts": []},
        **({"trust": {"trust_anchors": anchors}} if anchors.strip() else {}),
    }


def read_credentials(file: BinaryIO, anchors: str = "") -> Credentials | None:
    """The Content Credentials in a file.

    Parameters
    ----------
    file : binary file object
        Seekable.
    anchors : str
        As of `settings_for`.

    Returns
    -------
    Credentials or None
        None where the file has none, or is of a kind that cannot hold any.
    """
    import c2pa

    form = form_of(file)
    # Nothing but a mark is worth the library: files of many small parts take it minutes.
    if not form or not _holds(file, *_MARKS):
        return None
    file.seek(0)
    try:
        with c2pa.Context.from_dict(settings_for(anchors)) as context:
            reader = c2pa.Reader(form, file, context=context)
            store = json.loads(reader.json())
    except c2pa.C2paError as error:
        if remote := _REMOTE.search(str(error)):
            return Credentials(remote=_text(remote[1]))
        return Credentials(damaged=True) if _holds(file, _STORE) else None
    except (ValueError, RecursionError):
        return Credentials(damaged=True)
    return _credentials(store, bool(anchors.strip()))


def form_of(file: BinaryIO) -> str:
    """Media type by content, among those that may hold credentials; empty for others."""
    file.seek(0)
    head = file.read(16)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "video/avi"
    if head[:4] == b"fLaC":
        return "audio/flac"
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:11] in (b"M4A", b"M4B") else "video/mp4"
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE6 == 0xE2):
        return "audio/mpeg"
    return ""


def _holds(file: BinaryIO, *marks: bytes) -> bool:
    """Whether one of some words stands in a file."""
    longest = max(map(len, marks))
    file.seek(0)
    tail = b""
    while chunk := file.read(1 << 20):
        if any(mark in tail + chunk for mark in marks):
            return True
        tail = (tail + chunk)[-longest:]
    return False


def _credentials(store: dict[str, Any], with_list: bool) -> Credentials:
    found = store.get("validation_results") or {}
    active = found.get("activeManifest") or {}
    passed, failed = _codes(active, "success"), _codes(active, "failure")
    earlier = [d.get("validationDeltas") or {} for d in found.get("ingredientDeltas") or []]
    for held in (store.get("manifests") or {}).values():
        for ingredient in held.get("ingredients") or []:
            earlier.append((ingredient.get("validation_results") or {}).get("activeManifest") or {})
    trusted = "signingCredential.trusted" in passed
    expired = any(code in failed for code in _EXPIRED)
    problems = [code for code in failed if code != _UNTRUSTED]
    return Credentials(
        manifests=tuple(_manifests(store)),
        signature=_checked(passed, failed, "claimSignature.validated", _SIGNATURE),
        sound=_checked(passed, failed, "Hash.match", _SOUND),
        claims=_checked(passed, failed, "assertion.hashedURI.match", _CLAIMS),
        expired=expired,
        trust="listed" if trusted else "unknown" if with_list else "no list",
        earlier_fit=not any(set(_codes(one, "failure")) - {_UNTRUSTED} for one in earlier),
        problems=tuple(dict.fromkeys(problems))[:_MOST],
    )


def _checked(passed: list[str], failed: list[str], good: str, bad: re.Pattern[str]) -> Checked:
    if any(bad.match(code) for code in failed):
        return "differs"
    return "fits" if any(good in code for code in passed) else "not checked"


def _codes(statuses: dict[str, Any], kind: str) -> list[str]:
    return [_text(status.get("code")) for status in statuses.get(kind) or []]


def _manifests(store: dict[str, Any]) -> list[Manifest]:
    """The active manifest and those it was made from, the nearest first."""
    held = store.get("manifests") or {}
    order: list[str] = []
    ahead = [store.get("active_manifest")]
    while ahead and len(order) < _MOST:
        label = ahead.pop(0)
        if isinstance(label, str) and label in held and label not in order:
            order.append(label)
            ahead += [i.get("active_manifest") for i in held[label].get("ingredients") or []]
    return [_manifest(held[label]) for label in order]


def _manifest(held: dict[str, Any]) -> Manifest:
    signed = held.get("signature_info") or {}
    made = list(_made_by(held.get("claim_generator_info") or []))
    actions = list(_actions(held))[:_MOST]
    kinds = (_text(a.get("digitalSourceType")).rstrip("/").rsplit("/", 1)[-1] for a in actions)
    return Manifest(
        signer=_text(signed.get("issuer")),
        name=_text(signed.get("common_name")),
        time=_text(signed.get("time")),
        generator=", ".join(made[:3]) or _text(held.get("claim_generator")),
        source_types=tuple(dict.fromkeys(kind for kind in kinds if kind)),
        actions=tuple(
            (_text(a.get("action")), _agent(a.get("softwareAgent")), _text(a.get("when")))
            for a in actions
        ),
    )


def _made_by(listed: Any) -> Iterator[str]:
    for one in listed if isinstance(listed, list) else [listed]:
        if isinstance(one, dict) and (name := _agent(one)):
            yield name


def _agent(agent: Any) -> str:
    if isinstance(agent, dict):
        return " ".join(filter(None, (_text(agent.get("name")), _text(agent.get("version")))))
    return _text(agent)


def _actions(held: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for assertion in held.get("assertions") or []:
        if str(assertion.get("label", "")).startswith("c2pa.actions"):
            data = assertion.get("data")
            listed = data.get("actions") if isinstance(data, dict) else None
            yield from (a for a in listed or [] if isinstance(a, dict))


def _text(value: Any) -> str:
    return str(value).strip()[:_LONGEST] if isinstance(value, (str, int)) else ""
