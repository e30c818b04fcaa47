"""Signs of a file's history in words: what was found, what it means, what else explains it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.audio.codecs import CODECS
from core.provenance.found import Provenance, Sign
from core.provenance.tags import PROGRAMS
from core.provenance.watermark import SIGN as WATERMARK

SUGGESTS_TIMES, SUGGESTS_SOURCES = 10.0, 5
"""A sign suggests something only where it is surely so many times as frequent on one side, and was
met there in so many collections of clips."""

NAMED = 8
"""Places that a sentence names."""

AROUND = ("floor-steps", "hum-jumps")
"""Signs whose places say between which seconds something is, not from when to when it lasts."""

ON_TIMELINE = {
    "zeros": "digital silence",
    "repeats": "exact repeat",
    "clicks": "click",
    "floor-steps": "step of the noise floor",
    "clipped": "flat tops",
    "hum-jumps": "jump of the hum",
}
"""Signs that have places, and what a mark of one is called."""


_NAMES = {
    **ON_TIMELINE,
    WATERMARK: "Resemble's watermark",
    "declares-source": "source type in XMP",
    "declares-aigc": "AIGC label",
    "times": "times in tags",
    "ends-4k": "ends at 4 kHz",
    "ends-8k": "ends at 8 kHz",
    "ends-11k": "ends at 11 kHz",
    "ends-12k": "ends at 12 kHz",
    "codec-mp3": "frames of an earlier MP3",
    "codec-aac": "frames of an earlier AAC",
    "codec-vorbis": "frames of an earlier Vorbis",
    "codec-g711": "values of G.711",
    "codec-cut": "ends above 12.3 kHz, in a lossless file",
    "length-256": "length in blocks of 256 samples",
    "bits-unused": "bits not in use",
    "dc-offset": "offset",
    "hum": "mains hum",
    "hum-line": "one line of mains hum",
}


def name_of(code: str) -> str:
    """A sign in a few words."""
    return f"tags name {PROGRAMS[code][0]}" if code in PROGRAMS else _NAMES.get(code, code)


@dataclass(frozen=True)
class Told:
    """One sign for people.

    Attributes
    ----------
    code : str
        Of the sign.
    found : str
        What was found.
    meaning : str
        What it means, and what else explains it.
    seen : str
        How often it was met in human and synthetic test clips.
    places : tuple of (float, float)
        Where, in seconds.
    """

    code: str
    found: str
    meaning: str
    seen: str
    places: tuple[tuple[float, float], ...] = ()

    @property
    def heading(self) -> str:
        """What it stands under."""
        return "Watermark" if self.code == WATERMARK else "History"

    @property
    def found_at(self) -> str:
        """What was found, with the first places of it."""
        if not self.places:
            return self.found
        around = self.code in AROUND
        named = [(a + b) / 2 if around else a for a, b in self.places[:NAMED]]
        shown = ", ".join(f"{second:.1f}" if around else f"{second:.2f}" for second in named)
        more = f" and {len(self.places) - NAMED} more" if len(self.places) > NAMED else ""
        return f"{self.found.removesuffix('.')} ({'about' if around else 'at'} {shown} s{more})."


def _count(n: int, what: str, plural: str = "s") -> str:
    return f"{n:,} {what}{'' if n == 1 else plural}"


def _edge(v: Mapping[str, Any]) -> str:
    return (
        f"The sound ends at {v['edge_hz'] / 1000:.1f} kHz, though the file of "
        f"{v['rate'] / 1000:g} kHz has room for {v['rate'] / 2000:g}"
    )


def _passed(kilohertz: str) -> tuple[Callable[[Mapping[str, Any]], str], str]:
    return _edge, (
        f"Most likely it was made, recorded or passed on at {kilohertz} kHz. Synthesisers work at "
        "such rates; so do telephones, messengers, headsets and archives. A filter can cut there, "
        "too."
    )


def _framed(codec: str) -> tuple[Callable[[Mapping[str, Any]], str], str]:
    return (
        lambda v: (
            f"Below the frames of this file lie those of an earlier {codec}"
            if v["again"]
            else f"The sound lies in frames of {codec}"
        ),
        f"Its loudest part, at least, was {codec} before it came into this file. Downloading, "
        "editing and converting do that to all kinds of sound.",
    )


_WORDS: dict[str, tuple[Callable[[Mapping[str, Any]], str], str]] = {
    "declares-source": (
        lambda v: f"The tags give the source type {v['source_type']}",
        "A tag that anyone can write or remove.",
    ),
    "declares-aigc": (
        lambda v: f"The tags hold an AIGC label ({v['label']})",
        "The mark of AI-generated sound that China requires. Anyone can write or remove it.",
    ),
    "times": (
        lambda v: "Times in the tags: " + ", ".join(f"{k} {t}" for k, t in v.items()),
        "By the clock of whoever wrote them; copying or converting writes new ones.",
    ),
    "ends-4k": _passed("8"),
    "ends-8k": _passed("16"),
    "ends-11k": _passed("22.05"),
    "ends-12k": _passed("24, or 22.05,"),
    "codec-mp3": _framed("MP3"),
    "codec-aac": _framed("AAC"),
    "codec-vorbis": _framed("Vorbis"),
    "codec-g711": (
        lambda v: f"All samples are among the 256 values of G.711 ({v['law']})",
        "It went through the codec of telephone networks, which archives and announcements use, "
        "too.",
    ),
    "codec-cut": (
        _edge,
        "An MP3 or the like ends so, and this file may have been made from one. So does sound of "
        "32 or 40 kHz, at which some synthesisers and broadcasters work, and an old recorder.",
    ),
    "length-256": (
        lambda v: f"The sound is exactly {v['blocks']:,} blocks of 256 samples long",
        "Neural vocoders put out such lengths. So do codecs, recorders and editors with blocks, "
        "and one in 256 lengths by chance.",
    ),
    "zeros": (
        lambda v: (
            f"{_count(v['runs'], 'stretch', 'es')} of exact zeros between sounds, "
            f"{v['seconds']:.2f} s"
        ),
        "Put in by an editor, or a synthesiser that joins sentences; a noise gate, a call that "
        "leaves pauses out, muting and too few bits do the same.",
    ),
    "repeats": (
        lambda v: (
            f"Bit by bit the same: {_count(v['repeats'], 'stretch', 'es')}, "
            f"{v['seconds']:.2f} s, met twice"
        ),
        "Somebody copied them, or a system replays fixed pieces; lost packets are filled like "
        "that too.",
    ),
    "clicks": (
        lambda v: f"{_count(v['clicks'], 'jump')} within one sample",
        "A hard cut leaves one. So do lost samples, a loose plug, and some mouths.",
    ),
    "floor-steps": (
        lambda v: (
            f"The noise floor steps by at least {v['most_db']:.0f} dB, "
            f"{v['steps']} time{'s' if v['steps'] != 1 else ''}"
        ),
        "Parts of different recordings may meet here, or noise was added. A gain control, noise "
        "reduction or a sound in the room that starts or stops does the same.",
    ),
    "bits-unused": (
        lambda v: f"Of {v['provided']} bits a sample {v['used']} are in use",
        "Most likely it was converted from a file of fewer bits.",
    ),
    "dc-offset": (
        lambda v: f"The samples lie off zero by {100 * v['offset']:+.2f} % of full scale",
        "Cheap converters leave that, and so do some edits and synthesisers.",
    ),
    "clipped": (
        lambda v: f"{v['tops']:,} flat tops at {v['peak']:.2f} of full scale",
        "Most likely recorded, made or amplified too loudly. A limiter does so, too.",
    ),
    "hum": (
        lambda v: f"A hum of {v['hertz']} Hz, {v['height_db']:.0f} dB above what is around it",
        "Most likely mains power near a microphone or its cable. It can be mixed in.",
    ),
    "hum-line": (
        lambda v: f"One line at {v['hertz']} Hz, {v['height_db']:.0f} dB above what is around it",
        "Most likely mains power near a microphone or its cable. It can be mixed in, and a steady "
        "tone looks the same.",
    ),
    "hum-jumps": (
        lambda v: (
            f"The phase of the hum at {v['hertz']} Hz jumps {_count(v['jumps'], 'time')}, by up to "
            f"{v['most_degrees']} degrees"
        ),
        "A cut leaves such a jump, and so do parts of different recordings that meet. Lost samples "
        "and another device that starts do the same.",
    ),
}

_FAMILIES = {
    "encoder": "By this tag, which anyone can write, it made the file. Nearly every kind of "
    "source passes through such programs.",
    "editor": "By this tag, which anyone can write, the file went through an editor. That is no "
    "sign of tampering.",
    "messenger": "By this tag, which anyone can write, the file went through this messenger, which "
    "encodes anew.",
    "meeting": "By this tag, which anyone can write, the file comes from a call.",
    "recorder": "By this tag, which anyone can write, a recorder made it.",
    "synthesiser": "A tag that anyone can write; it may also tell what the clip is about.",
}


def history(found: Provenance) -> list[Told]:
    """The signs of a file whose rates were measured, those of its tags first."""
    return [told(sign) for sign in found.signs if measured(sign.code)]


def measured(code: str) -> bool:
    """Whether a sign was looked for in test clips; one that was not is told nowhere."""
    from core.evaluate.tables import TableError

    try:
        return code == WATERMARK or code in rates()
    except TableError:  # which is said beside each sign
        return True


def told(sign: Sign) -> Told:
    """One sign in words."""
    if sign.code == WATERMARK:
        return _watermark(sign)
    if sign.code in PROGRAMS:
        v = sign.values
        settings = f" with {v['settings']}" if v.get("settings") else ""
        said = f"The tags name {v['program']} ({v['says']}{settings})"
        meaning = _FAMILIES[sign.code.split("-")[0]]
    else:
        say, meaning = _WORDS[sign.code]
        said = say(sign.values)
    return Told(sign.code, f"{said}.", meaning, seen(sign.code), sign.places)


def _watermark(sign: Sign) -> Told:
    answer = f"(answer {sign.values['answer']:.2f} of 1)"
    if sign.values["found"]:
        found = f"Resemble's watermark PerTh was found {answer}."
        meaning = (
            "Resemble's models, Chatterbox among them, put it into the voices they make. Its open "
            "package can put it into any sound."
        )
    else:
        found = f"Resemble's watermark PerTh was looked for and not found {answer}."
        meaning = "Other systems put in none, and it can be left out or destroyed."
    return Told(WATERMARK, found, meaning, seen_watermark())


def seen_watermark() -> str:
    """How often the watermark was found where it is, and where it is not."""
    from core.evaluate.tables import TableError, load

    try:
        table = load("watermark").set_index(["clips", "condition"])
    except TableError as error:
        return f"How surely it is found is not known here. {error}"
    plain = {kind: table.loc[(kind, "none")] for kind in table.index.unique("clips")}
    counts = {kind: f"{row['found']:,} of {row['n']:,}" for kind, row in plain.items()}
    coded = table.xs("marked here")["share"]
    least = _percent(coded[coded.index.isin(CODECS)].min())
    return (
        f"Found in {counts['Resemble']} clips by Resemble's own model and {counts['marked here']} "
        f"marked human ones, after codecs in {least} and more; wrongly in {counts['human']} human "
        f"and {counts['other synthetic']} other synthetic clips. Noise and other speeds destroy it."
    )


@functools.cache
def rates() -> dict[str, dict[str, Any]]:
    """Rows of data/results/provenance.csv by sign."""
    from core.evaluate.tables import load

    return {str(row["sign"]): row for row in load("provenance").to_dict("records")}


def seen(code: str) -> str:
    """How often a sign was met, and what that allows to say."""
    from core.evaluate.tables import TableError

    try:
        table = rates()
    except TableError as error:
        return f"How often it is met is not known here. {error}"
    row = table.get(code)
    if row is None:
        return "How often it is met is not known here."
    if not row["seen_bonafide"] and not row["seen_spoof"]:
        return (
            f"Met in none of {row['n_bonafide']:,} human and {row['n_spoof']:,} synthetic test "
            "clips."
        )
    side = suggests(row)
    tail = f"It suggests {side} sound." if side else "That does not tell one from the other."
    return (
        f"Seen in {_percent(row['share_bonafide'])} of human and {_percent(row['share_spoof'])} "
        f"of synthetic test clips. {tail}"
    )


def suggests(row: Mapping[str, Any]) -> str:
    """``synthetic`` or ``human`` where the rates are far enough apart, else empty."""
    for side, other, word in (("spoof", "bonafide", "synthetic"), ("bonafide", "spoof", "human")):
        if (
            row[f"low_{side}"] >= SUGGESTS_TIMES * row[f"high_{other}"]
            and row[f"sources_{side}"] >= SUGGESTS_SOURCES
        ):
            return word
    return ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if 0 < share < 0.095 else f"{100 * share:.0f} %"


def marks(found: Provenance | None) -> list[tuple[float, float, str]]:
    """Places for the timeline: from, to, and what is there; in order."""
    return sorted(
        (start, end, ON_TIMELINE[sign.code])
        for sign in (found.signs if found is not None else ())
        if sign.code in ON_TIMELINE and measured(sign.code)
        for start, end in sign.places
    )
