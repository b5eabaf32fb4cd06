//! The books of one subscription: what is here, with whom, and what the gateway has still to be told.
//!
//! Pure: no tasks, sockets or clock of its own; time comes in with each call. Whatever is to be sent
//! comes out of [`Ledger::next_request`], whatever is to be handled out of [`Ledger::poll_begin`].
//! Bounded by what the gateway lets a stream hold unsettled.

mod book;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use self::book::Book;
pub(crate) use self::book::Outgoing;
use crate::{Error, Event, Nack, lease::Lease, v1};

/// Numbers the streams of a subscription.
pub(crate) type StreamId = u64;

/// Where the answer to a settlement or an extension goes.
pub(crate) type Reply = oneshot::Sender<Result<(), Error>>;

// How long to leave a gateway alone that could not store a settlement.
const RETRY_LATER_PAUSE: Duration = Duration::from_millis(200);
// Whatever is due so soon goes along: deliveries that came together make one request, and there are
// no more than so many requests in a second. Short against half of any deadline.
const GATHERING: Duration = Duration::from_millis(100);
// Most deliveries of one request. The proto allows 10,000.
const LARGEST_REQUEST: usize = 1000;

/// One delivery as it came.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) event: Event,
    pub(crate) delivery_id: Arc<str>,
    pub(crate) cursor: String,
    pub(crate) attempt: i32,
    pub(crate) redelivery_reason: i32,
    pub(crate) ack_deadline: Option<Duration>,
}

/// What becomes of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    Ack,
    Nack(Nack),
}

/// A settlement on its way to the gateway.
#[derive(Debug)]
struct Pending {
    event_id: Arc<str>,
    delivery_id: Arc<str>,
    settlement: Settlement,
    reply: Option<Reply>,
}

impl Pending {
    fn answer(self, result: Result<(), Error>) {
        if let Some(reply) = self.reply {
            // Nobody may want to know.
            let _ = reply.send(result);
        }
    }
}

/// Where an event's settlement belongs: with its newest delivery.
struct Place {
    stream: StreamId,
    delivery_id: Arc<str>,
    lease: Option<Lease>,
}

pub(crate) struct Ledger {
    max_extension: Duration,
    books: HashMap<StreamId, Book>,
    // The stream opened last, while it lives.
    current: Option<StreamId>,
    // What waits for a handler, in the order it came.
    waiting: VecDeque<Work>,
    // By event: of what waits, and of what is with the application.
    places: HashMap<Arc<str>, Place>,
    // Acknowledgements that their stream could not confirm.
    orphans: Vec<Pending>,
    // The events that were orphans once, until they are confirmed: what comes again of them meanwhile
    // is done already.
    orphaned: HashSet<Arc<str>>,
    idle_handlers: Vec<Waker>,
    paused: bool,
    stopping: bool,
    closing: bool,
}

impl Ledger {
    pub(crate) fn new(max_extension: Duration) -> Self {
        Self {
            max_extension,
            books: HashMap::new(),
            current: None,
            waiting: VecDeque::new(),
            places: HashMap::new(),
            orphans: Vec::new(),
            orphaned: HashSet::new(),
            idle_handlers: Vec::new(),
            paused: false,
            stopping: false,
            closing: false,
        }
    }

    // What happens to streams.

    /// A stream is about to be opened; `wake` is told when there is something to send on it.
    pub(crate) fn add_stream(&mut self, stream: StreamId, wake: Arc<Notify>) {
        self.books.insert(stream, Book::new(wake));
    }

    /// The gateway has said `opened`.
    pub(crate) fn stream_opened(&mut self, stream: StreamId) {
        let closing = self.closing;
        for (id, book) in &mut self.books {
            if *id == stream {
                book.opened = true;
                book.close_when_idle |= closing;
            } else if book.going_away {
                book.close_when_idle = true;
                book.wake.notify_one();
            }
        }
        self.current = Some(stream);
        self.place_orphans();
    }

