"""What is out there now: lists kept true by watching, as typed rows that say what changed.

One file in `kinds/` declares one kind: columns, how a row is read, which actions apply. The screens
and `mltui ls KIND` are made from these declarations.
"""
