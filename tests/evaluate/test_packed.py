"""Texts where pyarrow holds them: the same answers as text by text."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.trials import packed

TEXTS = st.lists(st.text(alphabet="ab=@+-é\U0001f600 ", max_size=5), max_size=30)


@given(TEXTS, st.integers(0, 5))
def test_packed_texts_are_seen_as_they_are(texts, left_out):
    series = pd.Series(texts, dtype="str")[left_out:]
    kept = texts[left_out:]
    assert packed.is_packed(series)
    found = packed.begins_with(series, b"=@+-")
    assert found.tolist() == [text.startswith(("=", "@", "+", "-")) for text in kept]
    assert packed.surely_distinct(series) == (len(set(kept)) == len(kept))


def test_many_names_over_several_pieces(monkeypatch):
    monkeypatch.setattr(packed, "_PIECE", 100)
    names = pd.Series([f"LA_E_{i}" for i in range(1000)], dtype="str")
    assert packed.surely_distinct(names)
    assert not packed.surely_distinct(pd.concat([names, names[:1]]))
    assert not packed.surely_distinct(pd.Series(["a" * 200, "b"], dtype="str"))  # too long to say
    assert not packed.is_packed(pd.Series([1, 2]))
    assert not packed.is_packed(pd.Series(["a"], dtype=object))
