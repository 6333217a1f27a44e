"""One command a file: `add_arguments(parser)` declares it, `run(args, out)` does it.

`cli.main` lists them with their summaries and imports the one that was asked for.
"""
