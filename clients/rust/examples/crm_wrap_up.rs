//! Opens a wrap-up task in a CRM for each call that has ended, once: the event's id is the task's
//! key, so an event that comes again finds its task there.
//!
//! ```text
//! cargo run --example crm_wrap_up -- 127.0.0.1:50051
//! ```

use std::{
    collections::HashMap,
    env,
    sync::{Arc, Mutex, PoisonError},
};

use onhook_client::{Client, Handler, Nack, Received, SubscriptionSpec};
use tokio::signal::{
    ctrl_c,
    unix::{SignalKind, signal},
};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Task {
    customer: String,
    seconds_talked: u64,
}

/// Stands for the CRM's database, with the event's id as primary key.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<HashMap<String, Task>>>);

impl Tasks {
    /// `INSERT ... ON CONFLICT DO NOTHING`; whether it is new.
    fn insert(&self, event_id: &str, task: Task) -> bool {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !tasks.contains_key(event_id);
        tasks.entry(event_id.to_owned()).or_insert(task);
        is_new
    }
}

struct WrapUp {
    tasks: Tasks,
}

impl Handler for WrapUp {
    async fn handle(&self, received: Received) -> Result<(), Nack> {
        let event = received.event();
        let Some(customer) = event.call_data().filter(|text| !text.is_empty()) else {
            // No repetition will bring it: somebody has to look.
            return Err(Nack::park("no callData: nobody knows whose call it was"));
        };
        let task = Task {
            customer: customer.to_owned(),
            seconds_talked: event.talk_duration().unwrap_or_default().as_secs(),
        };
        if self.tasks.insert(event.event_id(), task) {
            println!("a wrap-up task for {}", event.event_id());
        }
        // Only now, with the task safe, the gateway may forget the event.
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let server = env::args().nth(1).unwrap_or("127.0.0.1:50051".to_owned());
    let subscriber = Client::new(&server)?
        .subscription("crm")
        .create_if_missing(SubscriptionSpec::new())
        .on_state(|state| match state.error() {
            Some(error) => eprintln!("{state}: {error}"),
            None => eprintln!("{state}"),
        })
        .handle(WrapUp { tasks: Tasks::default() });
    tokio::select! {
        ended = subscriber.wait() => return Ok(ended?),
        pressed = ctrl_c() => pressed?,
        _ = terminate.recv() => {}
    }
    // Running handlers finish, and what they acknowledged is confirmed.
    Ok(subscriber.stop().await?)
}

#[cfg(test)]
mod tests {
    use onhook_client::{testing::MadeDelivery, v1::ReleaseEvent};

    use super::*;

    fn made(call_data: Option<&str>) -> MadeDelivery {
        MadeDelivery::of(ReleaseEvent {
            event_id: "v1-1".to_owned(),
            call_data: call_data.map(str::to_owned),
            ..Default::default()
        })
    }

    #[tokio::test]
    async fn an_event_that_comes_again_makes_no_second_task() {
        let handler = WrapUp { tasks: Tasks::default() };
        for attempt in 1..=2 {
            let delivery = made(Some("customer 7")).attempt(attempt);
            handler.handle(delivery.received()).await.unwrap();
        }
        assert_eq!(handler.tasks.0.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_call_of_nobody_is_parked() {
        let handler = WrapUp { tasks: Tasks::default() };
        assert!(handler.handle(made(None).received()).await.unwrap_err().is_park());
    }
}
