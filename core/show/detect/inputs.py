"""What a visitor brings to Detect: files, a recording or an example."""

from __future__ import annotations

import streamlit as st

from core.settings import settings
from core.show import cache, session
from core.show.navigation import address
from core.show.navigation.choices import say_lost

SOUGHT = "spoofscope.sought-example"
"""Set where an address named an example that is not here."""

INPUTS = "detect-inputs"
"""Key of the expander that holds the ways in while a clip is shown."""


def _bring(arrivals: list[session.Arrival], example: int | None = None) -> None:
    session.bring(arrivals)
    st.session_state[INPUTS] = False
    if example is None:
        address.write(None)
    else:  # at once: what is written on the way is a place for Back
        address.write_example(example)


def _take_uploads() -> None:
    files = st.session_state[f"detect-upload-{session.generation()}"] or []
    files = files[: settings().max_files]
    _bring([session.Arrival(f.getvalue, f.name, "upload") for f in files])


def _take_recording() -> None:
    recording = st.session_state[f"detect-recording-{session.generation()}"]
    if recording is not None:
        _bring([session.Arrival(recording.getvalue, "Your recording.wav", "recording")])


def take_example(order: int) -> None:
    """Bring an example by its place in the order from easy to hardest."""
    example = next((e for e in cache.examples() if e.order == order), None)
    if example is not None:
        path = example.path
        _bring([session.Arrival(path.read_bytes, path.name, "example", order)], order)


def follow_address() -> None:
    """Open the example that a shared address such as ``?example=3`` names; say where none is."""
    asked = st.query_params.get_all("example")
    offered = {str(e.order): e.order for e in cache.examples()} if asked else {}
    order, lost = address.asked_example(asked, offered)
    say_lost(lost, "Bring a clip, or pick an example.")
    if order and offered[order] not in {e.example for e in session.entries()}:
        take_example(offered[order])
    elif lost:
        st.session_state[SOUGHT] = True
        address.clear_request()


def forget() -> None:
    """Forget all clips of the session."""
    _bring([])
    session.forget()


def choose_input() -> None:
    """Three ways in; each replaces what was there, and makes room for the result."""
    if not (session.entries() or session.arrivals()):
        with st.container(border=True, key="detect-ways-in"):
            _ways_in()
        return
    with st.expander("Another clip", icon=":material/audio_file:", key=INPUTS, on_change="rerun"):
        _ways_in()


def _ways_in() -> None:
    ways = [":material/upload_file: Upload", ":material/mic: Record", ":material/school: Examples"]
    upload, record, pick = st.tabs(
        ways, default=ways[2 if SOUGHT in st.session_state else 0], key="detect-way"
    )
    with upload:
        files = st.file_uploader(
            "Audio or video files, one or several",
            type=session.TYPES,
            accept_multiple_files=True,
            key=f"detect-upload-{session.generation()}",
            on_change=_take_uploads,
            max_upload_size=session.upload_mb(),
        )
        most = settings().max_files
        if len(files) > most:
            st.warning(
                f"These are {len(files):,} files, and {most:,} can be judged at a time: the first "
                f"{most:,} were taken. Add the others afterwards.",
                icon=":material/filter_list:",
            )
    with record:
        st.audio_input(
            "Speak for five to ten seconds",
            key=f"detect-recording-{session.generation()}",
            on_change=_take_recording,
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


def welcome() -> None:
    """The page before the first clip."""
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
