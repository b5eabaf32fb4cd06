//! Points 3 to 5, 7 and 20.

use std::{io, time::Duration};

use onhook_client::{
    Code, Error, Nack, Received, RedeliveryReason,
    testing::FakeGateway,
    v1::{self, ack_results},
};

use crate::fixture::{Handled, all_is_quiet, answering, delivery, gateway_with};

#[tokio::test(start_paused = true)]
async fn a_handler_that_returns_has_acknowledged() {
    let gateway = gateway_with(&["e-1", "e-2"]);
    let subscriber = gateway.client().subscribe("crm", answering([]));
    gateway.settlements(2).await;
    assert_eq!(gateway.acked(), ["e-1", "e-2"]);
    subscriber.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_before_its_handler_returned() {
    let gateway = gateway_with(&["e-1"]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    let (_, answer) = handled.next().await;
    assert_eq!(gateway.acked(), [""; 0]);
    answer.send(Ok(())).unwrap();
    assert_eq!(gateway.settlements(1).await[0].outcome, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_gives_the_event_back_with_its_words() {
    let gateway = gateway_with(&["e-1"]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    let (first, answer) = handled.next().await;
    assert_eq!((first.attempt(), first.redelivery_reason()), (1, None));
    answer.send(Err(io::Error::other("the disk is full").into())).unwrap();
    let (second, _) = handled.next().await;
    assert_eq!((second.attempt(), second.redelivery_reason()), (2, Some(RedeliveryReason::Nacked)));
    let settlement = &gateway.settlements(1).await[0];
    assert_eq!(settlement.outcome, Err(Nack::retry("the disk is full")));
}

#[tokio::test(start_paused = true)]
async fn a_handler_asks_for_more_than_a_retry() {
    let gateway = gateway_with(&["e-1"]);
    let asked = [
        Nack::retry("later").after(Duration::from_secs(60)),
        Nack::release("not here"),
        Nack::skip("not for us"),
    ];
    let _subscriber = gateway.client().subscribe("crm", answering(asked.clone().map(Err)));
    let outcomes = gateway.settlements(3).await.into_iter().map(|settlement| settlement.outcome);
    assert_eq!(outcomes.collect::<Vec<_>>(), asked.map(Err));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_has_failed() {
    let gateway = gateway_with(&["e-1", "e-2"]);
    let _subscriber = gateway.client().subscribe("crm", async |received: Received| {
        assert!(received.attempt() > 1, "no luck");
        Ok(())
    });
    let settlements = gateway.settlements(4).await;
    let panic = Err(Nack::retry("the handler panicked: no luck"));
    assert_eq!(settlements.iter().filter(|settlement| settlement.outcome == panic).count(), 2);
    assert_eq!(gateway.acked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_is_settled_by_its_methods_and_each_is_confirmed() {
    let gateway = gateway_with(&["e-1", "e-2", "e-3", "e-4"]);
    let mut subscription = gateway.client().subscription("crm").open();
    delivery(&mut subscription).await.ack().await.unwrap();
    delivery(&mut subscription).await.park("no such customer").await.unwrap();
    delivery(&mut subscription).await.skip("a test call").await.unwrap();
    let delay = Duration::from_secs(5);
    delivery(&mut subscription).await.retry_after(delay, "later").await.unwrap();
    let again = delivery(&mut subscription).await;
    assert_eq!((again.event().event_id(), again.attempt()), ("e-4", 2));
    again.release("not here").await.unwrap();
    let released = delivery(&mut subscription).await;
    assert_eq!(released.redelivery_reason(), Some(RedeliveryReason::Released));
    assert_eq!((gateway.acked(), gateway.parked()), (vec!["e-1".into()], vec!["e-2".into()]));
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_is_sent_without_awaiting_the_answer() {
    let gateway = gateway_with(&["e-1"]);
    let mut subscription = gateway.client().subscription("crm").open();
    drop(delivery(&mut subscription).await.ack());
    assert_eq!(gateway.settlements(1).await[0].outcome, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_is_dropped_is_given_back() {
    let gateway = gateway_with(&["e-1"]);
    let mut subscription = gateway.client().subscription("crm").open();
    drop(delivery(&mut subscription).await);
    assert_eq!(delivery(&mut subscription).await.attempt(), 2);
    assert_eq!(gateway.nacked(), ["e-1"]);
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_whose_answer_was_lost_is_sent_again_and_its_event_not_handled_again() {
    let gateway = gateway_with(&["e-1"]);
    let mut subscription = gateway.client().subscription("crm").open();
    let event = delivery(&mut subscription).await;
    gateway.hold_answers(true);
    let confirmation = event.ack();
    gateway.break_connections();
    gateway.opened_streams(2).await;
    gateway.hold_answers(false);
    gateway.break_connections();
    confirmation.await.unwrap();
    assert_eq!(gateway.acked(), ["e-1"]);
    gateway.publish_id("e-2");
    assert_eq!(delivery(&mut subscription).await.event().event_id(), "e-2");
}

#[tokio::test(start_paused = true)]
async fn what_else_was_to_be_said_of_a_lost_stream_is_given_up() {
    let gateway = gateway_with(&["e-1"]);
    let mut subscription = gateway.client().subscription("crm").open();
    let event = delivery(&mut subscription).await;
    gateway.hold_answers(true);
    let confirmation = event.park("no such customer");
    gateway.break_connections();
    assert!(matches!(confirmation.await, Err(Error::Unconfirmed)));
    let again = delivery(&mut subscription).await;
    assert_eq!(again.redelivery_reason(), Some(RedeliveryReason::StreamLost));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_now_is_asked_again() {
    for park in [false, true] {
        let gateway = gateway_with(&["e-1"]);
        let mut subscription = gateway.client().subscription("crm").open();
        let event = delivery(&mut subscription).await;
        gateway.answer_next(ack_results::Result::RetryLater);
        let confirmation = if park { event.park("no") } else { event.ack() };
        confirmation.await.unwrap();
        assert_eq!(gateway.settlements(1).await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_settlement_says_why() {
    let cases = [
        (ack_results::Result::Stale, Code::Aborted),
        (ack_results::Result::Unknown, Code::NotFound),
    ];
    for (result, code) in cases {
        let gateway = gateway_with(&["e-1"]);
        let mut subscription = gateway.client().subscription("crm").open();
        let event = delivery(&mut subscription).await;
        gateway.answer_next(result);
        assert_eq!(event.retry("later").await.unwrap_err().code(), code);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_being_handled_is_not_handled_twice_and_settles_by_the_newest_delivery() {
    let gateway = gateway_with(&["e-1"]);
    let mut handled = Handled::by(gateway.client().subscription("crm").concurrency(2));
    let (_, answer) = handled.next().await;
    gateway.expire("e-1");
    gateway.publish_id("e-2");
    let (other, _) = handled.next().await;
    assert_eq!(other.event().event_id(), "e-2");
    answer.send(Ok(())).unwrap();
    let settlement = &gateway.settlements(1).await[0];
    assert_eq!((settlement.event_id.as_str(), settlement.attempt), ("e-1", 2));
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_handled_once_and_settles_by_the_newest_delivery() {
    let gateway = gateway_with(&["e-1", "e-2"]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    let (_, answer) = handled.next().await;
    gateway.expire("e-2");
    gateway.publish_id("e-3");
    all_is_quiet().await;
    answer.send(Ok(())).unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let (received, answer) = handled.next().await;
        seen.push((received.event().event_id().to_owned(), received.attempt()));
        answer.send(Ok(())).unwrap();
    }
    assert_eq!(seen, [("e-2".to_owned(), 2), ("e-3".to_owned(), 1)]);
    gateway.settlements(3).await;
    assert!(handled.is_idle());
}

#[tokio::test(start_paused = true)]
async fn the_trace_context_reaches_the_handler() {
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let gateway = FakeGateway::start();
    gateway.publish(v1::ReleaseEvent {
        event_id: "e-1".to_owned(),
        traceparent: Some(traceparent.to_owned()),
        ..Default::default()
    });
    gateway.publish_id("e-2");
    let mut subscription = gateway.client().subscription("crm").open();
    let traced = delivery(&mut subscription).await.trace_context();
    assert_eq!(traced.get("traceparent").map(String::as_str), Some(traceparent));
    assert!(delivery(&mut subscription).await.trace_context().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_deliveries_may_go_from_task_to_task_and_back() {
    let gateway = gateway_with(&[]);
    let mut subscription = gateway.client().subscription("crm").open();
    all_is_quiet().await;
    let moment = Duration::from_millis(1);
    assert!(tokio::time::timeout(moment, subscription.next()).await.is_err());
    let other = tokio::spawn(async move {
        assert!(tokio::time::timeout(moment, subscription.next()).await.is_err());
        subscription
    });
    let mut subscription = other.await.unwrap();
    let waiting = async { delivery(&mut subscription).await.ack().await };
    let publishing = async {
        all_is_quiet().await;
        gateway.publish_id("e-1");
        Ok(())
    };
    tokio::try_join!(waiting, publishing).unwrap();
}
