#!/usr/bin/env python3
"""Writes dashboard.json, the Grafana dashboard, to standard output: make-dashboard.py > dashboard.json

A panel is a line of the tables below; what all panels have in common stands once. It needs no rules to be
loaded: its queries are over what gateways show themselves.
"""
import itertools
import json
import sys

GATEWAY = 'job=~"$job",instance=~"$instance"'
SOURCE = GATEWAY + ',source=~"$source"'
SUBSCRIPTION = GATEWAY + ',subscription=~"$subscription"'
PER_GATEWAY = "{{instance}}"
WIDTH, HEIGHT = 24, 8


def rate(metric, labels):
    return f"rate({metric}{{{labels}}}[$__rate_interval])"


def total(metric, labels, by):
    return f"sum by ({by}) ({rate(metric, labels)})"


def quantiles(metric, labels, *shares):
    """A line for each share of what a histogram counted, all chosen series together."""
    return [(f"histogram_quantile({share}, {total(metric + '_bucket', labels, 'le')})",
             f"{share * 100:g} %") for share in shares]


def stat(title, what, unit, query, *steps):
    """A number that is shown big, coloured by its steps: (from, colour), ..."""
    return {"type": "stat", "title": title, "description": what, "unit": unit, "queries": [(query, "")],
            "steps": steps, "width": 3, "height": 4}


def graph(title, what, unit, queries, width=8, stacked=False):
    return {"type": "timeseries", "title": title, "description": what, "unit": unit, "queries": queries,
            "stacked": stacked, "width": width, "height": HEIGHT}


GENUINE = SOURCE + ',outcome!="rejected"'
SUCCESS = SOURCE + ',outcome="success"'
GOOD, BAD, DOUBTFUL = "green", "red", "orange"

GLANCE = [
    stat("Ready", "Gateways that take callbacks.", "none", f"sum(onhook_ready{{{GATEWAY}}})", (None, BAD), (1, GOOD)),
    stat("Callbacks", "Genuine ones a second: without what was rejected.", "reqps",
         f"sum({rate('onhook_callbacks_total', GENUINE)})", (None, GOOD)),
    stat('Answered "0"', "Of the genuine callbacks: stored and forwarded in time.", "percentunit",
         f"sum({rate('onhook_callbacks_total', SUCCESS)})"
         f" / sum({rate('onhook_callbacks_total', GENUINE)})", (None, BAD), (0.5, DOUBTFUL), (0.95, GOOD)),
    stat("Acknowledged within", "99 % of callbacks are answered within it.", "s",
         quantiles("onhook_callback_duration_seconds", SOURCE, 0.99)[0][0],
         (None, GOOD), (1, DOUBTFUL), (5, BAD)),
    stat("Oldest owed", "The age of the oldest event that a subscription is owed.", "s",
         f"max(onhook_subscription_oldest_unacked_age_seconds{{{SUBSCRIPTION}}})",
         (None, GOOD), (300, DOUBTFUL), (3600, BAD)),
    stat("Dead letters", "Events that were parked and wait for somebody.", "none",
         f"sum(onhook_dead_letters{{{SUBSCRIPTION}}})", (None, GOOD), (1, DOUBTFUL)),
    stat("In quarantine", "Rejected callbacks that wait for somebody.", "none",
         f"sum(onhook_quarantine_callbacks{{{GATEWAY}}})", (None, GOOD), (1, DOUBTFUL)),
    stat("Room on the disk", "What is free above store.minimum_free_disk; below it nothing is stored.", "bytes",
         f"min(onhook_store_free_disk_bytes{{{GATEWAY}}} - onhook_store_minimum_free_disk_bytes{{{GATEWAY}}})",
         (None, BAD), (0, DOUBTFUL), (2 ** 29, GOOD)),
]

