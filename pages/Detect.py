"""Judge clips: upload, record or pick an example; read the verdict with its evidence."""

import pandas as pd
import streamlit as st

from core.detect.detector import DetectorError
from core.detect.registry import ENTRIES
from core.settings import settings
from core.show import (
    address,
    cache,
    cards,
    charts,
    exports,
    opinions_view,
    outlier_view,
    parts_view,
    session,
    stance_view,
)
from core.show import verdict_words as words
from core.show.known_detectors import name_of
from core.show.markdown import for_visitors, plain
from core.show.provenance import view as origin_view
from core.show.report_view import open_saved_section, report_section
from core.show.stress_view import stress_section
from core.show.theme import VERDICTS, palette
from core.show.waveform import wav_bytes

INPUTS = "detect-inputs"  # whether the ways in to another clip are unfolded


def bring(arrivals: list[session.Arrival]) -> None:
    session.bring(arrivals)
    st.session_state[INPUTS] = False
    address.write(None)


def take_uploads() -> None:
    files = st.session_state[f"detect-upload-{session.generation()}"] or []
    files = files[: settings().max_files]
    bring([session.Arrival(f.getvalue, f.name, "upload") for f in files])


def take_recording() -> None:
    recording = st.session_state[f"detect-recording-{session.generation()}"]
    if recording is not None:
        bring([session.Arrival(recording.getvalue, "Your recording.wav", "recording")])


def take_example(order: int) -> None:
    example = next((e for e in cache.examples() if e.order == order), None)
    if example is not None:
        path = example.path
        bring([session.Arrival(path.read_bytes, path.name, "example", order)])
        st.query_params["example"] = str(order)


def forget() -> None:
    bring([])
    session.forget()


def choose_input() -> None:
    """Three ways in; each replaces what was there, and makes room for the result."""
    if not (session.entries() or session.arrivals()):
        with st.container(border=True, key="detect-ways-in"):
            ways_in()
        return
    with st.expander("Another clip", icon=":material/audio_file:", key=INPUTS, on_change="rerun"):
        ways_in()


def ways_in() -> None:
    ways = [":material/upload_file: Upload", ":material/mic: Record", ":material/school: Examples"]
    upload, record, pick = st.tabs(
        ways, default=ways[2 if "example" in st.query_params else 0], key="detect-way"
    )
    with upload:
        files = st.file_uploader(
            "Audio or video files, one or several",
            type=session.TYPES,
            accept_multiple_files=True,
            key=f"detect-upload-{session.generation()}",
            on_change=take_uploads,
            max_upload_size=session.upload_mb(),
        )
        most = settings().max_files
        if len(files) > most:
            st.warning(
                f"These are {len(files):,} files, and {most:,} can be judged at a time: the first "
                f"{most:,} are. Bring the others afterwards.",
                icon=":material/filter_list:",
            )
    with record:
        st.audio_input(
            "Speak for five to ten seconds",
            key=f"detect-recording-{session.generation()}",
            on_change=take_recording,
        )
        st.caption("Your browser asks for the microphone first.")
    with pick:
        examples = cache.examples()
        for example in examples:
            st.button(
                f"{example.order}. {example.title}",
                key=f"detect-example-{example.order}",
                on_click=take_example,
                args=(example.order,),
                width="stretch",
            )
        st.caption(
            "From easy to hardest. Guess before you look: the truth is shown with the result."
            if examples
            else "No examples are installed here."
        )


def choose_settings() -> list[str]:
    """The detectors' ids; the stance is read by `session.stance`."""
    with st.expander("Settings", icon=":material/tune:"):
        chosen = opinions_view.choose()
        stance_view.choose()
    return chosen


