//! Points 10 to 15 and 21.

use std::{env, fs, process, time::Duration};

use onhook_client::{Code, v1::go_away::Reason};
use tokio::time::{Instant, sleep};

use crate::fixture::{Handled, answering, delivery, gateway_with};

const DRAIN: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn a_lost_stream_is_opened_again_and_the_hook_is_told() {
    let gateway = gateway_with(&[]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    assert_eq!(handled.states.names(2).await, ["connecting", "streaming"]);
    gateway.end_streams(Code::Unavailable, "the disk is slow");
    let backing_off = handled.states.next().await;
    assert_eq!(backing_off.error().unwrap().code(), Code::Unavailable);
    assert!(backing_off.error().unwrap().to_string().contains("the disk is slow"));
    assert_eq!(handled.states.names(2).await, ["connecting", "streaming"]);
    gateway.publish_id("e-1");
    assert_eq!(handled.next().await.0.event().event_id(), "e-1");
    handled.handle.stop_within(Duration::ZERO).await.unwrap();
    assert!(handled.states.until("stopped").await.error().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_away_is_waited_for() {
    let gateway = gateway_with(&["e-1"]);
    gateway.set_unreachable(true);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    for _ in 0..20 {
        let error = handled.states.until("backing_off").await.error().unwrap().clone();
        assert_eq!(error.code(), Code::Unavailable);
    }
    gateway.set_unreachable(false);
    assert_eq!(handled.next().await.0.event().event_id(), "e-1");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_outlives_its_stream_is_acknowledged_on_the_next() {
    let gateway = gateway_with(&["e-1"]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    let (_, answer) = handled.next().await;
    gateway.break_connections();
    gateway.opened_streams(2).await;
    answer.send(Ok(())).unwrap();
    assert_eq!(gateway.settlements(1).await[0].event_id, "e-1");
    handled.handle.stop().await.unwrap();
    assert!(handled.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_silent_for_two_heartbeats_is_given_up() {
    let gateway = gateway_with(&[]);
    gateway.set_heartbeat_interval(Duration::from_secs(5));
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    handled.states.until("streaming").await;
    // It lives on what it hears.
    sleep(Duration::from_secs(60)).await;
    assert_eq!(gateway.connections(), 1);
    gateway.deaden_connections();
    let dead = Instant::now();
    handled.states.until("streaming").await;
    assert!(dead.elapsed() <= Duration::from_secs(11), "{:?}", dead.elapsed());
    assert_eq!(gateway.connections(), 2);
    gateway.publish_id("e-1");
    assert_eq!(handled.next().await.0.event().event_id(), "e-1");
}

#[tokio::test(start_paused = true)]
async fn go_away_opens_the_replacement_while_the_old_stream_finishes() {
    for reason in [Reason::MaxAge, Reason::Shutdown] {
        let gateway = gateway_with(&["e-1"]);
        let mut handled = Handled::by(gateway.client().subscription("crm").concurrency(2));
        let (_, answer) = handled.next().await;
        gateway.go_away(reason, DRAIN);
        gateway.opened_streams(2).await;
        gateway.publish_id("e-2");
        assert_eq!(handled.next().await.0.event().event_id(), "e-2");
        // A certificate that changed is shown by the new connection.
        assert_eq!(gateway.connections(), 2);
        answer.send(Ok(())).unwrap();
        assert_eq!(gateway.open_streams_at_most(1).await, 1);
        assert_eq!(gateway.acked(), ["e-1"]);
        let states = handled.states.names(4).await;
        assert_eq!(states, ["connecting", "streaming", "connecting", "streaming"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_sends_each_stream_away_at_once_is_not_run_against() {
    let gateway = gateway_with(&[]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    for _ in 0..8 {
        handled.states.until("streaming").await;
        gateway.go_away(Reason::Shutdown, DRAIN);
    }
    let before = Instant::now();
    handled.states.until("streaming").await;
    assert!(before.elapsed() > Duration::from_secs(1), "{:?}", before.elapsed());
    // What brings something is replaced at once again.
    gateway.publish_id("e-1");
    assert!(handled.next().await.1.send(Ok(())).is_ok());
    gateway.settlements(1).await;
    let before = Instant::now();
    gateway.go_away(Reason::Shutdown, DRAIN);
    handled.states.until("streaming").await;
    assert!(before.elapsed() < Duration::from_millis(50), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_outlives_the_drain_deadline_is_acknowledged_on_the_replacement() {
    let gateway = gateway_with(&["e-1"]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    let (_, answer) = handled.next().await;
    gateway.go_away(Reason::Shutdown, DRAIN);
    let before = Instant::now();
    assert_eq!(gateway.open_streams_at_most(1).await, 0);
    gateway.opened_streams(2).await;
    assert_eq!(gateway.open_streams_at_most(1).await, 1);
    assert!(before.elapsed() < DRAIN);
    answer.send(Ok(())).unwrap();
    assert_eq!(gateway.settlements(1).await.len(), 1);
    assert!(handled.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_deleted_ends() {
    let gateway = gateway_with(&[]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    handled.states.until("streaming").await;
    gateway.go_away(Reason::SubscriptionDeleted, DRAIN);
    assert_eq!(handled.handle.wait().await.unwrap_err().code(), Code::NotFound);
    let stopped = handled.states.until("stopped").await;
    assert_eq!(stopped.error().unwrap().code(), Code::NotFound);
}

#[tokio::test(start_paused = true)]
async fn where_repeating_cannot_help_it_ends_with_the_gateway_s_words() {
    let codes = [
        Code::NotFound,
        Code::InvalidArgument,
        Code::FailedPrecondition,
        Code::PermissionDenied,
        Code::Unauthenticated,
        Code::Unimplemented,
    ];
    for code in codes {
        let gateway = gateway_with(&[]);
        gateway.refuse(code, "because", "A_REASON");
        let mut subscription = gateway.client().subscription("crm").open();
        let error = subscription.try_next().await.unwrap_err();
        assert_eq!((error.code(), error.reason()), (code, Some("A_REASON")));
        assert_eq!(error.status().unwrap().message(), "because");
        assert!(subscription.next().await.is_none());
        assert_eq!(subscription.wait().await.unwrap_err().code(), code);
    }
}

#[tokio::test(start_paused = true)]
async fn everything_else_is_repeated() {
    let codes = [
        Code::Unavailable,
        Code::Cancelled,
        Code::ResourceExhausted,
        Code::Aborted,
        Code::Internal,
        Code::Unknown,
        Code::DataLoss,
        Code::DeadlineExceeded,
        Code::AlreadyExists,
        Code::OutOfRange,
    ];
    let gateway = gateway_with(&["e-1"]);
    codes.iter().for_each(|code| gateway.refuse(*code, "not now", ""));
    let mut subscription = gateway.client().subscription("crm").open();
    delivery(&mut subscription).await.ack().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_was_let_in_before_is_patient_when_it_is_not_known_any_more() {
    let token = env::temp_dir().join(format!("onhook-client-token-{}", process::id()));
    fs::write(&token, "secret\n").unwrap();
    let gateway = gateway_with(&[]);
    let client = gateway.client_builder().token_file(&token).build().unwrap();
    let mut handled = Handled::by(client.subscription("crm"));
    handled.states.until("streaming").await;
    gateway.refuse(Code::Unauthenticated, "who are you?", "");
    gateway.end_streams(Code::Unauthenticated, "your token has expired");
    handled.states.until("streaming").await;
    // Until it has been so for too long.
    (0..100).for_each(|_| gateway.refuse(Code::Unauthenticated, "who are you?", ""));
    let before = Instant::now();
    gateway.end_streams(Code::Unauthenticated, "your token has expired");
    let error = handled.handle.wait().await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    assert!(error.metadata("shown").unwrap().contains("token"));
    assert!(before.elapsed() >= Duration::from_secs(120));
    fs::remove_file(&token).unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_shows_nothing_is_not_patient() {
    let gateway = gateway_with(&[]);
    let mut handled = Handled::by(gateway.client().subscription("crm"));
    handled.states.until("streaming").await;
    gateway.end_streams(Code::Unauthenticated, "who are you?");
    let error = handled.handle.wait().await.unwrap_err();
    assert_eq!((error.code(), error.metadata("shown")), (Code::Unauthenticated, Some("nothing")));
}

#[tokio::test(start_paused = true)]
async fn options_that_cannot_be_used_end_it_before_anything_is_sent() {
    let gateway = gateway_with(&[]);
    let client = gateway.client_builder().token_file("/nonexistent/token").build().unwrap();
    let subscriber = client.subscribe("crm", answering([]));
    let error = subscriber.wait().await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::FailedPrecondition, Some("TOKEN_FILE")));
    let refused = onhook_client::Client::builder("gateway.example.org:50051")
        .token_file("/nonexistent/token")
        .build();
    assert_eq!(refused.unwrap_err().reason(), Some("CLEARTEXT_TOKEN"));
}