CALLBACKS = [
    graph("Callbacks by outcome", "What their sender was told.", "reqps",
          [(total("onhook_callbacks_total", SOURCE, "outcome"), "{{outcome}}")], stacked=True),
    graph("Time to the answer", "From the whole request to its answer: the commit, and the wait to be forwarded.",
          "s", quantiles("onhook_callback_duration_seconds", SOURCE, 0.5, 0.9, 0.99)),
    graph('Not answered "0"', "Shares of the genuine callbacks.", "percentunit",
          [(f"{total('onhook_callbacks_total', SOURCE + f',outcome={outcome}', 'source')}"
            f" / {total('onhook_callbacks_total', GENUINE, 'source')}", "{{source}} " + words)
           for outcome, words in (('"not_forwarded"', "stored, not forwarded"), ('"not_stored"', "not stored"))]),
    graph("Rejected, by reason", "Callbacks that were refused for good.", "reqps",
          [(total("onhook_rejected_callbacks_total", GATEWAY, "source, reason") + " > 0", "{{source}} {{reason}}")]),
    graph("Delay of the vendor", "From the hang-up to the callback.", "s",
          quantiles("onhook_vendor_delay_seconds", SOURCE, 0.5, 0.9, 0.99)),
    graph("Repeats, unverified, not kept", "Repeats of stored events; accepted without a good signature; rejected, "
          "and refused by the quarantine.", "reqps",
          [(total(metric, SOURCE, "source"), "{{source}} " + words)
           for metric, words in (("onhook_events_duplicate_total", "repeats"),
                                 ("onhook_unverified_callbacks_total", "unverified"),
                                 ("onhook_rejected_callbacks_not_kept_total", "not kept"))]),
]

SUBSCRIPTIONS = [
    graph("Backlog", "Events that are owed.", "none",
          [(f"onhook_subscription_backlog_events{{{SUBSCRIPTION}}}", "{{instance}} {{subscription}}")]),
    graph("Age of the oldest event owed", "", "s",
          [(f"onhook_subscription_oldest_unacked_age_seconds{{{SUBSCRIPTION}}}", "{{instance}} {{subscription}}")]),
    graph("Consumers", "Streams that are attached; a line at -1 is a pause.", "none",
          [(f"sum by (subscription) (onhook_subscription_streams{{{SUBSCRIPTION}}})", "{{subscription}}"),
           (f"-(sum by (subscription) (onhook_subscription_paused{{{SUBSCRIPTION}}}) > 0)", "{{subscription}} paused")]),
    graph("Deliveries", "First ones, and events that come again.", "none",
          [(total("onhook_deliveries_total", SUBSCRIPTION + ',redelivery="false"', "subscription"),
            "{{subscription}} first"),
           (total("onhook_deliveries_total", SUBSCRIPTION + ',redelivery="true"', "subscription"),
            "{{subscription}} again")]),
    graph("What consumers say", "Acknowledgements and what else settles or gives back.", "none",
          [(total("onhook_acks_total", SUBSCRIPTION, "subscription, result") + " > 0", "{{subscription}} {{result}}")]),
    graph("With consumers now", "Delivered, not yet settled.", "none",
          [(f"sum by (subscription) (onhook_subscription_outstanding_events{{{SUBSCRIPTION}}})", "{{subscription}}")]),
    graph("From the callback to the first delivery", "", "s",
          quantiles("onhook_delivery_latency_seconds", SUBSCRIPTION, 0.5, 0.9, 0.99)),
    graph("Dead letters", "That wait now.", "none",
          [(f"sum by (subscription) (onhook_dead_letters{{{SUBSCRIPTION}}})", "{{subscription}}")]),
    graph("Parked, given up, removed", "In an hour: parked as dead letters; given up by a backlog limit; dead letters "
          "that a limit removed.", "none",
          [(f"sum by (subscription) (increase(onhook_dead_letters_parked_total{{{SUBSCRIPTION}}}[1h]))",
            "{{subscription}} parked"),
           (f"sum by (subscription) (increase(onhook_events_given_up_total{{{SUBSCRIPTION}}}[1h]))",
            "{{subscription}} given up"),
           (f"sum by (cause) (increase(onhook_dead_letters_removed_total{{{GATEWAY}}}[1h]))", "removed for {{cause}}")]),
]

