"""Live tables of Kubernetes: several clusters and namespaces in one list, kept true by watches.

The kinds are `live.kinds.kube`; what is Docker's is beside this package.
"""
