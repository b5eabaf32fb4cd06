"""What has to hold of manifests with a gateway in them, beyond being manifests.

Each policy is a generator of what is wrong, whole sentences without a full stop. `ALL` holds for whatever the
component was added to, `SHIPPED` for our own overlays besides.
"""
import re

from manifests import seconds, selects, size

# The gateway's leaving takes this long beyond its delay and its deadline: gateway.cc, LongestStop.
CLOSING_SECONDS = 6
MARGIN_SECONDS = 3
# What a workload has to leave if it says nothing: Kubernetes' own default.
WORKLOAD_SECONDS = 30
# As deploy/systemd/onhookd.service has it, TimeoutStartSec.
RECOVERY_SECONDS = 600
IDENTITY = 65532
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
PROBES = {"startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
                      "projected", "secret"}
# Of the settings, where their text says nothing: gateway/config/SETTINGS.md.
DEFAULT_SIZES = {"dead_letters": "1GiB", "quarantine": "64MiB", "minimum_free_disk": "512MiB"}


def port_of(listen):
    return int(listen.rsplit(":", 1)[1])


def is_open(listen):
    return not listen.startswith(("127.", "[::1]", "localhost"))


def open_ports(settings):
    """What the gateway listens on beyond its pod: {"http": 8080, ...}."""
    return {name: port_of(settings[name]["listen"]) for name in ("http", "grpc", "admin")
            if is_open(settings[name]["listen"])}