STORE = [
    graph("Time of a commit", "Many callbacks and acks share one. Of SQLite and of a spool: none with NATS servers alone.", "s",
          quantiles("onhook_store_commit_duration_seconds", GATEWAY, 0.5, 0.99), width=6),
    graph("Events in a commit, and failures", "Failed ones: in an hour. Of SQLite and of a spool.", "none",
          [*quantiles("onhook_store_commit_batch_events", GATEWAY, 0.5, 0.99),
           (f"sum(increase(onhook_store_commit_failures_total{{{GATEWAY}}}[1h]))", "failed")], width=6),
    graph("Free on the disk", "And what must be.", "bytes",
          [(f"onhook_store_free_disk_bytes{{{GATEWAY}}}", "{{instance}} free"),
           (f"onhook_store_minimum_free_disk_bytes{{{GATEWAY}}}", "{{instance}} least")], width=6),
    graph("Kept", "Bytes of the store and of the quarantine in it.", "bytes",
          [(f"onhook_store_bytes{{{GATEWAY}}}", "{{instance}} store"),
           (f"onhook_quarantine_bytes{{{GATEWAY}}}", "{{instance}} quarantine")], width=6),
    graph("Events kept", "", "none", [(f"onhook_store_events{{{GATEWAY}}}", PER_GATEWAY)], width=6),
    graph("Quarantine", "Rejected callbacks that are kept.", "none",
          [(f"onhook_quarantine_callbacks{{{GATEWAY}}}", PER_GATEWAY)], width=6),
    graph("Removed from the quarantine", "In an hour, because of a limit.", "none",
          [(f"sum by (instance, cause) (increase(onhook_quarantine_removed_total{{{GATEWAY}}}[1h]))",
            "{{instance}} {{cause}}")], width=6),
    graph("Certificates", "How long they are good.", "s",
          [(f"onhook_tls_certificate_expiry_timestamp_seconds{{{GATEWAY}}} - time()", "{{instance}} {{listener}}")],
          width=6),
]

DOORS = [
    graph("Refused at the doors", "Of no proof, no sense or no place.", "reqps",
          [(total("onhook_http_refusals_total", GATEWAY, "listener, reason") + " > 0", "{{listener}} {{reason}}"),
           (total("onhook_grpc_calls_refused_total", GATEWAY, "reason") + " > 0", "grpc {{reason}}"),
           (total("onhook_admin_refusals_total", GATEWAY, "reason") + " > 0", "admin {{reason}}"),
           (f"sum({rate('onhook_grpc_handshakes_failed_total', GATEWAY)}) > 0", "grpc handshakes")]),
    graph("Connections and streams", "Open now.", "none",
          [(f"onhook_http_connections{{{GATEWAY}}}", "{{instance}} http"),
           (f"onhook_grpc_connections{{{GATEWAY}}}", "{{instance}} grpc"),
           (f"onhook_grpc_streams{{{GATEWAY}}}", "{{instance}} grpc streams")]),
    graph("Connections refused or cut", "Of the gRPC port, for want of places.", "reqps",
          [(total("onhook_grpc_connections_refused_total", GATEWAY, "reason"), "refused: {{reason}}"),
           (total("onhook_grpc_connections_cut_total", GATEWAY, "reason"), "cut: {{reason}}")]),
]

PROCESS = [
    graph("Processor", "Seconds of it in a second.", "none",
          [(rate("process_cpu_seconds_total", GATEWAY), PER_GATEWAY)], width=6),
    graph("Memory", "Resident.", "bytes", [(f"process_resident_memory_bytes{{{GATEWAY}}}", PER_GATEWAY)], width=6),
    graph("File descriptors", "Used, as a share of what the process may use.", "percentunit",
          [(f"process_open_fds{{{GATEWAY}}} / process_max_fds{{{GATEWAY}}}", PER_GATEWAY)], width=6),
    graph("Time since the start", "", "s", [(f"time() - process_start_time_seconds{{{GATEWAY}}}", PER_GATEWAY)],
          width=6),
    graph("Versions", "Gateways of each.", "none",
          [(f"count by (version) (onhook_build_info{{{GATEWAY}}})", "{{version}}")], width=6),
    graph("Engines", "Gateways of each.", "none",
          [(f"count by (engine, durability) (onhook_store_info{{{GATEWAY}}})", "{{engine}} {{durability}}")], width=6),
    graph("Ready", "", "none", [(f"onhook_ready{{{GATEWAY}}}", PER_GATEWAY)], width=6),
    graph("Files that were read last", "1: they could be used.", "none",
          [(f"onhook_config_last_reload_successful{{{GATEWAY}}}", "{{instance}} settings"),
           (f"onhook_tls_last_reload_successful{{{GATEWAY}}}", "{{instance}} {{listener}}")], width=6),
]