def load(detector_id: str):
    """The shared detector; weights that are not here are fetched only when the visitor says so."""
    entry = ENTRIES.get(detector_id)
    waiting = st.empty()
    try:
        if entry is None or entry.ready or not entry.file:
            try:
                with st.spinner("Loading the detector…"):
                    return cache.detector(
                        detector_id,
                        fetch=entry is None,
                        labels=opinions_view.labels_of(detector_id),
                    )
            except DetectorError as error:
                if entry is None or not entry.file:
                    raise
                st.error(for_visitors(error), icon=":material/error:")
        else:
            st.warning(f"The weights of **{entry.name}** are not installed here.")
        st.caption(plain(entry.terms))
        if not entry.fetched:
            return cache.detector(detector_id, fetch=False)
        if not st.button(f"Fetch {entry.size}", type="primary", key=f"detect-fetch-{detector_id}"):
            st.stop()
        return cache.detector(
            detector_id, lambda share: waiting.progress(share, text="Fetching…"), fetch=True
        )
    except DetectorError as error:
        st.error(for_visitors(error), icon=":material/error:")
        st.stop()
    finally:
        waiting.empty()


def take_in(detector_id: str):
    """Read and judge what has arrived, one by one: a long file must not hold up memory for all.

    The detector is loaded only if a file could be read.
    """
    detector = None
    waiting = st.empty()
    while session.arrivals():
        name = plain(session.arrivals()[0].name)
        left_over = f" ({len(session.arrivals())} to go)" if len(session.arrivals()) > 1 else ""
        waiting.progress(0.0, text=f"Reading {name}{left_over}")
        new = session.next_entries(waiting, f"Reading {name}{left_over}")
        for entry in new:
            if entry.error:
                continue
            waiting.empty()
            detector = detector or load(detector_id)
            doing = f"Listening to {plain(entry.label)}{left_over}"
            waiting.progress(0.0, text=doing)
            session.judge(entry, detector, bar=waiting, doing=doing)
        session.admit(new)
    waiting.empty()
    return detector


def judge_all(detector) -> dict:
    """Detections by the entries' keys; another detector than before listens again."""
    waiting = st.empty()
    done = {
        entry.key: session.judge(
            entry,
            detector,
            stance=session.stance(),
            bar=waiting,
            doing=f"Listening to {plain(entry.label)}",
        )
        for entry in session.entries()
        if not entry.error
    }
    waiting.empty()
    return done


def origins() -> dict:
    """What the files of this session show of their origin, by SHA-256."""
    found = {e.sha256: session.origin_of(e) for e in session.entries() if not e.error}
    return {sha256: origin for sha256, origin in found.items() if origin is not None}


