"""`mltui.yaml` as an immutable typed model, with line and column for every value.

Pure: text in, model or problems out. `load(text, file)` is the front door.
"""
