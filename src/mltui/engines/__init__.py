"""What runs a stage: one narrow protocol, one folder per engine.

Engines know nothing of pipelines: they build environments, start one attempt, watch it, stop it.
"""
