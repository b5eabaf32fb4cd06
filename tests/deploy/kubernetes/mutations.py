"""For each policy a way to break it, in manifests that keep it: a check that cannot fail is none."""
import copy

import policies
import yaml

DROP = object()


def put(kind, path, value):
    """Sets what is at a path of the first document of a kind, or drops it."""
    def change(manifests):
        place = manifests.of_kind(kind)[0]
        *way, last = [int(word) if word.isdigit() else word for word in path.split(" ")]
        for word in way:
            place = place[word]
        if value is DROP:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return change


def set_settings(**groups):
    """Changes groups of the gateway's settings."""
    def change(manifests):
        data = manifests.of_kind("ConfigMap")[0]["data"]
        settings = yaml.safe_load(data["onhook.yaml"])
        for group, members in groups.items():
            settings[group] = members if isinstance(members, list) else {**settings.get(group, {}), **members}
        data["onhook.yaml"] = yaml.safe_dump(settings)
    return change


def set_jetstream(**members):
    """Changes what the gateway knows of its servers."""
    def change(manifests):
        data = manifests.of_kind("ConfigMap")[0]["data"]
        settings = yaml.safe_load(data["onhook.yaml"])
        settings["store"]["jetstream"].update(members)
        data["onhook.yaml"] = yaml.safe_dump(settings)
    return change


def add(document):
    return lambda manifests: manifests.documents.append(document)


def without(kind):
    def change(manifests):
        manifests.documents = [one for one in manifests.documents if one["kind"] != kind]
    return change


def twice(kind):
    return lambda manifests: manifests.documents.append(manifests.of_kind(kind)[0])


def another_of(kind):
    def change(manifests):
        document = copy.deepcopy(manifests.of_kind(kind)[0])
        document["metadata"]["name"] = "another"
        manifests.documents.append(document)
    return change


POD = "spec template spec "
SIDECAR = POD + "initContainers 0 "
ALONE = POD + "containers 0 "
SCALER = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "crm"},
          "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "crm"}}}
EMPTY = {"name": "onhook-data", "emptyDir": {}}