ROWS = [("At a glance", GLANCE), ("Callbacks", CALLBACKS), ("Subscriptions", SUBSCRIPTIONS), ("Store", STORE),
        ("Doors", DOORS), ("Process", PROCESS)]
SOURCE_OF_DATA = {"type": "prometheus", "uid": "${datasource}"}


def thresholds(steps):
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]}


def targets(queries):
    return [{"refId": chr(ord("A") + number), "datasource": SOURCE_OF_DATA, "expr": query, "legendFormat": legend}
            for number, (query, legend) in enumerate(queries)]


def panel_of(panel, number, x, y):
    defaults = {"unit": panel["unit"]}
    if panel["type"] == "stat":
        defaults["thresholds"] = thresholds(panel["steps"])
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "graphMode": "area"}
    else:
        stacking = {"mode": "normal"} if panel["stacked"] else {"mode": "none"}
        defaults["custom"] = {"fillOpacity": 10, "showPoints": "never", "stacking": stacking}
        options = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    return {"id": number, "type": panel["type"], "title": panel["title"], "description": panel["description"],
            "datasource": SOURCE_OF_DATA, "gridPos": {"x": x, "y": y, "w": panel["width"], "h": panel["height"]},
            "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
            "targets": targets(panel["queries"])}


def laid_out(rows):
    """Rows from top to bottom, the panels of each from left to right until the width is used up."""
    numbers = itertools.count(1)
    y = 0
    for title, panels in rows:
        yield {"id": next(numbers), "type": "row", "title": title, "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}}
        y += 1
        x = height = 0
        for panel in panels:
            if x + panel["width"] > WIDTH:
                x, y = 0, y + height
            yield panel_of(panel, next(numbers), x, y)
            x, height = x + panel["width"], panel["height"]
        y += height


def variable(name, query):
    return {"name": name, "label": name.capitalize(), "type": "query", "datasource": SOURCE_OF_DATA,
            "query": {"query": query, "refId": name}, "definition": query, "refresh": 2, "sort": 1,
            "multi": True, "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}}


VARIABLES = [
    {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}},
    variable("job", "label_values(onhook_build_info, job)"),
    variable("instance", 'label_values(onhook_build_info{job=~"$job"}, instance)'),
    variable("source", f"label_values(onhook_callbacks_total{{{GATEWAY}}}, source)"),
    variable("subscription", f"label_values(onhook_subscription_backlog_events{{{GATEWAY}}}, subscription)"),
]
ALERTS = {"name": "Alerts", "enable": True, "iconColor": BAD, "datasource": SOURCE_OF_DATA,
          "expr": 'ALERTS{alertname=~"Onhook.+",alertstate="firing",' + GATEWAY + "}",
          "titleFormat": "{{alertname}}", "textFormat": "{{instance}} {{source}} {{subscription}}"}
DASHBOARD = {
    "uid": "onhook", "title": "Onhook", "tags": ["onhook"], "schemaVersion": 39, "version": 1, "editable": True,
    "description": "The gateway for a contact centre's hang-up callbacks.",
    "time": {"from": "now-6h", "to": "now"}, "refresh": "30s", "timezone": "browser", "graphTooltip": 1,
    "templating": {"list": VARIABLES}, "annotations": {"list": [ALERTS]}, "links": [],
}


def text():
    """JSON with a line for each panel and variable, so that a change of one is a change of one line."""
    lines = ["{"]
    for key, value in DASHBOARD.items():
        lines.append(f"{json.dumps(key)}: {json.dumps(value)},")
    panels = [json.dumps(panel, ensure_ascii=False) for panel in laid_out(ROWS)]
    return "\n".join([*lines, '"panels": [', ",\n".join(panels), "]", "}"]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
