"""The field's best detectors by name: what their cards, papers and code say.

Figures and training data are not here but in data/results, by the name in ``arena``. Sizes and
commits are of sources that could be read; where none says them, they are left out.
"""

from __future__ import annotations

from core.detect.registry.entry import Entry

PARITY = (
    "Its network was held to its authors' own code on random weights, see docs/detectors.md; its "
    "published weights never ran here."
)

SPECTRA = (
    Entry(
        id="spectra-aasist",
        name="Spectra-AASIST",
        summary="XLS-R 300M and four-branch graph attention; what it was trained on is not said.",
        home="lab260/Spectra-AASIST",
        file="model.safetensors",
        revision="fae1630",
        licence="Apache-2.0",
        arena="Spectra-AASIST",
        network="spectra-aasist",
        parameters=316_012_174,
        tested="Its network was held to a port of its authors' code by somebody else, whose own "
        "could not be read; see docs/detectors.md. Its published weights never ran here.",
    ),
    Entry(
        id="spectra-0",
        name="Spectra-0",
        summary="XLS-R 300M and a small ECAPA-TDNN; what it was trained on is not said.",
        home="lab260/spectra_0",
        file="model.safetensors",
        revision="3d1d981",
        licence="Apache-2.0",
        arena="Spectra-0",
        network="spectra-0",
        parameters=318_332_226,
        tested=PARITY,
    ),
)


def _anti_deepfake(
    size: str, name: str, arena: str, parameters: int, bytes: int = 0, revision: str = ""
) -> Entry:
    return Entry(
        id=f"antideepfake-{size}",
        name=f"AntiDeepfake {name}",
        summary="A mean over time and a linear layer, trained further on many corpora.",
        home=f"nii-yamagishilab/{size.replace('w2v', 'wav2vec')}-anti-deepfake",
        file="model.safetensors",
        bytes=bytes,
        revision=revision,
        licence="CC BY-NC-SA 4.0",
        commercial=False,
        arena=arena,
        network="antideepfake",
        parameters=parameters,
        tested=PARITY,
    )


ANTI_DEEPFAKE = (
    _anti_deepfake(
        "mms-300m", "MMS-300M", "AntiDeepfake MMS-300M", 317_392_642, 1_269_622_944,
        "7928e119e09f616b2ce698892e00ca22dbaa40bf",
    ),
    _anti_deepfake("xls-r-1b", "XLS-R-1B", "", 965_517_314, 0,
                   "60c96543210117bdb256636e7961e16463f99291"),
    _anti_deepfake("mms-1b", "MMS-1B", "AntiDeepfake MMS-1B", 965_517_314),
    _anti_deepfake("xls-r-2b", "XLS-R-2B", "AntiDeepfake XLS-R-2B", 2_162_936_194),
    _anti_deepfake(
        "w2v-small", "W2V-Small", "AntiDeepfake W2V-Small", 95_046_146, 380_210_632,
        "9a13264b5dcc827a8d5a4f8e01fccefa392f886b",
    ),
    _anti_deepfake(
        "w2v-large", "W2V-Large", "AntiDeepfake W2V-Large", 317_392_642, 1_269_622_944,
        "7ccfcbb27d3098dafeb67596d4bb26e51e4627fc",
    ),
)  # fmt: skip

TRAINED_ON_2019 = (
    Entry(
        id="xlsr-aasist",
        name="XLS-R + AASIST",
        summary="XLS-R 300M and the graph attention of AASIST, trained on ASVspoof 2019 LA.",
        home="SpeechAntiSpoofingBenchmarks/W2V2-AASIST",
        file="LA_model.pth",
        revision="75ec0a4aa6491cee7748c12996a87561d1b02fb7",
        licence="MIT",
        arena="XLS-R 300M + AASIST",
        network="xlsr-aasist",
        parameters=317_837_834,
        tested=PARITY,
    ),
    Entry(
        id="xlsr-sls",
        name="XLS-R + SLS",
        summary="Every layer of XLS-R 300M weighed by what it holds, trained on ASVspoof 2019 LA.",
        home="SpeechAntiSpoofingBenchmarks/XLSR-SLS",
        file="MMpaper_model.pth",
        revision="7018a8128258fee17b1f8631f8f1fcbaf71d53c3",
        licence="none stated by its authors; MIT on the card of this copy",
        arena="XLSR-SLS",
        network="xlsr-sls",
        parameters=340_790_021,
        tested=PARITY,
    ),
    Entry(
        id="nes2net-x",
        name="Nes2Net-X",
        summary="XLS-R 300M and residual networks nested in one another, trained on ASVspoof 2019 "
        "LA.",
        home="SpeechAntiSpoofingBenchmarks/Nes2Net",
        file="nes2net_x_DF1.65.pth",
        revision="d41d1ebe4c0531c8e9717a5876c8da006cda45ff",
        licence="unknown: its authors' repository states none",
        arena="Nes2Net-X",
        network="nes2net-x",
        parameters=317_902_631,
        tested=PARITY,
    ),
    Entry(
        id="xlsr-conformer-tcm",
        name="XLS-R + Conformer, TCM",
        summary="XLS-R 300M and a conformer whose attention also sees channels, trained on "
        "ASVspoof 2019 LA.",
        home="https://github.com/ductuantruong/tcm_add",
        file="tcm.pth",
        licence="MIT",
        arena="XLSR-Conformer-TCM",
        network="xlsr-conformer-tcm",
        parameters=321_213_220,
        tested=PARITY,
    ),
)

_NOT_OURS = (
    "Its hub repository brings code of its own, which is never run here, and one part of its "
    "network, the conformer, is in no source that could be read, so it was not rebuilt."
)

DF_ARENA = tuple(
    Entry(
        id=f"df-arena-{size.lower()}",
        name=f"DF Arena {size}",
        summary=f"{front} and a conformer over all its layers.",
        home=f"Speech-Arena-2025/DF_Arena_{size}_V_1",
        file="pytorch_model.bin",
        revision=revision,
        licence="non-commercial, its own",
        commercial=False,
        arena=f"DF Arena {size}",
        parameters=parameters,
        tested="Nothing of it was tested here.",
        obstacle=_NOT_OURS,
    )
    for size, front, parameters, revision in (
        ("500M", "XLS-R 300M", 436_000_000, "8258fa8e74ff9b8ad20d4c939c1a7f694a6e4080"),
        ("1B", "XLS-R 1B", 1_148_000_000, "fb6ce85de12c2c5a509d89114adaf827dd75f49f"),
    )
)

CLASSIFIERS = tuple(
    Entry(
        id=id,
        name=name,
        summary=f"A transformers audio classifier; {trained}.",
        home=home,
        file="model.safetensors",
        licence="Apache-2.0",
        classifier=True,
        tested="Such classifiers were tested on random weights; its published weights never ran "
        "here.",
    )
    for id, name, home, trained in (
        (
            "stafford-wav2vec2",
            "wav2vec2 deepfake voice detector (Stafford)",
            "garystafford/wav2vec2-deepfake-voice-detector",
            "trained on voices of commercial services, says its card",
        ),
        (
            "gustking-xlsr",
            "XLSR deepfake audio classification (Gustking)",
            "Gustking/wav2vec2-large-xlsr-deepfake-audio-classification",
            "what it was trained on could not be read",
        ),
    )
)

FIELD = (*SPECTRA, *ANTI_DEEPFAKE, *TRAINED_ON_2019, *DF_ARENA, *CLASSIFIERS)
