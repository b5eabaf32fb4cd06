//! Receiving from a durable subscription.

mod handler;
mod options;
mod stream;
mod subscription;
mod supervisor;

pub(crate) use self::stream::HEARTBEAT_INTERVAL;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use self::options::Options;
pub use self::{
    handler::{Handler, Subscriber},
    options::SubscriptionBuilder,
    subscription::{Subscription, SubscriptionHandle},
};
use crate::{
    ConnectionState, Error, Nack,
    connection::{Connection, lock},
    ledger::{Ledger, Reply, Settlement},
    received::Home,
    time,
};

/// What the tasks of one subscription share.
struct Shared {
    connection: Arc<Connection>,
    options: Options,
    ledger: Mutex<Ledger>,
    // Told when nothing is with the application any more, after a stop.
    idle: Notify,
    // The grace for what runs, once a stop is wanted.
    stop: watch::Sender<Option<Duration>>,
    ended: watch::Sender<Option<Result<(), Error>>>,
}

impl Shared {
    fn tell(&self, state: ConnectionState) {
        if let Some(hook) = &self.options.on_state {
            hook(&state);
        }
    }

    fn request_stop(&self, grace: Duration) {
        let grace = grace.min(time::LONGEST);
        self.stop.send_if_modified(|known| {
            let shorter = known.is_none_or(|known| grace < known);
            if shorter {
                *known = Some(grace);
            }
            shorter
        });
    }

    fn is_stopping(&self) -> bool {
        self.stop.borrow().is_some()
    }

    async fn end(&self) -> Result<(), Error> {
        let mut ended = self.ended.subscribe();
        // The sender is `self`.
        match ended.wait_for(Option::is_some).await {
            Ok(result) => result.clone().unwrap_or(Ok(())),
            Err(_) => Ok(()),
        }
    }
}

impl Home for Shared {
    fn settle(&self, event_id: &str, settlement: Settlement, reply: Option<Reply>) {
        let mut ledger = lock(&self.ledger);
        ledger.settle(event_id, settlement, reply);
        if self.is_stopping() && ledger.held() == 0 {
            self.idle.notify_one();
        }
    }

    fn dropped(&self, event_id: &str) {
        let nack = if self.is_stopping() {
            Nack::release("the consumer stops")
        } else {
            Nack::retry("the consumer dropped it unsettled")
        };
        self.settle(event_id, Settlement::Nack(nack), None);
    }

    fn extend(&self, event_id: &str, deadline: Duration, reply: Reply) {
        lock(&self.ledger).extend(event_id, deadline, Instant::now(), reply);
    }
}
