"""Content Credentials in words: the one line of the card, and the facts below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from core.detect.detection import IN_PART
from core.provenance.found import Credentials, Manifest, Provenance
from core.provenance.watermark import SIGN as WATERMARK

SYNTHETIC = {
    "trainedAlgorithmicMedia": "made by a trained algorithm",
    "compositeWithTrainedAlgorithmicMedia": "made in part by a trained algorithm",
    "algorithmicMedia": "made by an algorithm",
    "compositeSynthetic": "put together with synthetic parts",
}
"""IPTC digital source types that mean synthetic sound, and how a sentence goes on with them."""

RECORDED = {
    "digitalCapture": "a recording",
    "computationalCapture": "a recording that an algorithm processed",
    "compositeCapture": "put together from recordings",
    "negativeFilm": "a recording on tape or film",
    "positiveFilm": "a recording on tape or film",
}
"""The same of those that mean a recording."""

EDITED = {
    "humanEdits": "edited by people",
    "minorHumanEdits": "edited a little by people",
}
"""The same of those that mean work on a sound of either kind."""

Kind = Literal["synthetic", "recorded", "neutral", "warning"]


@dataclass(frozen=True)
class Line:
    """The one line that stands first on a card.

    Attributes
    ----------
    kind : str
        ``synthetic``, ``recorded`` or ``neutral`` is what the file says; ``warning`` that what it
        says does not hold.
    text : str
        A sentence or two.
    vouched : bool
        Whether somebody on the list of trusted signers says it.
    """

    kind: Kind
    text: str
    vouched: bool = False


def line(found: Provenance) -> Line | None:
    """What the file says of how it was made; None where it says nothing."""
    if found.credentials is not None:
        return _signed(found.credentials)
    return _marked(found) or _declared(found)


def contradiction(found: Provenance, verdict: str) -> str:
    """What a file's own statements and a detector's verdict say against each other."""
    statements = _statements(found)
    if not statements:
        return ""
    (kind, how), *others = statements
    if against := next((other for other in others if other[0] != kind), None):
        or_else = (
            ", or somebody marked a recording, or recorded such a voice as it was played"
            if _marked(found) is not None
            else ""
        )
        return (
            f"The file contradicts itself: it is {how}, and {against[1]}. One of the two is "
            f"wrong{or_else}."
        )
    said = line(found)
    if said is None or said.kind != kind:
        return ""
    if kind == "recorded" and verdict == "synthetic":
        return (
            f"The file is {how}, and scored synthetic. One of the two is wrong, or a synthetic "
            "voice was recorded as it was played: ask who signed what, and hear the parts that "
            "score highest."
        )
    if kind == "recorded" and verdict == IN_PART:
        return (
            f"The file is {how}, and a part of it scored synthetic. Whoever signed may have cut "
            "that part in, or the detector is wrong: hear it."
        )
    if kind == "synthetic" and verdict == "authentic":
        return (
            f"The file is {how}, and scored human. The detector may not know this kind of "
            "synthesis."
        )
    return ""


def _statements(found: Provenance) -> list[tuple[Kind, str]]:
    """All that a file states of how it was made, and how a sentence tells it; the surest first."""
    made: list[tuple[Kind, str]] = []
    as_what: dict[Kind, str] = {"synthetic": "synthetic", "recorded": "a recording"}
    held = found.credentials
    if held is not None and held.intact and (signed := made_as(held)) and signed[0] in as_what:
        made.append((signed[0], f"signed as {as_what[signed[0]]}"))
    if _marked(found) is not None:
        made.append(("synthetic", "marked with the watermark of a synthesiser"))
    for kind in dict.fromkeys(kind for kind, _ in _declarations(found)):
        made.append((kind, f"called {as_what[kind]} by its tags"))
    return made


def _signed(held: Credentials) -> Line:
    if held.remote:
        host = urlsplit(held.remote).hostname or held.remote
        return Line(
            "neutral",
            f"The file says that its Content Credentials are kept at {host}. Nothing is fetched "
            "from there, so nothing is known of them.",
        )
    if held.damaged or not held.manifests:
        return Line(
            "warning", "The file holds Content Credentials that cannot be read: they are damaged."
        )
    by = _who(held)
    if held.signature == "differs" or held.claims == "differs":
        return Line(
            "warning",
            "The Content Credentials in this file were altered: they are not what was signed, and "
            "nothing that they say can be relied on.",
        )
    if held.sound == "differs":
        return Line(
            "warning",
            f"This file was changed after {by} signed it: its Content Credentials are about "
            "other bytes, and prove nothing of these.",
        )
    made = made_as(held)
    kind: Kind = made[0] if made else "neutral"
    what = f" as {made[1]}" if made and made[2] == 0 else ""
    if held.expired:
        return Line(
            "warning",
            f"Signed by {by}{what}, with a certificate that had run out and no time stamp from "
            "before: when this was signed, and whether it still counts, cannot be told.",
        )
    if not held.intact:
        return Line(
            "warning",
            f"The Content Credentials by {by} do not pass all checks; the details name those that "
            "failed.",
        )
    when = f", {held.manifests[0].time[:10]}" if held.manifests[0].time else ""
    fits = "the signature and the sound fit"
    if not held.earlier_fit:
        fits += ", but an earlier version that they name was changed, and counts for nothing"
    if held.trust == "listed":
        text = f"Signed by {by}{what}{when}; {fits}."
    else:
        where = (
            "no list of trusted signers is installed here"
            if held.trust == "no list"
            else "who is not on the list of trusted signers here"
        )
        text = f"Signed{what}{when} by {by} ({where}); {fits}. Anyone can make such a certificate."
    if made and made[2]:
        before = held.manifests[made[2]].signer or "nobody named"
        text += (
            f" It was made from an earlier version, signed as {made[1]} by a signer that calls "
            f"itself \N{LEFT DOUBLE QUOTATION MARK}{before}\N{RIGHT DOUBLE QUOTATION MARK}."
        )
    elif not made:
        text += " It does not say how the sound was made."
    return Line(kind, text, held.trust == "listed")


def _who(held: Credentials) -> str:
    """The signer's name where a list vouches for it, else what it calls itself."""
    name = held.manifests[0].signer
    if held.trust == "listed":
        return name or "a signer without a name"
    if not name:
        return "an unknown signer without a name"
    # In marks, so that no name reads on as a part of the sentence.
    name = name.replace("\N{RIGHT DOUBLE QUOTATION MARK}", "'")
    return (
        "an unknown signer that calls itself "
        f"\N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK}"
    )


