"""A download that is made when it is asked for stays until its visitor's page runs anew.

Streamlit holds such a file for nobody: after the second run of whatever visitor's page it is gone,
which on a busy server may be before the browser has fetched it.
"""

from __future__ import annotations

import threading

_started = threading.Lock()


def keep_made() -> None:
    """Begin to hold them, once a process."""
    if not _started.acquire(blocking=False):
        return
    from streamlit.runtime.media_file_manager import MediaFileManager

    own = MediaFileManager.execute_deferred

    def execute_deferred(self: MediaFileManager, file_id: str) -> str:
        url = own(self, file_id)
        made = url.rsplit("/", 1)[-1].split(".")[0]
        with self._lock:
            asked = self._deferred_callables.get(file_id)
            if asked and asked["session_id"] in self._files_by_session_and_coord:
                held = self._files_by_session_and_coord[asked["session_id"]]
                held[f"made at {asked['coordinates']}"] = made
        return url

    MediaFileManager.execute_deferred = execute_deferred  # type: ignore[method-assign]
