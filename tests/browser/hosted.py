"""`streamlit run Home.py` with a detector that listens until the file ``$GATE`` is there.

At every look for what closed tabs leave it prints how many sessions, files, uploads and bytes of
sound it holds.
"""

import os
import sys
import time
from pathlib import Path

from streamlit.web import cli

from core.detect.detector import Detector
from core.show.server import clip_store, expiry

gate = Path(os.environ["GATE"])
listen = Detector.detect


def detect(self, clip, *, progress=None, **settings):
    while not gate.exists():
        progress(0.5)
        time.sleep(0.1)
    return listen(self, clip, progress=progress, **settings)


class Told(expiry.Expiry):
    def look(self, runtime):
        super().look(runtime)
        if self._failures:
            return
        sessions = runtime._session_mgr.num_sessions()
        files = len(runtime.media_file_mgr._file_metadata)
        uploads = len(runtime.uploaded_file_mgr.file_storage)
        sounds = clip_store.STORE.held()
        print(f"LEFT {sessions} {files} {uploads} {sounds}", flush=True)


Detector.detect = detect
expiry.Expiry = Told
sys.argv = ["streamlit", "run", "Home.py", *sys.argv[1:]]
cli.main()
