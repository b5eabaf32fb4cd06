use std::{sync::Arc, task::Waker, time::Duration};

use tokio::sync::Notify;

use super::*;
use crate::v1::{ReleaseEvent, ack_results, subscribe_request::Request};

const STREAM: StreamId = 1;
const DEADLINE: Duration = Duration::from_secs(30);

/// A ledger with one stream that is open.
struct Fixture {
    ledger: Ledger,
    now: Instant,
}

impl Fixture {
    fn new() -> Self {
        let mut ledger = Ledger::new(Duration::from_secs(3600));
        ledger.add_stream(STREAM, Arc::new(Notify::new()));
        ledger.stream_opened(STREAM);
        Self { ledger, now: Instant::now() }
    }

    fn deliver(&mut self, numbers: std::ops::Range<usize>) {
        let works = numbers.map(|number| work(number, 1)).collect();
        self.ledger.deliver(STREAM, works, self.now);
    }

    fn begin(&mut self) -> Option<String> {
        let mut context = Context::from_waker(Waker::noop());
        match self.ledger.poll_begin(&mut context) {
            Poll::Ready(work) => work.map(|work| work.event.event_id().to_owned()),
            Poll::Pending => None,
        }
    }

    fn ack(&mut self, numbers: std::ops::Range<usize>) {
        for number in numbers {
            self.begin();
            self.ledger.settle(&format!("e-{number}"), Settlement::Ack, None);
        }
    }

    fn says(&mut self) -> Option<Request> {
        match self.ledger.next_request(STREAM, self.now)? {
            Outgoing::Send(request) => request.request,
            Outgoing::HalfClose => panic!("half-closed"),
        }
    }

