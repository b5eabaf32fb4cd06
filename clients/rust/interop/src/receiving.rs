use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use onhook_client::{
    Client, Confirmation, ConnectionState, Delivery, Error, Nack, Received, Subscription,
    SubscriptionBuilder, SubscriptionHandle, SubscriptionSpec,
};
use serde_json::json;
use tokio::sync::oneshot;

use crate::{
    command::{Form, How, Settle, Subscribe, milliseconds},
    log::Log,
    report::{code_name, ended, event_bytes, native, report, result_code},
};

/// The one subscription of this program.
#[derive(Clone)]
pub(crate) struct Receiving {
    pub(crate) handle: SubscriptionHandle,
    pub(crate) log: Arc<Log>,
    desk: Arc<Desk>,
}

/// What waits for the tests to say what becomes of it.
#[derive(Default)]
struct Desk {
    last_number: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
}

enum Waiting {
    Handler(Received, oneshot::Sender<Result<(), Nack>>),
    Iterator(Delivery),
}

impl Receiving {
    pub(crate) fn start(client: &Client, command: &Subscribe) -> io::Result<Self> {
        let log = Arc::new(Log::new(command.log.as_deref())?);
        let desk = Arc::new(Desk::default());
        let builder = builder(client, command);
        let acknowledges = command.auto.as_deref() == Some("ack");
        let handle = match command.form {
            Form::Handler => handle(builder, acknowledges, &log, &desk),
            Form::Iterator => {
                let subscription = builder.open();
                let handle = subscription.handle();
                tokio::spawn(iterate(subscription, acknowledges, log.clone(), desk.clone()));
                handle
            }
        };
        Ok(Self { handle, log, desk })
    }

    pub(crate) fn settle(&self, command: &Settle) {
        let number = command.number;
        match self.desk.take(number) {
            Some(Waiting::Handler(_, answer)) => {
                let _ = answer.send(handler_result(command));
            }
            Some(Waiting::Iterator(delivery)) => {
                confirm("settled", number, settle_delivery(delivery, command));
            }
            None => eprintln!("no delivery {number} waits"),
        }
    }

    pub(crate) fn extend(&self, number: u64, deadline_ms: u64) {
        let waiting = self.desk.lock();
        let received = match waiting.get(&number) {
            Some(Waiting::Handler(received, _)) => received,
            Some(Waiting::Iterator(delivery)) => delivery,
            None => return eprintln!("no delivery {number} waits"),
        };
        confirm("extended", number, received.extend(milliseconds(deadline_ms)));
    }
}

fn builder(client: &Client, command: &Subscribe) -> SubscriptionBuilder {
    let mut builder = client.subscription(&command.subscription).on_state(report_state);
    if let Some(name) = &command.consumer_name {
        builder = builder.consumer_name(name);
    }
    if command.create {
        builder = builder.create_if_missing(SubscriptionSpec::new());
    }
    if let Some(events) = command.max_outstanding_events {
        builder = builder.max_outstanding_events(events);
    }
    if let Some(handlers) = command.concurrency {
        builder = builder.concurrency(handlers);
    }
    if let Some(deadline) = command.ack_deadline_ms {
        builder = builder.ack_deadline(milliseconds(deadline));
    }
    if let Some(longest) = command.max_extension_ms {
        builder = builder.max_extension(milliseconds(longest));
    }
    if let Some(grace) = command.grace_ms {
        builder = builder.grace(milliseconds(grace));
    }
    builder
}

fn handle(
    builder: SubscriptionBuilder,
    acknowledges: bool,
    log: &Arc<Log>,
    desk: &Arc<Desk>,
) -> SubscriptionHandle {
    let subscriber = if acknowledges {
        let log = log.clone();
        builder.handle(move |received: Received| {
            log.add(&received);
            std::future::ready(Ok(()))
        })
    } else {
        let desk = desk.clone();
        builder.handle(move |received: Received| {
            let (answer, answered) = oneshot::channel();
            desk.put(&received, Waiting::Handler(received.clone(), answer));
            async { answered.await? }
        })
    };
    let handle = subscriber.handle();
    let log = log.clone();
    tokio::spawn(async move {
        let result = subscriber.wait().await;
        log.flush();
        ended(&result);
    });
    handle
}

async fn iterate(
    mut subscription: Subscription,
    acknowledges: bool,
    log: Arc<Log>,
    desk: Arc<Desk>,
) {
    // An error is what `wait` returns as well.
    while let Some(Ok(delivery)) = subscription.next().await {
        if acknowledges {
            log.add(&delivery);
            delivery.ack();
        } else {
            let received = Received::clone(&delivery);
            desk.put(&received, Waiting::Iterator(delivery));
        }
    }
    let result = subscription.wait().await;
    log.flush();
    ended(&result);
}

fn handler_result(command: &Settle) -> Result<(), Nack> {
    let reason = &command.reason;
    match command.how {
        How::Ack => Ok(()),
        How::Fail => Err(io::Error::other(reason.clone()))?,
        How::Retry => {
            let nack = Nack::retry(reason);
            Err(command.delay_ms.map(milliseconds).map_or(nack.clone(), |delay| nack.after(delay)))
        }
        How::Park => Err(Nack::park(reason)),
        How::Skip => Err(Nack::skip(reason)),
        How::Release => Err(Nack::release(reason)),
    }
}

fn settle_delivery(delivery: Delivery, command: &Settle) -> Confirmation {
    let reason = &command.reason;
    match (command.how, command.delay_ms) {
        (How::Ack, _) => delivery.ack(),
        (How::Retry | How::Fail, Some(delay)) => delivery.retry_after(milliseconds(delay), reason),
        (How::Retry | How::Fail, None) => delivery.retry(reason),
        (How::Park, _) => delivery.park(reason),
        (How::Skip, _) => delivery.skip(reason),
        (How::Release, _) => delivery.release(reason),
    }
}

fn confirm(name: &'static str, number: u64, confirmation: Confirmation) {
    tokio::spawn(async move {
        let result = confirmation.await;
        let (ok, code) = (result.is_ok(), result_code(&result));
        report(&json!({"report": name, "number": number, "ok": ok, "code": code}));
    });
}

pub(crate) fn report_state(state: &ConnectionState) {
    let error = state.error();
    report(&json!({
        "report": "state",
        "state": state.to_string(),
        "code": error.map(Error::code).map(code_name),
        "message": error.map(ToString::to_string),
    }));
}

impl Desk {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, number: u64) -> Option<Waiting> {
        self.lock().remove(&number)
    }

    fn put(&self, received: &Received, waiting: Waiting) {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed) + 1;
        self.lock().insert(number, waiting);
        let reason = received.redelivery_reason();
        report(&json!({
            "report": "delivery",
            "number": number,
            "delivery_id": received.delivery_id(),
            "event_id": received.event().event_id(),
            "cursor": received.cursor(),
            "attempt": received.attempt(),
            "redelivery_reason": reason.map_or("UNSPECIFIED".to_owned(), |it| it.to_string()),
            "traceparent": received.trace_context().get("traceparent"),
            "event": event_bytes(received.event()),
            "native": native(received.event()),
        }));
    }
}
