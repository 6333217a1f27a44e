"""Services in a cluster: a Deployment, a Service, a disruption budget each, told and looked at."""
