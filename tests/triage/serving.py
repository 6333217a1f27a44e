"""What stands before pods that run: services, ingresses, certificates, autoscalers, budgets."""

from __future__ import annotations

from .case import Case
from .objects import PAUSE, budget, container, deployment, host, ingress, scaler, service, tls


def serving() -> dict[str, Case]:
    """What does not lead to pods, or does not let them be, by its name."""
    return {
        "typo": Case(
            (
                deployment("gateway", container(PAUSE)),
                service("typo", "gatewy"),
            ),
            "no pod has the labels app=gatewy: did you mean app=gateway?",
            "kube-service",
        ),
        "wrong-port": Case(
            (
                deployment("named", container(PAUSE, ports=[{"name": "web", "containerPort": 80}])),
                service("wrong-port", "named", "http"),
            ),
            "its port 80 leads to http, and its pods declare 80, web",
            "kube-service",
        ),
        "other-label": Case(
            (
                {
                    **service("other-label", "gateway"),
                    "spec": {"selector": {"appp": "gateway"}, "ports": [{"port": 80}]},
                },
            ),
            "did you mean the label app?",
            "kube-service",
        ),
        "held": Case(
            (deployment("held", container(PAUSE)), budget("held", "held", minAvailable=1)),
            "it demands minAvailable 1 of one pod, so its node can't be emptied",
            "kube-budget",
        ),
        "old-certificate": Case(
            (tls("old-certificate", is_over=True),),
            "ended on 2024-04-01",
            "kube-certificate",
        ),
        "blind-scaler": Case(
            (deployment("scaled", container(PAUSE)), scaler("blind-scaler", "scaled")),
            "it can't read metrics of Deployment/scaled",
            "kube-scaler",
        ),
        "no-backend": Case(
            (ingress("no-backend", "shopp"),),
            "*/ leads to shopp:80, and there is no Service shopp",
            "kube-ingress",
        ),
        "no-controller": Case(
            (host("no-controller", ingressClassName="mltui-test-none"),),
            "there is no IngressClass mltui-test-none, which it asks for",
            "kube-ingress-class",
        ),
        "no-certificate": Case(
            (host("no-certificate", tls=[{"secretName": "certificatte"}]),),
            "no Secret certificatte of type kubernetes.io/tls: did you mean certificate?",
            "kube-ingress-secret",
        ),
        "no-addresses": Case(
            (service("no-addresses", "") | {"spec": {"ports": [{"port": 80}]}},),
            "it has no selector, so its addresses are given by hand",
            "kube-addresses",
        ),
    }
