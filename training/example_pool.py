"""Clips that may become examples: what is said, by whom, what was done to it, and its lesson."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.audio.clip import SAMPLE_RATE
from training.engines import voice_named
from training.joining import join_pieces, trim_edges
from training.recordings import read_recording, recordings


@dataclass(frozen=True)
class Origin:
    """Where the speech of a candidate comes from, for its licence note."""

    system: str
    licence: str
    credit: str


@dataclass(frozen=True)
class Candidate:
    """A clip that may become an example.

    Attributes
    ----------
    name : str
        File name without its suffix.
    voice : str
        Whose voice; no two examples share one, unless one of them mixes two.
    label : str
        ``bona fide`` or ``spoof``.
    title : str
        What one hears.
    origin : Origin
        For the licence note.
    change : str
        What was done to the recording or the engine's output beside its level; may be empty.
    form : str
        File form: ``wav``, ``flac``, ``mp3``, ``ogg``, ``opus`` or ``ulaw`` (telephone WAV).
    caught, missed : str
        The lesson where the detector is right, and where it is wrong or undecided.
    make : callable
        Gives float32 samples at `SAMPLE_RATE`.
    """

    name: str
    voice: str
    label: str
    title: str
    origin: Origin
    change: str
    form: str
    caught: str
    missed: str
    make: Callable[[], np.ndarray]

    @property
    def file(self) -> str:
        """File name in the pool."""
        return f"{self.name}.{'wav' if self.form == 'ulaw' else self.form}"


_FORMANT = Origin(
    "eSpeak NG (formant synthesis)",
    "CC0-1.0 (this clip)",
    "Text and clip by this project; spoken by eSpeak NG, whose licence does not cover its output.",
)
_PICO = Origin(
    "SVOX Pico (statistical parametric synthesis)",
    "Apache-2.0",
    "Text by this project; voice en-GB of Pico, copyright SVOX AG, Apache License 2.0.",
)
_FLITE = Origin(
    "Flite (statistical parametric synthesis)",
    "Flite licence (BSD-like)",
    "Text by this project; voice cmu_us_rms, copyright Carnegie Mellon University.",
)
_KOKORO = Origin(
    "Kokoro-82M (neural, StyleTTS 2)",
    "Apache-2.0",
    "Text by this project; model and voice by hexgrad, Apache License 2.0.",
)
_PIPER = Origin(
    "Piper (neural, VITS)",
    "CC0-1.0",
    "Text by this project; voice en_US-joe-medium, trained on a CC0 data set of Nabu Casa from the "
    "voice en_US-lessac-medium.",
)
_LIBRIVOX = Origin(
    "human",
    "Public domain",
    "A volunteer reads Jane Austen, Sense and Sensibility, chapter 1, for LibriVox; excerpt as "
    "distributed with the test data of CMU PocketSphinx.",
)
_ALLISON = Origin(
    "human",
    "CC-BY-SA-3.0",
    "Asterisk Core Sounds, recorded by Allison Smith, financed by Digium, Inc.; "
    "https://creativecommons.org/licenses/by-sa/3.0/",
)

_TEXTS = {
    "post": "The post office moved last spring. It is now behind the swimming pool, next to the "
    "bakery that burned down.",
    "phone": "Hello, it is me. My telephone fell into the lake, so I am calling from the campsite. "
    "Could you feed the cat tonight?",
    "lost": "I have never stood in front of a microphone. Every word of this was computed from "
    "letters on a page.",
    "orchard": "We picked the last pears before the storm came, and carried them into the cellar "
    "in the dark.",
}


def pool() -> list[Candidate]:
    """All candidates, whether or not they can be made here."""
    return [*_synthetic(), *_human()]


def _synthetic() -> list[Candidate]:
    def says(voice: str, text: str) -> Callable[[], np.ndarray]:
        return lambda: _loud(trim_edges(voice_named(voice).speak(_TEXTS[text])))

    return [
        Candidate(
            "robot-voice", "espeak-en-us", "spoof", "A robot about the post office",
            _FORMANT, "", "wav",
            "Speech built from rules and resonances, the kind everybody recognises, is where a "
            "detector has it easiest.",
            "A robot to every ear, yet not caught: a detector learns the traces of the engines it "
            "was shown and does not hear as people do.",
            says("espeak-en-us", "post"),
        ),
        Candidate(
            "navigation-voice", "pico-en-GB", "spoof", "The voice of an old navigation device",
            _PICO, "encoded as MP3", "mp3",
            "Statistical speech synthesis sounds muffled and buzzy, and even MP3 does not hide it.",
            "An early engine after MP3: an old voice that training hardly covered can pass "
            "where newer ones fail.",
            says("pico-en-GB", "orchard"),
        ),
        Candidate(
            "pocket-voice", "flite-rms", "spoof", "A pocket-sized engine tells of pears",
            _FLITE, "", "flac",
            "A voice modelled on one real speaker, averaged until it hums: the averaging is what "
            "gives it away.",
            "Modelled on one real speaker and averaged, and still not caught: how a fake sounds to "
            "you says little about how it scores.",
            says("flite-rms", "orchard"),
        ),
        Candidate(
            "neural-accent", "kokoro-jm_kumo", "spoof", "A neural voice with an accent",
            _KOKORO, "", "flac",
            "A small neural network speaks with a Japanese accent; an accent is no proof of a "
            "person.",
            "A small, clean neural voice that is not caught: for speech from recent engines, no "
            "finding is not a clean bill.",
            says("kokoro-jm_kumo", "phone"),
        ),
        Candidate(
            "neural-accent-telephone", "kokoro-jm_kumo", "spoof",
            "A neural voice calls by telephone", _KOKORO, "sent through G.711 at 8 kHz", "ulaw",
            "The telephone removes the upper half of the spectrum, where many traces of synthesis "
            "lie; here enough is left.",
            "The telephone removes the upper half of the spectrum, and with it the traces that a "
            "detector lives on.",
            says("kokoro-jm_kumo", "phone"),
        ),
        Candidate(
            "neural-confession", "kokoro-jf_nezumi", "spoof", "A neural voice admits it",
            _KOKORO, "encoded as Opus", "opus",
            "It says what it is, but no detector listens to words: only the sound was judged.",
            "It says what it is and is still not caught: a detector judges the sound and never the "
            "words, so you must do that part.",
            says("kokoro-jf_nezumi", "lost"),
        ),
        Candidate(
            "home-assistant", "piper-joe", "spoof", "A home assistant tells of the post office",
            _PIPER, "encoded as Ogg Vorbis", "ogg",
            "The kind of voice that runs on a home computer: smooth to the ear, and with traces of "
            "its network all the same.",
            "A free voice that runs on a home computer and is not caught: such fakes cost nothing "
            "to make.",
            says("piper-joe", "post"),
        ),
        Candidate(
            "call-from-the-lake", "piper-joe", "spoof", "A call from the campsite",
            _PIPER, "sent through G.711 at 8 kHz", "ulaw",
            "The pattern of a telephone scam: a likely story on a bad line. Here the line did not "
            "hide the synthesis.",
            "The pattern of a telephone scam: a bad line hides the synthesis, so call back on a "
            "number you know.",
            says("piper-joe", "phone"),
        ),
        Candidate(
            "kitchen-recording", "piper-joe", "spoof", "Played in a kitchen",
            _PIPER, "reverberation and noise added, encoded as MP3", "mp3",
            "Room echo and noise blur the traces of synthesis; here they did not suffice to hide "
            "it.",
            "A home computer's voice with a room around it: echo and noise are enough to make a "
            "fake uncertain.",
            lambda: _in_a_room(says("piper-joe", "orchard")()),
        ),
        Candidate(
            "half-and-half", "austen-reader + piper-joe", "spoof", "Begins human, ends synthetic",
            Origin("human, then Piper (neural, VITS)", "Public domain and CC0-1.0",
                   f"{_LIBRIVOX.credit} Second half: {_PIPER.credit}"),
            "two sources joined, encoded as Ogg Vorbis", "ogg",
            "Only the second half is synthetic: look at the timeline, since one figure for the "
            "whole clip hides where the evidence lies.",
            "Only the second half is synthetic, and the human half pulls the clip's score away "
            "from it: look at the timeline before you trust one figure.",
            lambda: join_pieces(
                [_reader("0890"), says("piper-joe", "orchard")()[: 6 * SAMPLE_RATE]], [0.3]
            ),
        ),
    ]  # fmt: skip


def _human() -> list[Candidate]:
    return [
        Candidate(
            "audiobook", "austen-reader", "bona fide", "A volunteer reads Jane Austen",
            _LIBRIVOX, "", "flac",
            "An amateur's recording with its breaths and its room: this is what a person sounds "
            "like to the detector.",
            "An amateur's recording, compressed before it came here, is not cleared: poor sound "
            "alone can make a person look synthetic.",
            lambda: _reader("0870"),
        ),
        Candidate(
            "audiobook-ogg", "austen-reader", "bona fide",
            "A page of Jane Austen, compressed again", _LIBRIVOX, "encoded as Ogg Vorbis", "ogg",
            "Twice compressed and still recognised as human: this codec changes the sound, but "
            "adds no traces of an engine.",
            "Twice compressed and not cleared: codecs remove the fine detail that speaks for a "
            "person.",
            lambda: _reader("0920"),
        ),
        Candidate(
            "audiobook-in-a-room", "austen-reader", "bona fide", "Jane Austen, played in a kitchen",
            _LIBRIVOX, "reverberation and noise added, encoded as MP3", "mp3",
            "Echo and noise do not make a person synthetic, and here they do not confuse the "
            "detector either.",
            "Echo and noise on a real voice: the detector no longer clears it, so a bad recording "
            "is never proof of a fake.",
            lambda: _in_a_room(_reader("0890")),
        ),
        Candidate(
            "switchboard", "allison", "bona fide", "The voice of a telephone exchange",
            _ALLISON, "cut, encoded as MP3", "mp3",
            "A professional who speaks like a machine because she lent machines her voice; the "
            "sound, not the manner, is judged.",
            "A real professional, studio-clean and perfectly even, is not cleared: polish can look "
            "like synthesis.",
            lambda: _prompt("demo-congrats", 9),
        ),
        Candidate(
            "switchboard-telephone", "allison", "bona fide",
            "The voice of a telephone exchange, down the line", _ALLISON,
            "cut, sent through G.711 at 8 kHz", "ulaw",
            "Half of the spectrum is gone, and the voice still counts as human: the telephone "
            "costs evidence on both sides.",
            "Half of the spectrum is gone, and with it the evidence that she is human: on a "
            "telephone line, doubt cuts both ways.",
            lambda: _prompt("demo-instruct", 9),
        ),
        Candidate(
            "switchboard-menu", "allison", "bona fide", "A menu from a telephone exchange",
            _ALLISON, "cut", "flac",
            "Even, slow and without a breath, and yet a person: manner of speaking is no evidence "
            "either way.",
            "Even, slow and without a breath: the detector does not clear a person whose every "
            "pause was edited.",
            lambda: _prompt("basic-pbx-ivr-main", 8),
        ),
    ]  # fmt: skip


def _reader(part: str) -> np.ndarray:
    group = next(g for g in recordings() if g.name == "austen-reader")
    path = Path(group.folder) / f"sense_and_sensibility_01_austen_64kb-{part}.wav"
    return _loud(trim_edges(read_recording(path, group.raw)))


def _prompt(name: str, longest_s: float) -> np.ndarray:
    group = next(g for g in recordings() if g.name == "allison")
    samples = trim_edges(read_recording(Path(group.folder) / f"{name}.g722", group.raw))
    return _loud(trim_edges(samples[: quiet_cut(samples, longest_s)]))


def quiet_cut(samples: np.ndarray, longest_s: float, within_s: float = 3.0) -> int:
    """Index of the quietest moment shortly before a time, so that no word is cut in two.

    Parameters
    ----------
    samples : numpy.ndarray
        float32, shape ``[n]`` at `SAMPLE_RATE`.
    longest_s, within_s : float
        Look from ``longest_s - within_s`` to ``longest_s``, in seconds.

    Returns
    -------
    int
        A sample index; ``n`` where the clip is no longer than ``longest_s``.
    """
    end = int(longest_s * SAMPLE_RATE)
    if len(samples) <= end:
        return len(samples)
    start = max(0, end - int(within_s * SAMPLE_RATE))
    frame = SAMPLE_RATE // 10
    power = np.convolve(samples[start:end].astype(np.float64) ** 2, np.ones(frame), "valid")
    return start + int(power.argmin()) + frame // 2


def _loud(samples: np.ndarray, level_dbfs: float = -23.0) -> np.ndarray:
    """One level for all, so that loudness tells nothing."""
    gain = 10 ** (level_dbfs / 20) / max(float(np.sqrt((samples**2).mean())), 1e-6)
    return (samples * min(gain, 0.95 / max(float(np.abs(samples).max()), 1e-6))).astype(np.float32)


def _in_a_room(samples: np.ndarray) -> np.ndarray:
    """A small room (reverberation time 0.4 s) and pink noise 20 dB below the speech."""
    from scipy.signal import fftconvolve

    draw = np.random.default_rng(20)
    time = np.arange(int(0.4 * SAMPLE_RATE)) / SAMPLE_RATE
    tail = draw.normal(0, 1, time.size) * 10 ** (-3 * time / 0.4)
    tail *= 0.6 / np.sqrt((tail**2).sum())
    tail[0] += 1
    wet = fftconvolve(samples, tail)
    spectrum = np.fft.rfft(draw.normal(0, 1, wet.size))
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.size), 1))
    noise = np.fft.irfft(spectrum, wet.size)
    noise *= 0.1 * np.sqrt((wet**2).mean() / (noise**2).mean())
    return _loud((wet + noise).astype(np.float32))
