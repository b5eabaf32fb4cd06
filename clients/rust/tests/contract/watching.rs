//! Points 17, 18 and 22.

use std::{error::Error as _, time::Duration};

use onhook_client::{
    CancellationToken, Code, Error, Nack, StartPosition, Watch,
    testing::{FakeGateway, MadeDelivery},
    v1,
};

use crate::fixture::{States, gateway_with};

async fn next_id(watch: &mut Watch) -> String {
    let watched = watch.try_next().await.unwrap().expect("it goes on");
    watched.event().event_id().to_owned()
}

fn earliest(gateway: &FakeGateway) -> Watch {
    gateway.client().watch().position(StartPosition::Earliest).open()
}

#[tokio::test(start_paused = true)]
async fn a_lost_watch_is_read_on_behind_the_last_event() {
    let gateway = gateway_with(&["e-1", "e-2"]);
    let (mut states, hook) = States::new();
    let mut watch =
        gateway.client().watch().position(StartPosition::Earliest).on_state(hook).open();
    assert_eq!(next_id(&mut watch).await, "e-1");
    gateway.break_connections();
    assert_eq!(next_id(&mut watch).await, "e-2");
    states.until("backing_off").await;
    gateway.publish_id("e-3");
    assert_eq!(next_id(&mut watch).await, "e-3");
    gateway.end_streams(Code::Unavailable, "planned");
    gateway.publish_id("e-4");
    assert_eq!(next_id(&mut watch).await, "e-4");
}

#[tokio::test(start_paused = true)]
async fn the_place_can_be_kept_and_gone_on_from() {
    let gateway = gateway_with(&["e-1", "e-2", "e-3"]);
    let mut watch = earliest(&gateway);
    assert_eq!(watch.cursor(), None);
    next_id(&mut watch).await;
    next_id(&mut watch).await;
    let cursor = watch.cursor().unwrap().to_owned();
    drop(watch);
    let mut later = gateway.client().watch().after_cursor(cursor).open();
    assert_eq!(next_id(&mut later).await, "e-3");
}

#[tokio::test(start_paused = true)]
async fn a_gap_ends_the_watch_and_says_how_large_it_is() {
    let gateway = gateway_with(&["e-1", "e-2", "e-3", "e-4"]);
    let mut watch = earliest(&gateway);
    next_id(&mut watch).await;
    let cursor = watch.cursor().unwrap().to_owned();
    gateway.forget(3);
    let mut later = gateway.client().watch().after_cursor(cursor).open();
    let error = later.try_next().await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::OutOfRange, Some("CURSOR_EXPIRED")));
    let Error::Gap(gap) = error else { panic!("{error}") };
    assert_eq!(gap.events_lost(), Some(2));
    let oldest = gap.oldest_cursor().unwrap().to_owned();
    assert!(later.next().await.is_none());
    let mut beyond = gateway.client().watch().after_cursor(oldest).open();
    assert_eq!(next_id(&mut beyond).await, "e-4");
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_where_it_is_told_to() {
    let gateway = gateway_with(&["e-1"]);
    let watch = gateway.client().watch().position(StartPosition::Earliest);
    let mut to_the_end = watch.stop_at_end(true).open();
    assert_eq!(next_id(&mut to_the_end).await, "e-1");
    assert!(to_the_end.next().await.is_none());

    let token = CancellationToken::new();
    let mut until_cancelled = gateway.client().watch().stop_on(token.clone()).open();
    token.cancel();
    assert!(until_cancelled.next().await.is_none());

    let mut until_stopped = earliest(&gateway);
    until_stopped.stop();
    assert!(until_stopped.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_on_a_dead_connection_gets_another() {
    let gateway = gateway_with(&["e-1"]);
    let mut watch = earliest(&gateway);
    next_id(&mut watch).await;
    gateway.deaden_connections();
    gateway.publish_id("e-2");
    assert_eq!(next_id(&mut watch).await, "e-2");
    assert_eq!(gateway.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_event_is_looked_up() {
    let gateway = gateway_with(&["e-1"]);
    let client = gateway.client();
    let stored = client.get("e-1").await.unwrap().expect("it is kept");
    assert_eq!(stored.event().event_id(), "e-1");
    assert_eq!(client.get("e-2").await.unwrap(), None);
    // The connection that there was is of no use any more.
    gateway.break_connections();
    assert!(client.get("e-1").await.unwrap().is_some());
    gateway.set_unreachable(true);
    gateway.break_connections();
    assert_eq!(client.get("e-1").await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_on_a_dead_connection_ends_in_time() {
    let gateway = gateway_with(&["e-1"]);
    let client = gateway.client_builder().lookup_timeout(Duration::from_secs(3)).build().unwrap();
    client.connect().await.unwrap();
    gateway.deaden_connections();
    assert_eq!(client.get("e-1").await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn a_listing_goes_over_all_pages() {
    let gateway = FakeGateway::start();
    for number in 1..=7 {
        let call = if number == 4 { "c-2" } else { "c-1" };
        gateway.publish(v1::ReleaseEvent {
            event_id: format!("e-{number}"),
            call_serial_no: Some(call.to_owned()),
            ..Default::default()
        });
    }
    let list = gateway.client().list().call_serial_no("c-1").page_size(2);
    let listed = list.collect().await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|stored| stored.event().event_id()).collect();
    assert_eq!(ids, ["e-1", "e-2", "e-3", "e-5", "e-6", "e-7"]);
}

#[tokio::test]
async fn a_made_delivery_tells_how_it_was_settled() {
    let made = MadeDelivery::of(v1::ReleaseEvent::default()).attempt(3);
    let delivery = made.delivery();
    assert_eq!((delivery.attempt(), made.outcome()), (3, None));
    delivery.extend(Duration::from_secs(60)).await.unwrap();
    delivery.park("no such customer").await.unwrap();
    assert_eq!(made.outcome(), Some(Err(Nack::park("no such customer"))));
    assert_eq!(made.extensions(), [Duration::from_secs(60)]);
}

#[tokio::test]
async fn an_error_of_the_system_is_the_source_of_the_library_s() {
    let client = onhook_client::Client::new("unix:/nonexistent/socket").unwrap();
    let error = client.connect().await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.is_retryable() && error.source().is_some());
}