    /// The gateway will end the stream. Of age alone it goes on delivering until the replacement is
    /// open; of anything else, nothing more comes.
    pub(crate) fn stream_goes_away(&mut self, stream: StreamId, delivers_on: bool) {
        let Some(book) = self.books.get_mut(&stream) else {
            return;
        };
        book.going_away = true;
        book.close_when_idle |= !delivers_on;
    }

    /// The time for settling on the stream is over: what is not settled is so on the next.
    pub(crate) fn drain_is_over(&mut self, stream: StreamId) {
        if let Some(book) = self.books.get_mut(&stream) {
            book.abandoned = true;
        }
    }

    /// The stream has ended: what waits of it comes again on another; what is with the application
    /// stays there; acknowledgements without an answer go to the next stream.
    pub(crate) fn stream_ended(&mut self, stream: StreamId) {
        let Some(book) = self.books.remove(&stream) else {
            return;
        };
        if self.current == Some(stream) {
            self.current = None;
        }
        let places = &mut self.places;
        self.waiting.retain(|work| {
            let of_stream =
                places.get(work.event.event_id()).is_some_and(|place| place.stream == stream);
            if of_stream {
                places.remove(work.event.event_id());
            }
            !of_stream
        });
        for pending in book.into_unconfirmed() {
            match pending.settlement {
                Settlement::Ack => self.adopt(pending),
                Settlement::Nack(_) => pending.answer(Err(Error::Unconfirmed)),
            }
        }
        self.place_orphans();
    }

    fn adopt(&mut self, orphan: Pending) {
        self.orphaned.insert(orphan.event_id.clone());
        self.orphans.push(orphan);
    }

    fn place_orphans(&mut self) {
        let current = self.current.and_then(|id| self.books.get_mut(&id));
        let Some(book) = current.filter(|book| book.takes_settlements()) else {
            return;
        };
        for orphan in self.orphans.drain(..) {
            book.push(orphan);
        }
        book.wake.notify_one();
    }

    // What comes from the gateway.

    /// Deliveries came: they wait for a handler, or take the place of what is here of their event.
    /// After a stop they are given back, but for those whose handler runs: released, they would be
    /// handled elsewhere meanwhile.
    pub(crate) fn deliver(&mut self, stream: StreamId, works: Vec<Work>, now: Instant) {
        let count = works.len();
        for work in works {
            self.deliver_one(stream, work, now);
        }
        for _ in 0..count.min(self.idle_handlers.len()) {
            if let Some(handler) = self.idle_handlers.pop() {
                handler.wake();
            }
        }
        self.wake(stream);
    }

    fn deliver_one(&mut self, stream: StreamId, work: Work, now: Instant) {
        let Some(book) = self.books.get_mut(&stream).filter(|book| !book.half_closed) else {
            return;
        };
        // Its acknowledgement is on its way, and settles the event by whichever attempt.
        if self.orphaned.contains(work.event.event_id()) {
            return;
        }
        let lease = Lease::new(work.ack_deadline, self.max_extension, now);
        book.held += 1;
        book.alarm_at(lease.map(|lease| lease.due));
        let place = Place { stream, delivery_id: work.delivery_id.clone(), lease };
        let before = self.places.insert(work.event.shared_id(), place);
        let Some(before) = before else {
            if self.stopping {
                self.settle(work.event.event_id(), released("the consumer stops"), None);
            } else {
                self.waiting.push_back(work);
            }
            return;
        };
        if let Some(book) = self.books.get_mut(&before.stream) {
            book.held -= 1;
            book.wake.notify_one();
        }
        let event_id = work.event.event_id();
        let waits = self.waiting.iter_mut().find(|other| other.event.event_id() == event_id);
        if let Some(waiting) = waits {
            *waiting = work;
        }
    }

