"""What a file itself says of its origin, in words and on pages; only view.py knows Streamlit."""
