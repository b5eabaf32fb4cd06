//! Points 8 and 9.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use onhook_client::Received;
use tokio::time::sleep;

use crate::fixture::{Handled, delivery, gateway_with};

#[tokio::test(start_paused = true)]
async fn no_more_is_here_than_may_be_outstanding() {
    let gateway = gateway_with(&["e-1", "e-2", "e-3"]);
    let client = gateway.client();
    let mut slow = client.subscription("crm").max_outstanding_events(1).open();
    let first = delivery(&mut slow).await;
    // The others are another consumer's, who is not delayed.
    let mut quick = client.subscription("crm").open();
    delivery(&mut quick).await.ack().await.unwrap();
    delivery(&mut quick).await.ack().await.unwrap();
    first.ack().await.unwrap();
    assert_eq!(gateway.acked(), ["e-2", "e-3", "e-1"]);
}

#[tokio::test(start_paused = true)]
async fn as_many_handlers_run_at_once_as_is_said() {
    for (concurrency, expected) in [(1, 1), (3, 3)] {
        let gateway = gateway_with(&["e-1", "e-2", "e-3", "e-4", "e-5", "e-6"]);
        let running = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let (run, seen) = (running.clone(), most.clone());
        let builder = gateway.client().subscription("crm").concurrency(concurrency);
        let _subscriber = builder.handle(move |_: Received| {
            let (run, seen) = (run.clone(), seen.clone());
            async move {
                seen.fetch_max(run.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_secs(1)).await;
                run.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        });
        gateway.settlements(6).await;
        assert_eq!(most.load(Ordering::SeqCst), expected);
        if concurrency == 1 {
            assert_eq!(gateway.acked(), ["e-1", "e-2", "e-3", "e-4", "e-5", "e-6"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_deliveries_and_lets_go_on_what_is_here() {
    let gateway = gateway_with(&["e-1"]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    let (_, answer) = handled.next().await;
    handled.handle.pause();
    answer.send(Ok(())).unwrap();
    gateway.settlements(1).await;
    gateway.publish_id("e-2");
    sleep(Duration::from_secs(60)).await;
    assert!(handled.is_idle());
    handled.handle.resume();
    assert_eq!(handled.next().await.0.event().event_id(), "e-2");
    assert_eq!(gateway.opened_streams(1).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_over_a_lost_connection() {
    let gateway = gateway_with(&[]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    handled.states.until("streaming").await;
    handled.handle.pause();
    gateway.break_connections();
    handled.states.until("streaming").await;
    sleep(Duration::from_secs(1)).await;
    gateway.publish_id("e-1");
    sleep(Duration::from_secs(60)).await;
    assert!(handled.is_idle());
    handled.handle.resume();
    assert_eq!(handled.next().await.0.event().event_id(), "e-1");
}