    /// The gateway has answered a request.
    pub(crate) fn answer(&mut self, stream: StreamId, results: v1::AckResults, now: Instant) {
        let Some(book) = self.books.get_mut(&stream) else {
            return;
        };
        let lost = book.answer(results, now, &mut self.orphaned);
        for (event_id, delivery_id, result) in lost {
            let Some(place) = self.places.get_mut(&event_id) else {
                continue;
            };
            if place.delivery_id != delivery_id {
                continue;
            }
            let until = now + RETRY_LATER_PAUSE;
            place.lease = match result {
                v1::ack_results::Result::RetryLater => {
                    book.alarm_at(Some(until));
                    place.lease.and_then(|lease| lease.postponed(until))
                }
                // It is with somebody else by now, or settled.
                _ => None,
            };
        }
    }

    // What the application does.

    /// What waits longest, now with the application; `None`: nothing comes any more.
    pub(crate) fn poll_begin(&mut self, context: &mut Context<'_>) -> Poll<Option<Work>> {
        if let Some(work) = self.waiting.pop_front() {
            return Poll::Ready(Some(work));
        }
        if self.stopping {
            return Poll::Ready(None);
        }
        // The last is one that still waits: a subscription may have waited in other tasks before.
        self.idle_handlers.retain(|known| !known.will_wake(context.waker()));
        self.idle_handlers.push(context.waker().clone());
        Poll::Pending
    }

    /// The application is done with an event, by its newest delivery.
    pub(crate) fn settle(&mut self, event_id: &str, settlement: Settlement, reply: Option<Reply>) {
        let Some((event_id, place)) = self.places.remove_entry(event_id) else {
            // It was released after the grace of a stop.
            answer(reply, Err(Error::Unconfirmed));
            return;
        };
        let pending = Pending { event_id, delivery_id: place.delivery_id, settlement, reply };
        if let Some(book) = self.books.get_mut(&place.stream) {
            book.held -= 1;
            if book.takes_settlements() {
                book.push(pending);
                self.wake(place.stream);
                return;
            }
            book.wake.notify_one();
        }
        match pending.settlement {
            Settlement::Ack => {
                self.adopt(pending);
                self.place_orphans();
            }
            // The end of its stream gives the event back as well.
            Settlement::Nack(_) => pending.answer(Err(Error::Unconfirmed)),
        }
    }

    /// The application asks for a deadline itself.
    pub(crate) fn extend(
        &mut self,
        event_id: &str,
        deadline: Duration,
        now: Instant,
        reply: Reply,
    ) {
        let place = self.places.get_mut(event_id);
        let book = place.as_ref().and_then(|place| self.books.get_mut(&place.stream));
        let (Some(place), Some(book)) = (place, book.filter(|book| book.takes_settlements()))
        else {
            answer(Some(reply), Err(Error::Unconfirmed));
            return;
        };
        place.lease = place.lease.and_then(|lease| lease.extended_to(deadline, now));
        book.extensions.push_back((place.delivery_id.clone(), deadline, reply));
        book.wake.notify_one();
    }

    pub(crate) fn pause(&mut self, paused: bool) {
        self.paused = paused;
        self.wake_all();
    }

    // The stop.

