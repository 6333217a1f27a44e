"""mltui: a terminal workbench for machine-learning pipelines in containers."""

__version__ = "0.1.0"
