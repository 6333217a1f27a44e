"""Which resource of the API is meant, where it lies in the URL, and how it is called in sentences.

Pure. The well-known ones are constants here; any other is found by `discovery`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource type of the API."""

    plural: str
    kind: str
    """Of one object, in its `kind` field: `Pod`."""
    group: str = ""
    version: str = "v1"
    is_namespaced: bool = True
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    """What the server can do with it; empty: not asked."""

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """`pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """The URL's path; without a namespace, of all of them."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if self.is_namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=":"))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


_GROUPS = ("", "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "discovery.k8s.io")
_LOOKS = ("get", "list", "watch")
_OF_EDITORS = ("secrets",)
_OF_ADMINS = ("roles", "rolebindings")
_OF_CONTROLLERS = (
    "events", "endpoints", "endpointslices", "resourcequotas", "limitranges", "controllerrevisions",
)  # fmt: skip
"""What only the cluster itself writes, or those who run it."""


def _role(verb: str, resource: Resource, part: str) -> str:
    """The ClusterRole for people that has a right in a namespace; empty: none of them.

    Source: Kubernetes docs, "Using RBAC Authorization", user-facing roles.
    """
    if not resource.is_namespaced:
        return ""
    if resource.plural in _OF_ADMINS:
        return "admin"
    if resource.group not in _GROUPS:
        return ""
    if verb in _LOOKS and resource.plural not in _OF_EDITORS and part in ("", "log", "status"):
        return "view"
    if resource.plural in _OF_CONTROLLERS or part == "status":
        return ""
    return "edit"


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked, for sentences: `list pods in namespace digits`."""

    verb: str
    resource: Resource
    namespace: str | None = None
    name: str = ""
    subresource: str = ""

    @property
    def object_text(self) -> str:
        """`pod digits/train-2`, `node testbed`; without a name `pods in namespace digits`."""
        if not self.name:
            return f"{self.resource.plural}{self._where}"
        place = f"{self.namespace}/" if self.namespace and self.resource.is_namespaced else ""
        return f"{self.resource.kind.lower()} {place}{self.name}"

    @property
    def text(self) -> str:
        """`list pods in namespace digits`, `delete pod digits/train-2`, `read the log of …`."""
        if self.subresource == "log":
            return f"read the log of {self.object_text}"
        if self.subresource == "exec":
            return f"run commands in {self.object_text}"
        if self.subresource and self.subresource != "status":
            return f"{self.verb} the {self.subresource} of {self.object_text}"
        return f"{self.verb} {self.object_text}"

    @property
    def right(self) -> str:
        """What to ask an administrator for: `get on pods/log (ClusterRole view has it)`."""
        resource = self.resource
        part = f"/{self.subresource}" if self.subresource else ""
        role = _role(self.verb, resource, self.subresource)
        return f"{self.verb} on {resource.full_name}{part}" + (
            f" (ClusterRole {role} has it)" if role else ""
        )

    @property
    def _where(self) -> str:
        if not self.resource.is_namespaced:
            return ""
        return f" in namespace {self.namespace}" if self.namespace else " in all namespaces"


PODS = Resource("pods", "Pod", short_names=("po",))
SERVICES = Resource("services", "Service", short_names=("svc",))
EVENTS = Resource("events", "Event", short_names=("ev",))
NODES = Resource("nodes", "Node", is_namespaced=False, short_names=("no",))
NAMESPACES = Resource("namespaces", "Namespace", is_namespaced=False, short_names=("ns",))
CONFIGMAPS = Resource("configmaps", "ConfigMap", short_names=("cm",))
SECRETS = Resource("secrets", "Secret")
CLAIMS = Resource("persistentvolumeclaims", "PersistentVolumeClaim", short_names=("pvc",))
SERVICE_ACCOUNTS = Resource("serviceaccounts", "ServiceAccount", short_names=("sa",))
DEPLOYMENTS = Resource("deployments", "Deployment", "apps", short_names=("deploy",))
REPLICA_SETS = Resource("replicasets", "ReplicaSet", "apps", short_names=("rs",))
STATEFUL_SETS = Resource("statefulsets", "StatefulSet", "apps", short_names=("sts",))
DAEMON_SETS = Resource("daemonsets", "DaemonSet", "apps", short_names=("ds",))
REVISIONS = Resource("controllerrevisions", "ControllerRevision", "apps")
JOBS = Resource("jobs", "Job", "batch")
CRON_JOBS = Resource("cronjobs", "CronJob", "batch", short_names=("cj",))
SLICES = Resource("endpointslices", "EndpointSlice", "discovery.k8s.io")
INGRESSES = Resource("ingresses", "Ingress", "networking.k8s.io", short_names=("ing",))
INGRESS_CLASSES = Resource(
    "ingressclasses", "IngressClass", "networking.k8s.io", is_namespaced=False
)
NETWORK_POLICIES = Resource(
    "networkpolicies", "NetworkPolicy", "networking.k8s.io", short_names=("netpol",)
)
AUTOSCALERS = Resource(
    "horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling", "v2",
    short_names=("hpa",),
)  # fmt: skip
BUDGETS = Resource("poddisruptionbudgets", "PodDisruptionBudget", "policy", short_names=("pdb",))
STORAGE_CLASSES = Resource(
    "storageclasses", "StorageClass", "storage.k8s.io", is_namespaced=False, short_names=("sc",)
)
ROLES = Resource("roles", "Role", "rbac.authorization.k8s.io")
POD_METRICS = Resource("pods", "PodMetrics", "metrics.k8s.io", "v1beta1")
NODE_METRICS = Resource("nodes", "NodeMetrics", "metrics.k8s.io", "v1beta1", is_namespaced=False)
ACCESS_REVIEWS = Resource(
    "selfsubjectaccessreviews", "SelfSubjectAccessReview", "authorization.k8s.io",
    is_namespaced=False,
)  # fmt: skip
