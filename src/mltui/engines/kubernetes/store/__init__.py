"""The artifact store of a namespace, and what serves the pods of stages.

This folder is also the build context of an image: its modules run there without the rest of mltui.
"""