def ports_are_numbers(manifests):
    for service in manifests.of_kind("Service"):
        for port in service["spec"]["ports"]:
            if not isinstance(port.get("targetPort"), int):
                yield f"Service {service['metadata']['name']}: targetPort {port.get('targetPort')} is no number"
    for pod in manifests.pods():
        for container in pod.containers:
            for probe in PROBES:
                for how in ("httpGet", "tcpSocket", "grpc"):
                    port = container.get(probe, {}).get(how, {"port": 0})["port"]
                    if not isinstance(port, int):
                        yield f"{container['name']}: {probe} asks the port {port}, which is no number"
    for policy in manifests.of_kind("NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []) + policy["spec"].get("egress", []):
            for port in rule.get("ports", []):
                if not isinstance(port.get("port"), int):
                    yield f"NetworkPolicy {policy['metadata']['name']}: port {port.get('port')} is no number"


def probes_ask_the_admin_port(manifests):
    for pod in manifests.gateways():
        admin = open_ports(manifests.settings(pod)).get("admin")
        for probe, path in PROBES.items():
            asked = pod.gateway.get(probe, {}).get("httpGet", {})
            if (asked.get("path"), asked.get("port")) != (path, admin):
                yield f"{pod.name}: {probe} asks {asked}, not {path} on the admin port {admin}"


def containers_name_the_open_ports(manifests):
    for pod in manifests.gateways():
        named = {one["name"]: one["containerPort"] for one in pod.gateway["ports"]}
        wanted = open_ports(manifests.settings(pod))
        if named != wanted:
            yield f"{pod.name}: its ports are {named}, the settings open {wanted}"


def services_lead_to_pods(manifests):
    for service in manifests.of_kind("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        pods = [pod for pod in manifests.pods() if selects(spec.get("selector"), pod.labels)]
        if len(pods) != 1:
            yield f"Service {name} selects the pods of {len(pods)} workloads"
        for port in spec["ports"]:
            named = [one["containerPort"] for pod in pods for each in pod.containers
                     for one in each.get("ports", [])]
            if port.get("targetPort", port["port"]) not in named:
                yield f"Service {name} leads to port {port.get('targetPort')}, which no container has"


def the_admin_port_has_no_service(manifests):
    for pod in manifests.gateways():
        admin = open_ports(manifests.settings(pod)).get("admin")
        for service in manifests.of_kind("Service"):
            if any(port.get("targetPort") == admin for port in service["spec"]["ports"]):
                yield f"Service {service['metadata']['name']} shows the admin port"


def selectors_fit_their_pods(manifests):
    for pod in manifests.pods():
        if not selects(pod.workload["spec"]["selector"]["matchLabels"], pod.labels):
            yield f"{pod.name}: its selector does not fit its own pods"


def grace_periods_add_up(manifests):
    for pod in manifests.gateways():
        shutdown = manifests.settings(pod).get("shutdown", {})
        delay, drain = seconds(shutdown.get("delay", "0s")), seconds(shutdown.get("drain_deadline", "10s"))
        if delay < 5:
            yield f"{pod.name}: shutdown.delay is {delay} s; proxies go on sending for about 5 s"
        needed = delay + drain + CLOSING_SECONDS + MARGIN_SECONDS
        if pod.is_sidecar:
            needed += WORKLOAD_SECONDS
        given = pod.spec.get("terminationGracePeriodSeconds", 30)
        if given < needed:
            yield f"{pod.name}: killed after {given} s, but leaving may take {needed} s"


def nothing_needs_a_shell(manifests):
    for pod in manifests.gateways():
        if "lifecycle" in pod.gateway:
            yield f"{pod.name}: the gateway has a hook; it delays its leaving itself, by shutdown.delay"
        if pod.gateway.get("command") != ["/usr/bin/onhookd"]:
            yield f"{pod.name}: the gateway is started by {pod.gateway.get('command')}"


def a_sidecar_outlives_its_workload(manifests):
    for pod in manifests.gateways():
        if pod.is_sidecar and pod.gateway.get("restartPolicy") != "Always":
            yield f"{pod.name}: the gateway is an init container that has to end before the workload starts"


def events_lie_on_a_volume(manifests):
    for pod in manifests.embedded():
        directory = manifests.settings(pod)["store"]["directory"]
        mount = pod.mount_of(directory)
        if manifests.claim(pod) is None:
            yield f"{pod.name}: {directory} is on no PersistentVolumeClaim, so events die with the pod"
        elif mount.get("readOnly") or mount["mountPath"] != directory or "subPath" in mount:
            yield f"{pod.name}: {directory} is not a volume of its own that can be written"


def one_gateway_has_the_volume(manifests):
    for pod in manifests.embedded():
        spec = pod.workload["spec"]
        if spec.get("replicas") != 1:
            yield f"{pod.name}: replicas is {spec.get('replicas')}; SQLite serves one"
        if pod.workload["kind"] == "Deployment" and spec.get("strategy") != {"type": "Recreate"}:
            yield f"{pod.name}: a new pod would wait for the old one's volume, and the old one for the new"
        claim = manifests.claim(pod) or {}
        if claim.get("accessModes") != ["ReadWriteOncePod"]:
            yield f"{pod.name}: more than one pod could have its volume: {claim.get('accessModes')}"
        for scaler in manifests.of_kind("HorizontalPodAutoscaler"):
            if scaler["spec"]["scaleTargetRef"]["name"] == pod.name:
                yield f"{pod.name}: a HorizontalPodAutoscaler would add replicas"
        volumes = [one for one in pod.spec.get("volumes", []) if "persistentVolumeClaim" in one]
        for other in manifests.pods():
            if other.workload is not pod.workload and any(one in other.spec.get("volumes", []) for one in volumes):
                yield f"{pod.name}: {other.name} has its volume as well"


def a_fleet_has_servers_that_are_proven(manifests):
    for pod in manifests.of_fleets():
        store = manifests.settings(pod)["store"]
        jetstream = store["jetstream"]
        if len(jetstream.get("servers", [])) < 3:
            yield f"{pod.name}: with fewer than three servers named, one that is gone may leave none"
        if not all(one.startswith("tls://") for one in jetstream.get("servers", [])):
            yield f"{pod.name}: events and the password would travel in the clear"
        if not (jetstream.get("password_file") or jetstream.get("credentials_file")):
            yield f"{pod.name}: the servers would have to take anybody for a gateway"
        if jetstream.get("replicas", 3) < 3:
            yield f"{pod.name}: with fewer than three replicas one server's loss stops it"
        spool = store.get("spool", {}).get("directory")
        mount = pod.mount_of(spool) if spool else None
        if spool and (not mount or not pod.volume(mount["name"])[0].startswith(("persistent", "volumeClaim"))):
            yield f"{pod.name}: its spool dies with the pod, and what waits in it"


def a_fleet_reaches_its_servers(manifests):
    for pod in manifests.of_fleets():
        servers = manifests.settings(pod)["store"]["jetstream"].get("servers", [])
        ports = {port_of(one) for one in servers} | {53}
        for policy in manifests.of_kind("NetworkPolicy"):
            if not selects(policy["spec"]["podSelector"].get("matchLabels"), pod.labels) or "Egress" not in policy[
                    "spec"].get("policyTypes", []):
                continue
            closed = ports - {one["port"] for rule in policy["spec"].get("egress", []) for one in rule["ports"]}
            if closed:
                yield f"{pod.name}: it may not reach the ports {sorted(closed)}"


def a_fleet_is_more_than_one(manifests):
    for pod in manifests.of_fleets():
        spec = pod.workload["spec"]
        if spec.get("replicas", 1) < 2:
            yield f"{pod.name}: replicas is {spec.get('replicas')}; one gateway needs no servers"
        if spec.get("strategy", {}).get("type") == "Recreate":
            yield f"{pod.name}: an update would send all gateways away at once"
        if not pod.is_sidecar and not any(
                one["topologyKey"] == "kubernetes.io/hostname" and selects(one["labelSelector"]["matchLabels"], pod.labels)
                for one in pod.spec.get("topologySpreadConstraints", [])):
            yield f"{pod.name}: all of them may be put on one node"


def a_bad_start_can_be_taken_back(manifests):
    for pod in manifests.gateways():
        spec = pod.workload["spec"]
        if pod.workload["kind"] == "StatefulSet" and spec.get("podManagementPolicy") != "Parallel":
            yield f"{pod.name}: a pod that never becomes ready would have to be deleted by hand after a rollback"
        probe = pod.gateway.get("startupProbe", {})
        if probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3) < RECOVERY_SECONDS:
            yield f"{pod.name}: killed half way, the recovery of a great store would begin anew for ever"


def the_volume_holds_what_is_kept(manifests):
    for pod in manifests.embedded():
        settings, claim = manifests.settings(pod), manifests.claim(pod)
        store = settings["store"]
        kept = [store["retention"]["size"], settings.get("quarantine", {}).get("size", DEFAULT_SIZES["quarantine"]),
                store.get("dead_letters", {}).get("size", DEFAULT_SIZES["dead_letters"]),
                store.get("minimum_free_disk", DEFAULT_SIZES["minimum_free_disk"])]
        # A quarter more: indexes, the log of writes, and what is owed beyond the retention.
        needed = sum(map(size, kept)) * 5 // 4
        has = size(claim["resources"]["requests"]["storage"]) if claim else 0
        if has < needed:
            yield f"{pod.name}: its volume has {has} bytes, and {needed} may be kept"


def pods_are_restricted(manifests):
    """Pod Security's level "restricted", as its standard lists it."""
    for pod in manifests.pods():
        of_pod = pod.spec.get("securityContext", {})
        for way in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(way):
                yield f"{pod.name}: {way}"
        for volume in pod.spec.get("volumes", []):
            if not RESTRICTED_VOLUMES.intersection(volume):
                yield f"{pod.name}: the volume {volume['name']} is of a kind that is not allowed"
        for container in pod.containers:
            context = container.get("securityContext", {})
            either = {**of_pod, **context}
            wrong = [word for word, fits in {
                "privileged": not context.get("privileged"),
                "allowPrivilegeEscalation": context.get("allowPrivilegeEscalation") is False,
                "capabilities": context.get("capabilities", {}).get("drop") == ["ALL"]
                                and set(context["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"},
                "runAsNonRoot": either.get("runAsNonRoot") is True and either.get("runAsUser", 1) != 0,
                "seccompProfile": either.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
                "hostPort": not any("hostPort" in port for port in container.get("ports", [])),
            }.items() if not fits]
            if wrong:
                yield f"{pod.name}: the container {container['name']} is not restricted: {', '.join(wrong)}"


def the_gateway_is_nobody(manifests):
    for pod in manifests.gateways():
        context = pod.gateway.get("securityContext", {})
        if (context.get("runAsUser"), context.get("runAsGroup")) != (IDENTITY, IDENTITY):
            yield f"{pod.name}: the gateway does not run as {IDENTITY}"
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{pod.name}: the gateway could write into its image"
        if pod.spec.get("securityContext", {}).get("fsGroup") != IDENTITY:
            yield f"{pod.name}: without fsGroup {IDENTITY} the gateway cannot write its volume"


def the_gateway_has_no_token(manifests):
    for pod in manifests.gateways():
        hidden = any(mount["mountPath"] == TOKEN_PATH and pod.volume(mount["name"])[0] == "emptyDir"
                     for mount in pod.gateway.get("volumeMounts", []))
        if pod.spec.get("automountServiceAccountToken") is not False and not hidden:
            yield f"{pod.name}: the gateway gets a token of the service account"
    for account in manifests.of_kind("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"ServiceAccount {account['metadata']['name']} hands out its token"


def _secret_files(settings):
    """Every file that the settings name beside the store."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            if key.endswith("_file"):
                yield value
            elif key.endswith("_files"):
                yield from value
            else:
                yield from _secret_files(value)
    elif isinstance(settings, list):
        for value in settings:
            yield from _secret_files(value)


def secrets_are_files(manifests):
    for pod in manifests.pods():
        for container in pod.containers:
            if any("secretRef" in one for one in container.get("envFrom", [])) or any(
                    "secretKeyRef" in one.get("valueFrom", {}) for one in container.get("env", [])):
                yield f"{pod.name}: a secret is in the environment of {container['name']}"
    for secret in manifests.of_kind("Secret"):
        yield f"Secret {secret['metadata']['name']} is in the manifests"
    for pod in manifests.gateways():
        for file in _secret_files(manifests.settings(pod)):
            mount = pod.mount_of(file)
            kind, source = pod.volume(mount["name"]) if mount else ("", {})
            if kind not in ("secret", "projected"):
                yield f"{pod.name}: {file} is in no Secret"
            elif "subPath" in mount or not mount.get("readOnly"):
                yield f"{pod.name}: {file} would not change with its Secret, or could be written"
            elif source.get("defaultMode") != 0o440:
                yield f"{pod.name}: {file} can be read by others than the gateway"


def mounts_have_their_volumes(manifests):
    for pod in manifests.gateways():
        paths = [mount["mountPath"] for mount in pod.gateway["volumeMounts"]]
        for mount in pod.gateway["volumeMounts"]:
            if not pod.volume(mount["name"])[0]:
                yield f"{pod.name}: nothing is called {mount['name']}"
            if any(mount["mountPath"].startswith(path + "/") for path in paths):
                yield f"{pod.name}: {mount['mountPath']} lies in another volume, which may be read-only"


def settings_change_the_name_of_their_map(manifests):
    for pod in manifests.gateways():
        names = [source["name"] for kind, source in map(pod.volume, [
            mount["name"] for mount in pod.gateway["volumeMounts"]]) if kind == "configMap"]
        if not names or not all(re.fullmatch(r".*-[a-z0-9]{10}", name) for name in names):
            yield f"{pod.name}: {names} keeps its name when settings change, so no pod would start anew"


def containers_say_what_they_need(manifests):
    for pod in manifests.pods():
        for container in pod.containers:
            resources = container.get("resources", {})
            if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get(
                    "limits", {}):
                yield f"{pod.name}: {container['name']} says too little of what it needs"


def images_are_pinned(manifests):
    for pod in manifests.pods():
        for container in pod.containers:
            if not re.search(r":[\w.-]+$|@sha256:[0-9a-f]{64}$", container["image"]) or container[
                    "image"].endswith(":latest"):
                yield f"{pod.name}: {container['image']} may be another image tomorrow"


def networks_are_closed(manifests):
    for pod in manifests.gateways():
        policies = [one["spec"] for one in manifests.of_kind("NetworkPolicy")
                    if selects(one["spec"]["podSelector"].get("matchLabels"), pod.labels)
                    and "Ingress" in one["spec"].get("policyTypes", [])]
        if not policies:
            yield f"{pod.name}: no NetworkPolicy selects it"
        rules = [rule for policy in policies for rule in policy.get("ingress", [])]
        if not all(rule.get("ports") for rule in rules):
            yield f"{pod.name}: a rule of its NetworkPolicy opens every port"
        for name, port in open_ports(manifests.settings(pod)).items():
            of_port = [rule for rule in rules if any(one.get("port") == port for one in rule.get("ports", []))]
            if not of_port:
                yield f"{pod.name}: nobody can reach its port {port} ({name})"
            if name != "http" and not all(rule.get("from") for rule in of_port):
                yield f"{pod.name}: anybody can reach its port {port} ({name})"


def one_budget_lets_it_move(manifests):
    for pod in manifests.gateways():
        budgets = [one["spec"] for one in manifests.of_kind("PodDisruptionBudget")
                   if selects(one["spec"]["selector"].get("matchLabels"), pod.labels)]
        if len(budgets) != 1:
            yield f"{pod.name}: {len(budgets)} PodDisruptionBudgets; with more than one nothing is evicted"
        for budget in budgets:
            if budget.get("maxUnavailable") != 1 or "minAvailable" in budget:
                yield f"{pod.name}: its node could never be drained"


def routes_show_callbacks_only(manifests):
    for route in manifests.of_kind("HTTPRoute"):
        name = route["metadata"]["name"]
        settings = [manifests.settings(pod) for pod in manifests.gateways()]
        paths = {source["path"] for one in settings for source in one["sources"]}
        http = {one["metadata"]["name"]: port["port"] for one in manifests.of_kind("Service")
                for port in one["spec"]["ports"] for each in settings
                if port["targetPort"] == port_of(each["http"]["listen"])}
        for rule in route["spec"]["rules"]:
            for match in rule.get("matches") or [{}]:
                path = match.get("path", {"type": "PathPrefix", "value": "/"})
                if path["type"] == "RegularExpression" or path["value"] not in paths or match.get("method") != "POST":
                    yield f"HTTPRoute {name} lets more in than callbacks: {match}"
            for backend in rule["backendRefs"]:
                if http.get(backend["name"]) != backend["port"]:
                    yield f"HTTPRoute {name} leads to {backend}, not to the port for callbacks"


def a_proxy_in_front_is_known(manifests):
    if manifests.of_kind("HTTPRoute"):
        for pod in manifests.gateways():
            for source in manifests.settings(pod)["sources"]:
                if not source.get("trusted_proxies"):
                    yield f"{pod.name}: all callbacks of {source['name']} would count as one caller's, the proxy's"


def monitors_ask_for_metrics(manifests):
    for monitor in manifests.of_kind("PodMonitor"):
        name, spec = monitor["metadata"]["name"], monitor["spec"]
        pods = [pod for pod in manifests.gateways() if selects(spec["selector"].get("matchLabels"), pod.labels)]
        if not pods:
            yield f"PodMonitor {name} selects no gateway"
        for pod in pods:
            wanted = ("/metrics", open_ports(manifests.settings(pod)).get("admin"))
            for endpoint in spec["podMetricsEndpoints"]:
                if (endpoint.get("path"), endpoint.get("portNumber")) != wanted:
                    yield f"PodMonitor {name} asks {endpoint}, not {wanted}"
                jobs = [one["replacement"] for one in endpoint.get("relabelings", []) if one["targetLabel"] == "job"]
                if jobs != ["$1/onhook"]:
                    yield f"PodMonitor {name}: the job would be called after it, and alerts look for NAMESPACE/onhook"


ALL = [ports_are_numbers, probes_ask_the_admin_port, containers_name_the_open_ports, services_lead_to_pods,
       the_admin_port_has_no_service, selectors_fit_their_pods, grace_periods_add_up, nothing_needs_a_shell,
       a_sidecar_outlives_its_workload, events_lie_on_a_volume, one_gateway_has_the_volume,
       the_volume_holds_what_is_kept, the_gateway_is_nobody, the_gateway_has_no_token, secrets_are_files,
       mounts_have_their_volumes, settings_change_the_name_of_their_map, routes_show_callbacks_only,
       a_proxy_in_front_is_known, monitors_ask_for_metrics, a_fleet_has_servers_that_are_proven,
       a_fleet_reaches_its_servers, a_fleet_is_more_than_one]
SHIPPED = [pods_are_restricted, containers_say_what_they_need, images_are_pinned, networks_are_closed,
           one_budget_lets_it_move, a_bad_start_can_be_taken_back]