    /// Nothing new is begun; what no handler has begun goes back.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
        for work in std::mem::take(&mut self.waiting) {
            self.settle(work.event.event_id(), released("the consumer stops"), None);
        }
        self.idle_handlers.drain(..).for_each(Waker::wake);
        self.wake_all();
    }

    /// What the application still has goes back; its answer is not waited for any more.
    pub(crate) fn release_held(&mut self) {
        let events: Vec<Arc<str>> = self.places.keys().cloned().collect();
        for event_id in events {
            let settlement = released("the consumer stops, and its handler did not end in time");
            self.settle(&event_id, settlement, None);
        }
    }

    /// Each stream is half-closed as soon as all on it is answered.
    pub(crate) fn close(&mut self) {
        self.closing = true;
        for book in self.books.values_mut() {
            book.close_when_idle = true;
        }
        self.wake_all();
    }

    /// The subscription has ended: whoever waits is told so. Returns how many acknowledgements were
    /// not confirmed.
    pub(crate) fn end(&mut self) -> usize {
        let streams: Vec<StreamId> = self.books.keys().copied().collect();
        for stream in streams {
            self.stream_ended(stream);
        }
        self.stopping = true;
        self.waiting.clear();
        self.places.clear();
        self.idle_handlers.drain(..).for_each(Waker::wake);
        let unconfirmed = std::mem::take(&mut self.orphans);
        let count = unconfirmed.len();
        for pending in unconfirmed {
            pending.answer(Err(Error::Unconfirmed));
        }
        count
    }

    /// How many events are with the application.
    pub(crate) fn held(&self) -> usize {
        self.places.len() - self.waiting.len()
    }

    pub(crate) fn has_orphans(&self) -> bool {
        !self.orphans.is_empty()
    }

    // What is to be sent.

    /// What to send on the stream now, in order of urgency.
    pub(crate) fn next_request(&mut self, stream: StreamId, now: Instant) -> Option<Outgoing> {
        let paused = self.paused || self.stopping;
        let book = self.books.get_mut(&stream).filter(|book| !book.half_closed)?;
        if book.paused != paused {
            book.paused = paused;
            return Some(book.flow(paused));
        }
        if !book.opened {
            return None;
        }
        if book.alarm.is_some_and(|alarm| alarm <= now) {
            book.revive_delayed(now);
            let (deadline, due) = take_due(&mut self.places, book, stream, now);
            if !due.is_empty() {
                return Some(book.extend(deadline, due));
            }
        }
        book.next_request()
    }

    /// When there will be something to send though nobody brings it.
    pub(crate) fn alarm(&self, stream: StreamId) -> Option<Instant> {
        self.books.get(&stream)?.alarm
    }

    fn wake(&self, stream: StreamId) {
        if let Some(book) = self.books.get(&stream).filter(|book| book.has_work()) {
            book.wake.notify_one();
        }
    }

    fn wake_all(&self) {
        self.books.values().for_each(|book| book.wake.notify_one());
    }
}

type Extended = (Arc<str>, Arc<str>);

/// The deliveries of one stream whose leases are due, all of one deadline: those with another make
/// the next request. Sets the stream's alarm to what is due next.
fn take_due(
    places: &mut HashMap<Arc<str>, Place>,
    book: &mut Book,
    stream: StreamId,
    now: Instant,
) -> (Duration, Vec<Extended>) {
    let mut taken = Vec::new();
    let mut deadline = Duration::ZERO;
    book.alarm = book.delayed_until;
    if book.abandoned {
        return (deadline, taken);
    }
    for (event_id, place) in places.iter_mut().filter(|(_, place)| place.stream == stream) {
        let Some(lease) = place.lease else {
            continue;
        };
        let fits =
            taken.is_empty() || (deadline == lease.deadline && taken.len() < LARGEST_REQUEST);
        if lease.due <= now + GATHERING && fits {
            deadline = lease.deadline;
            taken.push((event_id.clone(), place.delivery_id.clone()));
            place.lease = lease.extended(now);
        }
        book.alarm_at(place.lease.map(|lease| lease.due));
    }
    (deadline, taken)
}

fn released(reason: &str) -> Settlement {
    Settlement::Nack(Nack::release(reason))
}

fn answer(reply: Option<Reply>, result: Result<(), Error>) {
    if let Some(reply) = reply {
        let _ = reply.send(result);
    }
}

fn results_by_id(results: &v1::AckResults) -> HashMap<&str, v1::ack_results::Result> {
    let exceptions = results.exceptions.iter();
    exceptions.map(|exception| (exception.delivery_id.as_str(), exception.result())).collect()
}

fn result_error(result: v1::ack_results::Result) -> Error {
    match result {
        v1::ack_results::Result::Stale => Error::Stale,
        v1::ack_results::Result::Unknown => Error::UnknownDelivery,
        _ => Error::Unconfirmed,
    }
}