# (policy, overlay, how it is broken)
MUTATIONS = [
    (policies.ports_are_numbers, "sidecar", put("Service", "spec ports 0 targetPort", "http")),
    (policies.ports_are_numbers, "sidecar", put("Service", "spec ports 0 targetPort", DROP)),
    (policies.ports_are_numbers, "sidecar", put("Deployment", SIDECAR + "livenessProbe httpGet port", "admin")),
    (policies.ports_are_numbers, "sidecar", put("NetworkPolicy", "spec ingress 0 ports 0 port", "http")),
    (policies.probes_ask_the_admin_port, "sidecar", put("Deployment", SIDECAR + "startupProbe", DROP)),
    (policies.probes_ask_the_admin_port, "sidecar", put("Deployment", SIDECAR + "livenessProbe httpGet port", 8080)),
    (policies.probes_ask_the_admin_port, "sidecar",
     put("Deployment", SIDECAR + "readinessProbe httpGet path", "/livez")),
    (policies.probes_ask_the_admin_port, "sidecar", set_settings(admin={"listen": "127.0.0.1:8081"})),
    (policies.containers_name_the_open_ports, "sidecar", put("Deployment", SIDECAR + "ports 0 containerPort", 8000)),
    (policies.containers_name_the_open_ports, "sidecar", set_settings(grpc={"listen": "0.0.0.0:50051"})),
    (policies.services_lead_to_pods, "sidecar", put("Service", "spec selector", {"app": "other"})),
    (policies.services_lead_to_pods, "standalone", put("Service", "spec ports 0 targetPort", 50052)),
    (policies.the_admin_port_has_no_service, "standalone",
     put("Service", "spec ports 2", {"name": "admin", "port": 8081, "targetPort": 8081})),
    (policies.selectors_fit_their_pods, "standalone", put("StatefulSet", "spec selector matchLabels onhook", "other")),
    (policies.grace_periods_add_up, "sidecar", put("Deployment", POD + "terminationGracePeriodSeconds", 50)),
    (policies.grace_periods_add_up, "sidecar", put("Deployment", POD + "terminationGracePeriodSeconds", DROP)),
    (policies.grace_periods_add_up, "standalone", set_settings(shutdown={"drain_deadline": "20s"})),
    (policies.grace_periods_add_up, "standalone", set_settings(shutdown={"delay": "0s"})),
    (policies.nothing_needs_a_shell, "standalone",
     put("StatefulSet", ALONE + "lifecycle", {"preStop": {"exec": {"command": ["sleep", "5"]}}})),
    (policies.nothing_needs_a_shell, "standalone", put("StatefulSet", ALONE + "command", ["sh", "-c", "onhookd"])),
    (policies.a_sidecar_outlives_its_workload, "sidecar", put("Deployment", SIDECAR + "restartPolicy", DROP)),
    (policies.events_lie_on_a_volume, "sidecar", put("Deployment", POD + "volumes 2", EMPTY)),
    (policies.events_lie_on_a_volume, "sidecar", set_settings(store={"directory": "/tmp/onhook"})),
    (policies.events_lie_on_a_volume, "sidecar", without("PersistentVolumeClaim")),
    (policies.events_lie_on_a_volume, "standalone", put("StatefulSet", "spec volumeClaimTemplates", DROP)),
    (policies.events_lie_on_a_volume, "standalone", put("StatefulSet", ALONE + "volumeMounts 3 readOnly", True)),
    (policies.one_gateway_has_the_volume, "sidecar", put("Deployment", "spec replicas", 2)),
    (policies.one_gateway_has_the_volume, "sidecar", put("Deployment", "spec replicas", DROP)),
    (policies.one_gateway_has_the_volume, "sidecar", put("Deployment", "spec strategy", DROP)),
    (policies.one_gateway_has_the_volume, "sidecar",
     put("PersistentVolumeClaim", "spec accessModes", ["ReadWriteMany"])),
    (policies.one_gateway_has_the_volume, "sidecar", add(SCALER)),
    (policies.one_gateway_has_the_volume, "sidecar", another_of("Deployment")),
    (policies.the_volume_holds_what_is_kept, "sidecar",
     put("PersistentVolumeClaim", "spec resources requests storage", "5Gi")),
    (policies.the_volume_holds_what_is_kept, "standalone", set_settings(store={"retention": {"size": "10GiB"}})),
    (policies.pods_are_restricted, "sidecar", put("Deployment", ALONE + "securityContext", DROP)),
    (policies.pods_are_restricted, "sidecar",
     put("Deployment", SIDECAR + "securityContext allowPrivilegeEscalation", DROP)),
    (policies.pods_are_restricted, "sidecar",
     put("Deployment", SIDECAR + "securityContext capabilities add", ["NET_ADMIN"])),
    (policies.pods_are_restricted, "sidecar", put("Deployment", SIDECAR + "securityContext runAsUser", 0)),
    (policies.pods_are_restricted, "sidecar", put("Deployment", POD + "hostNetwork", True)),
    (policies.pods_are_restricted, "sidecar", put("Deployment", SIDECAR + "ports 0 hostPort", 8080)),
    (policies.pods_are_restricted, "sidecar",
     put("Deployment", POD + "volumes 2", {"name": "onhook-data", "hostPath": {"path": "/data"}})),
    (policies.the_gateway_is_nobody, "sidecar", put("Deployment", SIDECAR + "securityContext runAsUser", 1000)),
    (policies.the_gateway_is_nobody, "standalone",
     put("StatefulSet", ALONE + "securityContext readOnlyRootFilesystem", DROP)),
    (policies.the_gateway_is_nobody, "standalone", put("StatefulSet", POD + "securityContext fsGroup", DROP)),
    (policies.the_gateway_has_no_token, "standalone",
     put("StatefulSet", POD + "automountServiceAccountToken", DROP)),
    (policies.the_gateway_has_no_token, "standalone",
     put("ServiceAccount", "automountServiceAccountToken", True)),
    (policies.secrets_are_files, "sidecar", put("Deployment", SIDECAR + "env", [
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "onhook", "key": "path-token"}}}])),
    (policies.secrets_are_files, "sidecar", put("Deployment", ALONE + "envFrom", [{"secretRef": {"name": "onhook"}}])),
    (policies.secrets_are_files, "sidecar", add({"kind": "Secret", "metadata": {"name": "onhook"}})),
    (policies.secrets_are_files, "standalone",
     put("StatefulSet", POD + "volumes 1", {"name": "secrets", "configMap": {"name": "onhook-aaaaaaaaaa"}})),
    (policies.secrets_are_files, "standalone", put("StatefulSet", POD + "volumes 2 secret defaultMode", DROP)),
    (policies.secrets_are_files, "standalone", put("StatefulSet", ALONE + "volumeMounts 1 subPath", "path-token")),
    (policies.mounts_have_their_volumes, "standalone", put("StatefulSet", ALONE + "volumeMounts 2 name", "lts")),
    (policies.mounts_have_their_volumes, "standalone",
     put("StatefulSet", ALONE + "volumeMounts 2 mountPath", "/etc/onhook/secrets/tls")),
    (policies.settings_change_the_name_of_their_map, "sidecar",
     put("Deployment", POD + "volumes 0 configMap name", "onhook")),
    (policies.containers_say_what_they_need, "sidecar", put("Deployment", SIDECAR + "resources limits", DROP)),
    (policies.images_are_pinned, "sidecar", put("Deployment", SIDECAR + "image", "onhook")),
    (policies.images_are_pinned, "sidecar", put("Deployment", SIDECAR + "image", "onhook:latest")),
    (policies.networks_are_closed, "standalone", without("NetworkPolicy")),
    (policies.networks_are_closed, "standalone", put("NetworkPolicy", "spec podSelector matchLabels", {"app": "a"})),
    (policies.networks_are_closed, "standalone", put("NetworkPolicy", "spec ingress 0", {})),
    (policies.networks_are_closed, "standalone", put("NetworkPolicy", "spec ingress 1 from", DROP)),
    (policies.networks_are_closed, "standalone", put("NetworkPolicy", "spec ingress 0 ports 0 port", 80)),
    (policies.one_budget_lets_it_move, "standalone", put("PodDisruptionBudget", "spec maxUnavailable", 0)),
    (policies.one_budget_lets_it_move, "standalone", twice("PodDisruptionBudget")),
    (policies.one_budget_lets_it_move, "standalone", without("PodDisruptionBudget")),
    (policies.a_bad_start_can_be_taken_back, "standalone", put("StatefulSet", "spec podManagementPolicy", DROP)),
    (policies.a_bad_start_can_be_taken_back, "sidecar",
     put("Deployment", SIDECAR + "startupProbe failureThreshold", 30)),
    (policies.a_fleet_has_servers_that_are_proven, "fleet", set_jetstream(servers=["tls://nats:4222"])),
    (policies.a_fleet_has_servers_that_are_proven, "fleet", set_jetstream(servers=["nats://nats:4222"] * 3)),
    (policies.a_fleet_has_servers_that_are_proven, "sidecar-fleet", set_jetstream(password_file="")),
    (policies.a_fleet_has_servers_that_are_proven, "sidecar-fleet", set_jetstream(replicas=1)),
    (policies.a_fleet_has_servers_that_are_proven, "fleet",
     set_settings(store={"spool": {"directory": "/var/lib/onhook"}})),
    (policies.a_fleet_reaches_its_servers, "fleet", put("NetworkPolicy", "spec egress", [])),
    (policies.a_fleet_reaches_its_servers, "fleet", set_jetstream(servers=["tls://nats:4223"] * 3)),
    (policies.a_fleet_is_more_than_one, "fleet", put("Deployment", "spec replicas", 1)),
    (policies.a_fleet_is_more_than_one, "sidecar-fleet", put("Deployment", "spec replicas", DROP)),
    (policies.a_fleet_is_more_than_one, "sidecar-fleet", put("Deployment", "spec strategy", {"type": "Recreate"})),
    (policies.a_fleet_is_more_than_one, "fleet", put("Deployment", POD + "topologySpreadConstraints", DROP)),
    (policies.routes_show_callbacks_only, "production", put("HTTPRoute", "spec rules 0 matches 0 path value", "/")),
    (policies.routes_show_callbacks_only, "production", put("HTTPRoute", "spec rules 0 matches", DROP)),
    (policies.routes_show_callbacks_only, "production", put("HTTPRoute", "spec rules 0 matches 0 method", DROP)),
    (policies.routes_show_callbacks_only, "production", put("HTTPRoute", "spec rules 0 backendRefs 0 port", 8081)),
    (policies.routes_show_callbacks_only, "production", put("HTTPRoute", "spec rules 0 backendRefs 0 name", "other")),
    (policies.a_proxy_in_front_is_known, "production", set_settings(sources=[{"name": "default", "path": "/a"}])),
    (policies.monitors_ask_for_metrics, "production",
     put("PodMonitor", "spec podMetricsEndpoints 0 portNumber", 8080)),
    (policies.monitors_ask_for_metrics, "production", put("PodMonitor", "spec podMetricsEndpoints 0 relabelings", DROP)),
    (policies.monitors_ask_for_metrics, "production", put("PodMonitor", "spec selector matchLabels", {"app": "a"})),
]
