"""What a file itself proves of its origin, in words and on pages; only view.py knows Streamlit."""
