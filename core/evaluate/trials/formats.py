"""The field's formats: names of columns, keys whose columns have fixed places, and codes."""

from __future__ import annotations

import re
from dataclasses import dataclass

ROLES = (
    *("trial", "label", "score", "attack", "codec", "speaker", "channel", "vocoder", "family"),
    *("gender", "source", "subset", "trim", "language", "environment", "data set"),
    *("room", "microphone", "distance"),
    *("attack room", "attack microphone", "attack distance", "attack to speaker"),
)
"""Columns of a tidy table; all but the first three are optional."""

OF_FAKES = (
    *("attack", "vocoder", "family"),
    *("attack room", "attack microphone", "attack distance", "attack to speaker"),
)
"""What only a spoofed trial has; what a file writes there for bona fide speech says nothing."""

_NAMES = {
    "trial": "trial trial_id utt utt_id utterance filename file_name file flac_file_name id path",
    "label": "label key cm-label cm_label class truth target",
    "score": "score scores cm-score cm_score cm_scores prediction llr",
    "attack": "attack attack_id attack_label attack_type system system_id",
    "codec": "codec compression",
    "speaker": "speaker speaker_id spk",
    "vocoder": "vocoder",
    "channel": "channel transmission",
    "family": "family",
    "gender": "gender",
    "language": "language lang",
    "subset": "subset phase split",
    "source": "source corpus",
    "environment": "environment environment_id env",
}

ROLE_OF = {name: role for role, names in _NAMES.items() for name in names.split()}
ROLE_OF |= dict.fromkeys(("data set", "data_set", "data-set", "dataset"), "data set")

JUDGED = frozenset("verdict decision pred predicted prediction predicted_label".split())  # noqa: SIM905
"""Columns whose classes are a detector's opinion, never the truth."""


@dataclass(frozen=True)
class Key:
    """A file without a header whose columns have fixed places, from 1.

    Attributes
    ----------
    format : str
        Name for people.
    places : dict of str to int
        Role to place.
    codes : dict of int to str
        Place to the pattern of what stands there, where that tells the format from others.
    """

    format: str
    places: dict[str, int]
    codes: dict[int, str]


PA21 = "ASVspoof 2021 PA key"

_COMMON = {"speaker": 1, "trial": 2}
_SUBSETS = r"progress|eval|hidden\w*"
_REPLAY = "[A-C]{2}"

KEYS = {
    (5, 5): (
        Key(
            "ASVspoof 2019 PA protocol",
            {**_COMMON, "environment": 3, "attack": 4, "label": 5},
            {3: "[a-c]{3}", 4: f"-|{_REPLAY}"},
        ),
        Key(
            "ASVspoof 2019 protocol",
            {**_COMMON, "attack": 4, "label": 5},
            {3: "-"},
        ),
    ),
    (8, 6): (
        Key(
            "ASVspoof 2021 LA key",
            {**_COMMON, "codec": 3, "channel": 4, "attack": 5, "label": 6, "trim": 7, "subset": 8},
            {8: _SUBSETS},
        ),
    ),
    (12, 10): (
        Key(
            PA21,
            {
                **_COMMON,
                **{"room": 3, "microphone": 4, "distance": 5},
                **{"attack room": 6, "attack microphone": 7},
                **{"attack distance": 8, "attack to speaker": 9},
                **{"label": 10, "trim": 11, "subset": 12},
            },
            {3: r"R\d", 4: r"M\d", 5: r"[Dd]\d", 12: _SUBSETS},
        ),
    ),
    (13, 6): (
        Key(
            "ASVspoof 2021 DF key",
            {
                **_COMMON,
                **{"codec": 3, "source": 4, "attack": 5, "label": 6, "trim": 7, "subset": 8},
                "family": 9,
            },
            {8: _SUBSETS},
        ),
    ),
    (10, 9): (
        Key(
            "ASVspoof 5 protocol",
            {**_COMMON, "gender": 3, "codec": 4, "attack": 8, "label": 9},
            {3: "[FM]"},
        ),
    ),
}
"""By the number of columns and the place of the labels.

Places: `p_names` in config.py of the official ASVspoof 2021 evaluation package, README files of the
ASVspoof 2019 and ASVspoof 5 protocols.
"""

CODECS = frozenset("none nocodec alaw ulaw pstn g722 gsm opus".split())  # noqa: SIM905

ATTACK = re.compile(rf"A\d{{2}}|AC\d|{_REPLAY}")
"""An attack of ASVspoof: synthesis and conversion by number, replay by two letters."""

NO_ATTACK = frozenset({"-", "bonafide", "a00", "bona-fide"})

TRIAL = re.compile(r"(LA|DF|PA)_[TDE]_\d+(\.\w+)?|[TDE]_\d{6,}(\.\w+)?")
"""The name of a trial of ASVspoof."""

SPEAKER = re.compile(r"[A-Za-z]*[_-]?\d+(-\w+)*")

ARCHIVE = frozenset({"id", "score", "raw", "detector", "weights_sha256"})
"""Columns of a table that `core score` wrote; its scores run towards spoof."""
