"""Files to take away: reports as HTML and PDF, tables, exports. Free of Streamlit."""
