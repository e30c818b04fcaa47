"""What is made when it is asked for can be fetched while others run their pages."""

from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from core.show.server.downloads import keep_made


def test_a_made_download_stays_until_its_visitors_page_runs_anew():
    keep_made()
    manager = MediaFileManager(MemoryMediaFileStorage("/media"))
    asked = manager.add_deferred(lambda: b"figures", "text/csv", "1.2", "figures.csv")
    name = manager.execute_deferred(asked).rsplit("/", 1)[-1]
    for _ in range(5):
        manager.remove_orphaned_files()  # after every run of every visitor's page
    assert manager.read_file(name).content == b"figures"
    manager.clear_session_refs()
    for _ in range(2):
        manager.remove_orphaned_files()
    assert manager.read_file(name) is None
