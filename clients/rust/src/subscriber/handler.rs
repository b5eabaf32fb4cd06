use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use super::{Shared, SubscriptionHandle};
use crate::{Nack, Received, connection::lock, ledger::Settlement, received::Home};

/// Handles events, each at least once: `Ok` acknowledges, an error gives the event back.
///
/// Every `Fn(Received) -> impl Future<Output = Result<(), Nack>>` is one; a type with state of its
/// own implements it. [`Nack`] is made by `?` of any [`std::error::Error`]; its type is fixed, since
/// a closure that uses `?` would else have to name it.
///
/// ```
/// # use onhook_client::{Handler, Nack, Received};
/// struct WrapUp { /* a pool of database connections, say */ }
///
/// impl Handler for WrapUp {
///     async fn handle(&self, received: Received) -> Result<(), Nack> {
///         println!("{} has ended", received.event().call_serial_no().unwrap_or("a call"));
///         Ok(())
///     }
/// }
/// ```
///
/// A handler that panics has failed: its event is given back.
pub trait Handler: Send + Sync + 'static {
    /// Handles one event. Called for every delivery but those of an event that is here already.
    fn handle(&self, received: Received) -> impl Future<Output = Result<(), Nack>> + Send;
}

impl<F, Fut> Handler for F
where
    F: Fn(Received) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Nack>> + Send,
{
    fn handle(&self, received: Received) -> impl Future<Output = Result<(), Nack>> + Send {
        self(received)
    }
}

/// Calls a handler for the events of a subscription, until it is stopped or dropped: both release
/// what no handler has begun. See [`SubscriptionHandle`] for what can be done with it.
#[must_use = "dropping it stops it"]
#[derive(Debug)]
pub struct Subscriber {
    handle: SubscriptionHandle,
}

impl Subscriber {
    pub(super) fn new(handle: SubscriptionHandle) -> Self {
        Self { handle }
    }

    /// For other tasks: to pause or to stop, or to wait for the end.
    pub fn handle(&self) -> SubscriptionHandle {
        self.handle.clone()
    }
}

impl std::ops::Deref for Subscriber {
    type Target = SubscriptionHandle;

    fn deref(&self) -> &SubscriptionHandle {
        &self.handle
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.handle.request_stop();
    }
}

/// Starts the tasks that call the handler. They end with the subscription, each when its last event
/// is handled.
pub(super) fn start(shared: &Arc<Shared>, handler: impl Handler, concurrency: usize) {
    let handler = Arc::new(handler);
    for _ in 0..concurrency {
        tokio::spawn(work(shared.clone(), handler.clone()));
    }
}

async fn work(shared: Arc<Shared>, handler: Arc<impl Handler>) {
    let home: Arc<dyn Home> = shared.clone();
    while let Some(work) = poll_fn(|context| lock(&shared.ledger).poll_begin(context)).await {
        let event = work.event.clone();
        let received = Received::new(work, home.clone());
        let settlement = match caught(|| handler.handle(received)).await {
            Ok(Ok(())) => Settlement::Ack,
            Ok(Err(nack)) => Settlement::Nack(nack),
            Err(panic) => Settlement::Nack(Nack::retry(panic_words(&*panic))),
        };
        shared.settle(event.event_id(), settlement, None);
    }
}

/// Awaits what `start` makes, and takes a panic of either as an error.
async fn caught<F: Future>(start: impl FnOnce() -> F) -> Result<F::Output, Box<dyn Any + Send>> {
    let future = catch_unwind(AssertUnwindSafe(start))?;
    let mut future = pin!(future);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

fn panic_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the handler panicked: {}", text.unwrap_or_default())
}
