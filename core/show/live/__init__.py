"""The Live page: a microphone that is judged while it is heard."""
