use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::Stream;

use super::Shared;
use crate::{Delivery, Error, Received, connection::lock, received::Home};

/// The events of a durable subscription, as a stream of deliveries to be settled.
///
/// ```no_run
/// # async fn example(client: onhook_client::Client) -> Result<(), onhook_client::Error> {
/// let mut subscription = client.subscription("crm").open();
/// while let Some(delivery) = subscription.try_next().await? {
///     println!("{}", delivery.event().event_id());
///     delivery.ack().await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// It ends after a stop, or with an error where repeating cannot help. Connections that are lost on
/// the way are opened again, and are no errors. Each delivery is kept for this consumer (see
/// [`max_extension`](crate::SubscriptionBuilder::max_extension)) while it waits and until it is
/// settled; an event that comes again meanwhile is handed over once.
///
/// Dropping it stops it: what was not handed over is released.
pub struct Subscription {
    handle: SubscriptionHandle,
    home: Arc<dyn Home>,
    // Resolved once nothing more comes.
    end: Option<End>,
    is_over: bool,
}

type End = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

impl Subscription {
    pub(super) fn new(handle: SubscriptionHandle) -> Self {
        Self { home: handle.shared.clone(), handle, end: None, is_over: false }
    }

    /// The next delivery; `None`: it was stopped, and nothing more comes. May be cancelled without
    /// losing anything.
    pub async fn next(&mut self) -> Option<Result<Delivery, Error>> {
        poll_fn(|context| self.poll_delivery(context)).await
    }

    /// As [`next`](Self::next), for `while let Some(delivery) = subscription.try_next().await?`.
    pub async fn try_next(&mut self) -> Result<Option<Delivery>, Error> {
        self.next().await.transpose()
    }

    /// For other tasks: to pause or to stop, or to wait for the end.
    pub fn handle(&self) -> SubscriptionHandle {
        self.handle.clone()
    }

    fn poll_delivery(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Delivery, Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if self.end.is_none() {
            let begun = ready!(lock(&self.handle.shared.ledger).poll_begin(context));
            if let Some(work) = begun {
                let received = Received::new(work, self.home.clone());
                return Poll::Ready(Some(Ok(Delivery::new(received))));
            }
            if self.handle.shared.is_stopping() {
                // What is still to come concerns the stop, which tells it.
                self.is_over = true;
                return Poll::Ready(None);
            }
        }
        let shared = self.handle.shared.clone();
        let end = self.end.get_or_insert_with(|| Box::pin(async move { shared.end().await }));
        let result = ready!(end.as_mut().poll(context));
        self.is_over = true;
        Poll::Ready(result.err().map(Err))
    }
}

impl std::ops::Deref for Subscription {
    type Target = SubscriptionHandle;

    fn deref(&self) -> &SubscriptionHandle {
        &self.handle
    }
}

impl Stream for Subscription {
    type Item = Result<Delivery, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_delivery(context)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.handle.request_stop();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Subscription").field(&self.handle).finish()
    }
}

/// What can be done with a subscription that is being received, from any task. Cloning it makes
/// another handle of the same.
#[derive(Clone)]
pub struct SubscriptionHandle {
    shared: Arc<Shared>,
}

impl SubscriptionHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// No new deliveries come until [`resume`](Self::resume); what is here goes on, and streams
    /// stay open.
    pub fn pause(&self) {
        lock(&self.shared.ledger).pause(true);
    }

    /// Goes on after a [`pause`](Self::pause).
    pub fn resume(&self) {
        lock(&self.shared.ledger).pause(false);
    }

    /// Begins to stop, and returns at once. What nobody has begun is released: another consumer has
    /// it at once, and it counts as no attempt.
    pub fn request_stop(&self) {
        self.shared.request_stop(self.shared.options.grace);
    }

    /// Stops, and waits for its end: for what is being handled up to the
    /// [`grace`](crate::SubscriptionBuilder::grace), then for the gateway's answers. `Ok` if
    /// everything that was acknowledged is confirmed;
    /// [`Error::UnconfirmedAcknowledgements`] says how many are not.
    pub async fn stop(&self) -> Result<(), Error> {
        self.stop_within(self.shared.options.grace).await
    }

    /// As [`stop`](Self::stop), with another grace.
    pub async fn stop_within(&self, grace: Duration) -> Result<(), Error> {
        self.shared.request_stop(grace);
        self.wait().await
    }

    /// Waits until the subscription has ended, by a stop or by an error.
    pub async fn wait(&self) -> Result<(), Error> {
        self.shared.end().await
    }
}

impl fmt::Debug for SubscriptionHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SubscriptionHandle")
            .field("subscription", &self.shared.options.open.subscription)
            .finish_non_exhaustive()
    }
}
