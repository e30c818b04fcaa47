"""The evidence report: what was found about clips, in one file; its view is on Detect."""
