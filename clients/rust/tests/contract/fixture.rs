use std::{future::Future, sync::Arc};

use onhook_client::{
    ConnectionState, Delivery, Nack, Received, Subscription, SubscriptionBuilder,
    SubscriptionHandle, testing::FakeGateway,
};
use tokio::sync::{Mutex, mpsc, oneshot};

pub(crate) type Verdict = Result<(), Nack>;

/// A gateway that has published these events.
pub(crate) fn gateway_with(event_ids: &[&str]) -> FakeGateway {
    let gateway = FakeGateway::start();
    event_ids.iter().for_each(|event_id| gateway.publish_id(*event_id));
    gateway
}

/// What a handler was called with, and the way to let it return.
pub(crate) type Call = (Received, oneshot::Sender<Verdict>);

/// A subscriber whose handlers return what the test says, when it says so.
pub(crate) struct Handled {
    pub(crate) handle: SubscriptionHandle,
    pub(crate) states: States,
    calls: mpsc::UnboundedReceiver<Call>,
    _subscriber: onhook_client::Subscriber,
}

impl Handled {
    pub(crate) fn by(builder: SubscriptionBuilder) -> Self {
        let (states, hook) = States::new();
        let (sender, calls) = mpsc::unbounded_channel();
        let subscriber = builder.on_state(hook).handle(move |received: Received| {
            let (answer, answered) = oneshot::channel();
            sender.send((received, answer)).expect("the test listens");
            async { answered.await.unwrap_or(Err(Nack::retry("the test is over"))) }
        });
        Self { handle: subscriber.handle(), states, calls, _subscriber: subscriber }
    }

    pub(crate) async fn next(&mut self) -> Call {
        self.calls.recv().await.expect("the subscriber lives")
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }
}

/// The states that a hook was told, in order.
pub(crate) struct States(mpsc::UnboundedReceiver<ConnectionState>);

impl States {
    pub(crate) fn new() -> (Self, impl Fn(&ConnectionState) + Send + Sync + 'static) {
        let (sender, states) = mpsc::unbounded_channel();
        let hook = move |state: &ConnectionState| {
            // The test may have heard enough.
            let _ = sender.send(state.clone());
        };
        (Self(states), hook)
    }

    pub(crate) async fn next(&mut self) -> ConnectionState {
        self.0.recv().await.expect("the subscription lives")
    }

    pub(crate) async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        while names.len() < count {
            names.push(self.next().await.to_string());
        }
        names
    }

    pub(crate) async fn until(&mut self, name: &str) -> ConnectionState {
        loop {
            let state = self.next().await;
            if state.to_string() == name {
                return state;
            }
        }
    }
}

/// The clock is stopped, and moves on only when nobody has anything to do before.
pub(crate) async fn all_is_quiet() {
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
}

pub(crate) async fn delivery(subscription: &mut Subscription) -> Delivery {
    subscription.try_next().await.expect("no error").expect("not stopped")
}

/// A handler that answers each call by the next verdict of a list, then acknowledges.
pub(crate) fn answering(
    verdicts: impl IntoIterator<Item = Verdict>,
) -> impl Fn(Received) -> std::pin::Pin<Box<dyn Future<Output = Verdict> + Send>> {
    let verdicts = Arc::new(Mutex::new(verdicts.into_iter().collect::<Vec<_>>().into_iter()));
    move |_| {
        let verdicts = verdicts.clone();
        Box::pin(async move { verdicts.lock().await.next().unwrap_or(Ok(())) })
    }
}
