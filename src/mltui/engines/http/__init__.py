"""HTTP/1.1 for engines: a connection, and the set of connections to one server.

Used by the clients of Docker and Kubernetes, which differ in how they connect and what they ask.
"""
