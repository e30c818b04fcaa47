"""Start the dashboard and the API: ``python -m core.api.serve [streamlit options]``."""

from __future__ import annotations

from core.api.mount import add_routes
from core.show import serve


def main() -> None:
    """Run `core.show.serve.main` with the API before the pages."""
    serve.main(add_routes)


if __name__ == "__main__":
    main()
