"""Bytes of a log file → indexed, searched, safe lines.

A log may have a million lines and a hostile writer. Nothing here keeps its text in memory, and
nothing leaves here that could move a terminal's cursor. The log pane and `mltui logs` call it.
"""
