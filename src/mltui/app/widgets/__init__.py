"""Widgets of our own, on Textual's line API: what is live is painted here, a line at a time.

They know nothing of stages, pods or runs; panes give them rows, logs and values.
"""