    fn says_ack_of(&mut self) -> (u64, usize) {
        match self.says() {
            Some(Request::Ack(ack)) => (ack.request_id, ack.delivery_ids.len()),
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, request_id: u64) {
        let results = v1::AckResults { request_id, exceptions: Vec::new() };
        self.ledger.answer(STREAM, results, self.now);
    }
}

fn work(number: usize, attempt: i32) -> Work {
    let event = ReleaseEvent { event_id: format!("e-{number}"), ..Default::default() };
    Work {
        event: event.into(),
        delivery_id: format!("d-{number}-{attempt}").into(),
        cursor: String::new(),
        attempt,
        redelivery_reason: 0,
        ack_deadline: Some(DEADLINE),
    }
}

#[test]
fn an_acknowledgement_leaves_at_once_and_others_gather_while_it_is_under_way() {
    let mut fixture = Fixture::new();
    fixture.deliver(0..10);
    fixture.ack(0..1);
    let (first, count) = fixture.says_ack_of();
    assert_eq!(count, 1);
    fixture.ack(1..10);
    assert!(fixture.says().is_none());
    fixture.answer(first);
    assert_eq!(fixture.says_ack_of().1, 9);
}

#[test]
fn a_full_batch_does_not_wait() {
    let mut fixture = Fixture::new();
    fixture.deliver(0..2500);
    fixture.ack(0..1);
    fixture.says_ack_of();
    fixture.ack(1..2500);
    assert_eq!((fixture.says_ack_of().1, fixture.says_ack_of().1), (1000, 1000));
    assert!(fixture.says().is_none());
}

#[test]
fn what_is_said_alike_makes_one_request() {
    let mut fixture = Fixture::new();
    fixture.deliver(0..4);
    for (number, reason) in ["busy", "busy", "no", "busy"].into_iter().enumerate() {
        fixture.begin();
        let nack = Settlement::Nack(Nack::retry(reason));
        fixture.ledger.settle(&format!("e-{number}"), nack, None);
    }
    let mut requests = Vec::new();
    while let Some(Request::Nack(nack)) = fixture.says() {
        requests.push((nack.reason, nack.delivery_ids.len()));
    }
    assert_eq!(requests, [("busy".to_owned(), 2), ("no".to_owned(), 1), ("busy".to_owned(), 1)]);
}

#[test]
fn deliveries_that_came_together_are_extended_by_one_request() {
    let mut fixture = Fixture::new();
    fixture.deliver(0..100);
    assert!(fixture.says().is_none());
    assert_eq!(fixture.ledger.alarm(STREAM), Some(fixture.now + DEADLINE / 2));
    fixture.now += DEADLINE / 2;
    let Some(Request::Extend(extend)) = fixture.says() else { panic!("nothing is extended") };
    assert_eq!(extend.delivery_ids.len(), 100);
    assert!(fixture.says().is_none());
    assert_eq!(fixture.ledger.alarm(STREAM), Some(fixture.now + DEADLINE / 2));
}

#[test]
fn the_newest_delivery_is_the_one_that_is_extended_and_settled() {
    let mut fixture = Fixture::new();
    fixture.deliver(0..1);
    fixture.begin();
    fixture.ledger.deliver(STREAM, vec![work(0, 2)], fixture.now);
    assert_eq!((fixture.begin(), fixture.ledger.held()), (None, 1));
    fixture.now += DEADLINE / 2;
    let Some(Request::Extend(extend)) = fixture.says() else { panic!("nothing is extended") };
    assert_eq!(extend.delivery_ids, ["d-0-2"]);
    fixture.ledger.settle("e-0", Settlement::Ack, None);
    let Some(Request::Ack(ack)) = fixture.says() else { panic!("nothing is acknowledged") };
    assert_eq!(ack.delivery_ids, ["d-0-2"]);
}

#[test]
fn an_acknowledgement_without_an_answer_goes_to_the_next_stream() {
    let mut fixture = Fixture::new();
    fixture.deliver(0..3);
    fixture.ack(0..2);
    fixture.says_ack_of();
    fixture.ledger.stream_ended(STREAM);
    assert!(fixture.ledger.has_orphans() && fixture.begin().is_none());
    fixture.ledger.add_stream(2, Arc::new(Notify::new()));
    fixture.ledger.stream_opened(2);
    // What comes again of them is done already; what only waited is not.
    fixture.ledger.deliver(2, (0..3).map(|number| work(number, 1)).collect(), fixture.now);
    assert_eq!((fixture.begin().as_deref(), fixture.begin()), (Some("e-2"), None));
    let Some(Outgoing::Send(request)) = fixture.ledger.next_request(2, fixture.now) else {
        panic!("nothing is sent")
    };
    let Some(Request::Ack(ack)) = request.request else { panic!("nothing is acknowledged") };
    assert_eq!(ack.delivery_ids, ["d-0-1", "d-1-1"]);
    let results = v1::AckResults { request_id: ack.request_id, exceptions: Vec::new() };
    fixture.ledger.answer(2, results, fixture.now);
    fixture.ledger.deliver(2, vec![work(0, 2)], fixture.now);
    assert_eq!(fixture.begin().as_deref(), Some("e-0"));
}

#[test]
fn retry_later_is_asked_again_after_a_pause() {
    let mut fixture = Fixture::new();
    fixture.deliver(0..1);
    fixture.ack(0..1);
    let (request_id, _) = fixture.says_ack_of();
    let exceptions = vec![ack_results::Exception {
        delivery_id: "d-0-1".to_owned(),
        result: ack_results::Result::RetryLater.into(),
    }];
    fixture.ledger.answer(STREAM, v1::AckResults { request_id, exceptions }, fixture.now);
    assert!(fixture.says().is_none());
    fixture.now += RETRY_LATER_PAUSE;
    assert_eq!(fixture.says_ack_of().1, 1);
}

#[test]
fn a_stop_pauses_before_it_gives_back() {
    let mut fixture = Fixture::new();
    fixture.deliver(0..3);
    fixture.begin();
    fixture.ledger.stop();
    assert!(matches!(fixture.says(), Some(Request::Flow(flow)) if flow.paused == Some(true)));
    let Some(Request::Nack(nack)) = fixture.says() else { panic!("nothing is given back") };
    assert_eq!((nack.action(), nack.delivery_ids.len()), (v1::nack_request::Action::Release, 2));
    fixture.deliver(3..4);
    let Some(Request::Nack(nack)) = fixture.says() else { panic!("what came is kept") };
    assert_eq!(nack.delivery_ids, ["d-3-1"]);
}
