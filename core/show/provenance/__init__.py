"""What a file itself proves of its origin, in words and on pages; words.py knows no Streamlit."""