def several(done: dict) -> None:
    """A row a file, or a channel; sortable. Choosing a row shows its card."""
    rows = [(entry, done.get(entry.key)) for entry in session.entries()]
    table = pd.DataFrame(
        {
            "File": [entry.label for entry, _ in rows],
            "Verdict": [
                f"{VERDICTS[d.verdict].mark} {VERDICTS[d.verdict].word}" if d else "✕ Not read"
                for _, d in rows
            ],
            "Synthetic": pd.Series(
                [100 * d.p_spoof if d and d.gives_chance else None for _, d in rows],
                dtype="float64",
            ),
            "LLR": pd.Series([d.llr if d else None for _, d in rows], dtype="float64"),
            "Seconds": pd.Series(
                [d.quality.duration_s if d else None for _, d in rows], dtype="float64"
            ),
            "Windows": pd.Series([len(d.windows) if d else None for _, d in rows], dtype="Int64"),
            "Analysis (ms)": pd.Series(
                [round(d.elapsed_ms) if d else None for _, d in rows], dtype="Int64"
            ),
            "Why": [entry.error or (words.why(d) if d else "") for entry, d in rows],
        }
    )
    event = st.dataframe(
        table,
        hide_index=True,
        placeholder="–",
        key="detect-files",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Synthetic": st.column_config.ProgressColumn(
                format="%.0f %%", min_value=0, max_value=100, help="Chance under your prior"
            ),
            "LLR": st.column_config.NumberColumn(format="%+.2f", help="Log-likelihood ratio"),
            "Seconds": st.column_config.NumberColumn(format="%.2f"),
        },
    )
    picked = event["selection"]["rows"]
    if picked and not rows[picked[0]][0].error:
        session.select(rows[picked[0]][0].key)
    st.caption("Choose a row to see its result below; click a column's name to sort.")
    found = [d for d in done.values() if d]
    failed = [(entry.name, entry.error) for entry, _ in rows if entry.error]
    with st.container(horizontal=True):
        st.download_button(
            "All as CSV",
            exports.clips_csv(found, failed),
            "spoofscope.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "All as JSON",
            exports.detection_json(found, origins()),
            "spoofscope.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )


def windows(entry, detection, band) -> None:
    """The score of every window, and its sound on a click."""
    st.subheader("Where the evidence lies", anchor=False)
    scale = st.segmented_control(
        "Scale",
        ["probability", "llr"],
        format_func={"probability": "Probability", "llr": "Log-likelihood ratio"}.get,
        default="probability",
        required=True,
        key="detect-scale",
        label_visibility="collapsed",
        persist_state="session",
    )
    identity = f"{entry.key}-{detection.detector}-{scale}"
    event = st.altair_chart(
        charts.window_timeline(detection, band, scale, palette()),
        key=f"detect-windows-{identity}",
        on_select="rerun",
        selection_mode=[charts.PICK],
        alt=f"Score of each of {len(detection.windows)} windows over the clip's seconds.",
    )
    st.markdown(charts.legend(detection))
    st.caption(
        f"Each bar stands for the middle of a window of {detection.window_s:g} s and grows from "
        "the dashed threshold: up towards synthetic, down towards human. The grey belt decides "
        "nothing; a grey column holds too little speech. **Click a bar to hear its window.**"
    )
    picked = [int(p["window"]) for p in event["selection"].get(charts.PICK, [])]
    with st.expander("Details of every window", icon=":material/table_rows:"):
        rows = st.dataframe(
            pd.DataFrame(
                {
                    "Window": range(1, len(detection.windows) + 1),
                    "From (s)": [w.start_s for w in detection.windows],
                    "To (s)": [w.end_s for w in detection.windows],
                    "Speech (s)": [w.speech_s for w in detection.windows],
                    charts.share_name(detection): [
                        charts.percent(w.p_spoof) for w in detection.windows
                    ],
                    "LLR": pd.Series([w.llr for w in detection.windows], dtype="float64"),
                }
            ),
            hide_index=True,
            placeholder="–",
            key=f"detect-rows-{identity}",
            on_select="rerun",
            selection_mode="single-row",
            column_config={
                name: st.column_config.NumberColumn(format="%.2f")
                for name in ("From (s)", "To (s)", "Speech (s)")
            }
            | {"LLR": st.column_config.NumberColumn(format="%+.2f")},
        )
        picked += rows["selection"]["rows"]
    if picked and picked[0] < len(detection.windows):
        window = detection.windows[picked[0]]
        with st.container(border=True, key="detect-heard-window"):
            st.markdown(
                f"**Window {picked[0] + 1}**, {window.start_s:.2f} to {window.end_s:.2f} s, "
                f"{charts.share_name(detection).lower()}: {charts.percent(window.p_spoof)}"
            )
            clip = session.clip_of(entry)
            if clip is not None:
                st.audio(wav_bytes(clip, window.start_s, window.end_s), autoplay=True)


def truth(example) -> None:
    """What an example is in fact, and what to learn from it."""
    fact = "human speech" if example.label != "spoof" else f"synthetic, made by {example.system}"
    with st.container(border=True, key="detect-truth"):
        st.markdown(f":material/school: **In truth: {fact}.** {example.lesson}")
        st.caption(f"Licence of this clip: {example.licence}")
        after = next((e.order for e in cache.examples() if e.order > example.order), None)
        if after is not None:
            st.button(
                "Next example",
                icon=":material/arrow_forward:",
                on_click=take_example,
                args=(after,),
                type="tertiary",
            )


def result(entry, detection, detector) -> None:
    """Everything about one clip."""
    band = words.undecided_band(detection, detector.decision.inconclusive_llr)
    example = next((e for e in cache.examples() if e.order == entry.example), None)
    st.markdown(f"**{plain(example.title if example else entry.label)}**")
    if detection.quality.duration_s > settings().sound_to_browser_s:
        st.caption("A long clip: hear its windows below, or open it in Timeline.")
    elif (clip := session.clip_of(entry)) is not None:
        st.audio(wav_bytes(clip), alt=f"Sound of {entry.name}")
    parts_view.choose_track(entry, detection.source)
    origin = session.origin_of(entry)
    cards.result_card(detection, lambda: origin_view.first_line(origin, detection.verdict))
    origin_view.details(origin)
    outlier_view.offer(entry, detection)
    if example is not None:
        truth(example)
    if detection.gives_chance:
        with st.expander("What if you assumed something else?", icon=":material/function:"):
            st.altair_chart(
                charts.prior_curve(detection.llr, detection.stance, palette()),
                key=f"detect-priors-{entry.key}",
                alt="Chance of synthetic speech after listening, for every assumption before.",
            )
            st.caption(
                "The clip's evidence is fixed; what it amounts to depends on how common fakes are "
                "among such clips. The dot is your assumption, which you can move under Settings."
            )
    if detection.llr is not None:
        windows(entry, detection, band)
        stress_section(entry, detector, detection)
    with st.container(horizontal=True):
        if st.button("Open in Timeline", icon=":material/timeline:", type="primary"):
            st.switch_page("pages/Timeline.py", query_params=address.leading_to(entry))
        stem = exports.safe_stem(entry.name, entry.part)
        st.download_button(
            "JSON",
            exports.detection_json(detection, origins()),
            f"{stem}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Windows as CSV",
            exports.windows_csv(detection),
            f"{stem}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button("Forget all clips", icon=":material/delete:", on_click=forget, type="tertiary")


def second_opinions(entry, detection, detector, others: list[str]) -> tuple[dict, dict]:
    """The other chosen detectors on the same clip: all Detections, and all detectors, by id."""
    detectors = {detector.id: detector} | {id: load(id) for id in others}
    waiting = st.empty()
    found = {detector.id: detection}
    for id in others:
        try:
            found[id] = session.judge(
                entry,
                detectors[id],
                stance=session.stance(),
                bar=waiting,
                doing=f"{plain(name_of(id))} listens",
            )
        except DetectorError as error:
            st.error(for_visitors(error), icon=":material/error:")
    waiting.empty()
    heard = {id: d for id, d in found.items() if d is not None}
    opinions_view.comparison(heard, detectors, str(entry.key))
    return heard, detectors


def welcome() -> None:
    with st.container(border=True, key="detect-empty"):
        st.subheader("Nothing to judge yet", anchor=False)
        st.markdown(
            "1. Upload a clip, record yourself, or pick an example.\n"
            "2. Read the verdict, how sure it is, and what that number means.\n"
            "3. Click a bar of the timeline to hear what the detector heard."
        )
        st.caption(
            ":material/lock: Clips stay in the memory of this session: nothing is written to disk "
            "or passed on, and all of it is gone within 90 seconds after you close the page."
        )


st.title("Detect", anchor=False)
st.markdown("Is this speech human or machine-made? Bring a clip and see the evidence.")

# A shared address such as ?example=3 opens that example.
asked = st.query_params.get("example", "")
offered = {str(e.order): e.order for e in cache.examples()} if asked else {}
if asked in offered and offered[asked] not in {e.example for e in session.entries()}:
    take_example(offered[asked])

left, right = st.columns([1, 2], gap="medium")
with left:
    choose_input()
    detector_id, *others = choose_settings()
    open_saved_section()
with right:
    detector = take_in(detector_id)
    for entry in session.entries():
        if entry.error:
            st.error(
                f"**{plain(entry.name)}**: {plain(entry.error)}",
                icon=":material/error:",
            )
    if not any(not entry.error for entry in session.entries()):
        address.hold(False)
        if not session.entries():
            welcome()
        st.stop()
    if chosen := session.selected():
        address.follow(chosen, with_part=False)
    detector = detector or load(detector_id)
    done = judge_all(detector)
    if len(session.entries()) > 1:
        parts_view.why_apart()
        several(done)
    chosen = session.selected()
    detection = done.get(chosen.key) if chosen else None
    if detection is None:
        st.stop()
    together = st.container()
    result(chosen, detection, detector)
    said = {key: {detector.id: found} for key, found in done.items() if found}
    detectors = {detector.id: detector}
    if others:
        said[chosen.key], detectors = second_opinions(chosen, detection, detector, others)
        with together:
            opinions_view.at_a_glance(said[chosen.key], detectors, str(chosen.key))
    report_section(said, detectors)
    with st.expander("About this detector", icon=":material/info:"):
        cards.about_detector(
            detector.id,
            detector.name,
            detector.config,
            cache.results(detector_id),
            detector.weights_sha256,
        )
