"""Text in an image, read, recognised and translated; each stage is `python3 -m translator.X`."""