def made_as(held: Credentials) -> tuple[Kind, str, int] | None:
    """What the statements say of how the sound was made, and which of them does.

    Synthetic in any version counts first. Where one of the earlier versions does not fit, only the
    newest is heard.
    """
    heard = held.manifests if held.earlier_fit else held.manifests[:1]
    kinds = [(kind, i) for i, manifest in enumerate(heard) for kind in manifest.source_types]
    for kind, i in kinds:
        if kind in SYNTHETIC:
            return "synthetic", SYNTHETIC[kind], i
    for kind, i in kinds:
        if kind in RECORDED:
            return "recorded", RECORDED[kind], i
    return next((("neutral", EDITED[kind], i) for kind, i in kinds if kind in EDITED), None)


def _marked(found: Provenance) -> Line | None:
    """The line where the watermark was found."""
    sign = found.sign(WATERMARK)
    if sign is None or not sign.values["found"]:
        return None
    return Line(
        "synthetic",
        "The sound carries PerTh, the watermark that Resemble's models put into the voices they "
        "make. Nobody signed that: its open package can mark any sound.",
    )


def _declarations(found: Provenance) -> Iterator[tuple[Kind, str]]:
    """What tags say, which nobody signed: its kind, and how a sentence goes on with it."""
    for sign in found.signs:
        if sign.code == "declares-source":
            source = str(sign.values["source_type"])
            if source in SYNTHETIC:
                yield "synthetic", f"say that it was {SYNTHETIC[source]}"
            elif source in RECORDED:
                yield "recorded", f"say that it is {RECORDED[source]}"
        elif sign.code == "declares-aigc" and sign.values["label"] in ("1", "2"):
            sure = "is" if sign.values["label"] == "1" else "may be"
            yield "synthetic", f"(AIGC) say that it {sure} AI-generated"


def _declared(found: Provenance) -> Line | None:
    """The line of tags; that something is a recording is what all files are taken for."""
    unsigned = "No signature covers that: anyone can write such a tag, or take it away."
    for kind, said in _declarations(found):
        if kind == "synthetic":
            return Line("synthetic", f"The file's tags {said}. {unsigned}")
    if (named := found.sign("synthesiser-named")) is not None:
        return Line(
            "neutral",
            f"The file's tags name a speech synthesiser: {named.values['says']}. {unsigned}",
        )
    return None


def facts(held: Credentials) -> list[tuple[str, str]]:
    """What was checked and what is said, as names and values for a list."""
    if held.remote:
        return [("Kept at", f"{held.remote} (not fetched)")]
    if not held.manifests:
        return []
    fit = {"fits": "fits", "differs": "DOES NOT FIT", "not checked": "could not be checked"}
    trust = {
        "listed": "on the list of trusted signers",
        "unknown": "not on the list of trusted signers",
        "no list": "unknown: no list of trusted signers is installed here",
    }
    rows = [
        ("Signature", fit[held.signature]),
        ("Bytes of the file", fit[held.sound]),
        ("Parts of the statement", fit[held.claims]),
        ("Certificate", "had run out" if held.expired else "in time"),
        ("Signer", trust[held.trust]),
    ]
    if held.problems:
        rows.append(("Checks that failed", ", ".join(held.problems)))
    for number, manifest in enumerate(held.manifests):
        name = "Statement" if number == 0 else f"Earlier version {number}"
        name += "" if number == 0 or held.earlier_fit else " (DOES NOT FIT)"
        rows.append((name, _manifest(manifest)))
    if not held.earlier_fit:
        rows.append(("Earlier versions", "one of them had been changed, or does not fit"))
    return rows


def _manifest(m: Manifest) -> str:
    known = SYNTHETIC | RECORDED | EDITED
    named = (m.signer or "nobody") + (f" ({m.name})" if m.name else "")
    said = [f"signed with a certificate that names {named}"]
    said.append(f"time stamp {m.time}" if m.time else "no time stamp")
    if m.generator:
        said.append(f"written by {m.generator}")
    said += [f"source type {kind} ({known.get(kind, 'no wording')})" for kind in m.source_types]
    for action, agent, when in m.actions:
        said.append(
            action.removeprefix("c2pa.") + (f" with {agent}" if agent else "")
            + (f", {when} by its own account" if when else "")
        )  # fmt: skip
    return "; ".join(said)
