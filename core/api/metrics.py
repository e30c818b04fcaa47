"""Counts of the API as Prometheus reads them (text format 0.0.4)."""

from __future__ import annotations

from collections import Counter

from core.show import cache


class Metrics:
    """What was answered since the start; used on the event loop only."""

    def __init__(self) -> None:
        self._answered: Counter[tuple[str, int]] = Counter()

    def count(self, address: str, status: int) -> None:
        """One more answer."""
        self._answered[address, status] += 1

    def text(self) -> str:
        """All counts, and how long the queues are."""
        lines = ["# TYPE spoofscope_api_requests_total counter"]
        lines += [
            f'spoofscope_api_requests_total{{address="{address}",status="{status}"}} {count}'
            for (address, status), count in sorted(self._answered.items())
        ]
        queues = {"read": cache.reading_queue(), "judge": cache.judging_queue()}
        for name, of in (("waiting", "length"), ("running", "running")):
            lines.append(f"# TYPE spoofscope_clips_{name} gauge")
            lines += [
                f'spoofscope_clips_{name}{{queue="{queue}"}} {getattr(turns, of)()}'
                for queue, turns in queues.items()
            ]
        return "\n".join(lines) + "\n"
