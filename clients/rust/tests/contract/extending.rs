//! Point 6.

use std::time::Duration;

use onhook_client::{Received, testing::FakeGateway, v1::ack_results};
use tokio::time::sleep;

use crate::fixture::{delivery, gateway_with};

const DEADLINE: Duration = Duration::from_secs(30);

fn gateway() -> FakeGateway {
    let gateway = gateway_with(&[]);
    gateway.set_ack_deadline(DEADLINE);
    gateway.publish_id("e-1");
    gateway
}

/// How often its deadline was extended while a handler took so long.
async fn extensions(gateway: &FakeGateway, max_extension: u64, handling: u64) -> usize {
    let builder = gateway.client().subscription("crm");
    let builder = builder.max_extension(Duration::from_secs(max_extension));
    let subscriber = builder.handle(move |_: Received| async move {
        sleep(Duration::from_secs(handling)).await;
        Ok(())
    });
    gateway.settlements(1).await;
    subscriber.stop().await.unwrap();
    gateway.extensions(0).await.len()
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_keeps_its_event() {
    let gateway = gateway();
    assert_eq!(extensions(&gateway, 3600, 50).await, 3);
    let extension = &gateway.extensions(1).await[0];
    assert_eq!((extension.event_id.as_str(), extension.deadline), ("e-1", DEADLINE));
}

#[tokio::test(start_paused = true)]
async fn the_longest_duration_there_is_means_without_end() {
    let gateway = gateway();
    let builder = gateway.client().subscription("crm").max_extension(Duration::MAX);
    let mut open = builder.grace(Duration::MAX).open();
    let received = open.next().await.unwrap().unwrap();
    received.extend(Duration::MAX).await.unwrap();
    let settled = received.ack();
    settled.await.unwrap();
    open.stop_within(Duration::MAX).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_in_time_is_not_extended() {
    assert_eq!(extensions(&gateway(), 3600, 14).await, 0);
}

#[tokio::test(start_paused = true)]
async fn extensions_end_at_their_upper_bound() {
    assert_eq!(extensions(&gateway(), 31, 300).await, 2);
    assert_eq!(extensions(&gateway(), 0, 300).await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_extended_too() {
    let gateway = gateway();
    gateway.publish_id("e-2");
    extensions(&gateway, 3600, 20).await;
    let extended = gateway.extensions(2).await;
    assert!(extended.iter().any(|extension| extension.event_id == "e-2"));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_by_now_is_not_extended_again() {
    for result in [ack_results::Result::Stale, ack_results::Result::Unknown] {
        let gateway = gateway();
        gateway.answer_next(result);
        assert_eq!(extensions(&gateway, 3600, 300).await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_extended_now_is_extended_soon() {
    let gateway = gateway();
    gateway.answer_next(ack_results::Result::RetryLater);
    assert_eq!(extensions(&gateway, 3600, 20).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_explicit_extension_is_confirmed_and_not_shortened() {
    let gateway = gateway();
    let mut subscription = gateway.client().subscription("crm").open();
    let event = delivery(&mut subscription).await;
    event.extend(Duration::from_secs(600)).await.unwrap();
    sleep(Duration::from_secs(300)).await;
    let deadlines = gateway.extensions(1).await.into_iter().map(|extension| extension.deadline);
    assert_eq!(deadlines.collect::<Vec<_>>(), [Duration::from_secs(600)]);
    event.ack().await.unwrap();
}
