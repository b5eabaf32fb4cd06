//! Point 16.

use std::time::Duration;

use onhook_client::{CancellationToken, Error, Nack};

use crate::fixture::{Handled, all_is_quiet, answering, delivery, gateway_with};

fn released(reason: &str) -> Result<(), Nack> {
    Err(Nack::release(reason))
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_is_handled_and_releases_what_is_not() {
    let gateway = gateway_with(&["e-1", "e-2", "e-3"]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    let (_, answer) = handled.next().await;
    handled.handle.request_stop();
    let settlements = gateway.settlements(2).await;
    for (settlement, event_id) in settlements.iter().zip(["e-2", "e-3"]) {
        assert_eq!(settlement.event_id, event_id);
        assert_eq!(settlement.outcome, released("the consumer stops"));
    }
    answer.send(Ok(())).unwrap();
    handled.handle.wait().await.unwrap();
    assert_eq!(gateway.acked(), ["e-1"]);
    // Half-closed, and its OK taken; and none of what was released came here again.
    assert_eq!(gateway.open_streams_at_most(0).await, 1);
    assert_eq!(gateway.settlements(0).await.len(), 3);
    assert!(handled.is_idle());
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_still_holds_after_the_grace_is_released() {
    let gateway = gateway_with(&["e-1"]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    let (_, _answer) = handled.next().await;
    handled.handle.stop_within(Duration::from_secs(5)).await.unwrap();
    let outcome = &gateway.settlements(1).await[0].outcome;
    assert_eq!(*outcome, released("the consumer stops, and its handler did not end in time"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_says_how_many_acknowledgements_are_not_confirmed() {
    let gateway = gateway_with(&["e-1", "e-2"]);
    let mut subscription = gateway.client().subscription("crm").open();
    let (first, second) = (delivery(&mut subscription).await, delivery(&mut subscription).await);
    gateway.hold_answers(true);
    let confirmations = (first.ack(), second.ack());
    let stopped = subscription.stop().await;
    assert!(matches!(stopped, Err(Error::UnconfirmedAcknowledgements(2))), "{stopped:?}");
    assert!(matches!(confirmations.0.await, Err(Error::Unconfirmed)));
    assert!(matches!(confirmations.1.await, Err(Error::Unconfirmed)));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_outlives_its_stream_after_a_stop_is_acknowledged_on_the_next() {
    let gateway = gateway_with(&["e-1"]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    let (_, answer) = handled.next().await;
    handled.handle.request_stop();
    gateway.break_connections();
    gateway.opened_streams(2).await;
    answer.send(Ok(())).unwrap();
    handled.handle.wait().await.unwrap();
    assert_eq!(gateway.acked(), ["e-1"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_a_stop_is_released_though_a_handler_still_runs() {
    let gateway = gateway_with(&["e-1"]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    let (_, answer) = handled.next().await;
    handled.handle.request_stop();
    gateway.break_connections();
    gateway.publish_id("e-2");
    // The next stream may bring it before the gateway has read that it is to pause.
    gateway.opened_streams(2).await;
    answer.send(Ok(())).unwrap();
    handled.handle.wait().await.unwrap();
    assert_eq!(gateway.acked(), ["e-1"]);
    assert!(handled.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_the_gateway_is_away_does_not_wait_for_it() {
    let gateway = gateway_with(&[]);
    gateway.set_unreachable(true);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    handled.states.until("backing_off").await;
    handled.handle.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_cancelled_stops_it_and_the_stream_of_deliveries_ends() {
    let gateway = gateway_with(&["e-1"]);
    let token = CancellationToken::new();
    let mut subscription = gateway.client().subscription("crm").stop_on(token.clone()).open();
    let event = delivery(&mut subscription).await;
    token.cancel();
    assert!(subscription.next().await.is_none());
    event.ack().await.unwrap();
    subscription.wait().await.unwrap();
    assert_eq!(gateway.acked(), ["e-1"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_stops() {
    let gateway = gateway_with(&[]);
    let subscriber = gateway.client().subscribe("crm", answering([]));
    let subscription = gateway.client().subscription("archive").open();
    gateway.opened_streams(2).await;
    all_is_quiet().await;
    drop((subscriber, subscription));
    assert_eq!(gateway.open_streams_at_most(0).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_is_dropped_after_a_stop_is_released() {
    let gateway = gateway_with(&["e-1"]);
    let mut subscription = gateway.client().subscription("crm").open();
    let event = delivery(&mut subscription).await;
    subscription.request_stop();
    drop(event);
    subscription.wait().await.unwrap();
    assert_eq!(gateway.settlements(1).await[0].outcome, released("the consumer stops"));
}
