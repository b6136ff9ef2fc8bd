//! The dashboard for Grafana shows what there is: each metric and each event that it asks for is one that the relay has.

mod door;

use door::Door;
use serde_json::Value;
use std::collections::BTreeSet;

const DASHBOARD: &str = include_str!("../../packaging/grafana/switchhook-relay.json");
const PREFIX: &str = "switchhook_";

/// What the panels and the list of relays ask Prometheus.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let panels = list(&dashboard["panels"]).into_iter().flat_map(|panel| list(&panel["targets"]));
    let expressions = panels.map(|target| target["expr"].clone());
    let variables = list(&dashboard["templating"]["list"]).into_iter().map(|variable| variable["definition"].clone());
    expressions.chain(variables).filter_map(|query| query.as_str().map(str::to_owned)).collect()
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The metrics of a query.
fn metrics(query: &str) -> impl Iterator<Item = &str> {
    query.split(|letter| !is_name(letter)).filter(|word| word.starts_with(PREFIX))
}

/// The events that a query chooses.
fn events(query: &str) -> Vec<&str> {
    let after =
        |operator: &str| query.split(operator).skip(1).filter_map(|rest| rest.split('"').next()).collect::<Vec<_>>();
    let chosen = [after("event=\""), after("event=~\"")].concat();
    chosen.into_iter().flat_map(|list| list.split('|')).collect()
}

/// The name under which a metric is declared: sums and counts belong to a summary.
fn family(metric: &str) -> &str {
    metric.strip_suffix("_sum").or_else(|| metric.strip_suffix("_count")).unwrap_or(metric)
}

#[tokio::test]
async fn the_dashboard_asks_for_nothing_that_the_relay_does_not_have() {
    let door = Door::open().await;
    let page = door::http(&door, "/metrics").await;
    let declared: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let queries = queries();

    assert!(queries.len() > 10, "{queries:?}");
    for query in &queries {
        assert!(metrics(query).next().is_some(), "{query} asks for no metric of ours");
        for metric in metrics(query) {
            assert!(declared.contains(family(metric)), "{metric} of {query} is not in {declared:?}");
        }
        for event in events(query) {
            let row = format!("switchhook_events_total{{event=\"{event}\"}} ");
            assert!(page.contains(&row), "there is no event {event}, which {query} chooses");
        }
    }
    door.close().await;
}

#[tokio::test]
async fn the_dashboard_shows_every_metric_that_there_is() {
    let door = Door::open().await;
    let page = door::http(&door, "/metrics").await;
    let queries = queries();
    let shown: BTreeSet<&str> = queries.iter().flat_map(|query| metrics(query)).map(family).collect();

    let declared = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let missing: Vec<&str> = declared.filter(|metric| !shown.contains(metric)).collect();

    assert!(missing.is_empty(), "not in the dashboard: {missing:?}");
    door.close().await;
}
