//! A gateway within the process, and made deliveries: for tests of handlers, and of what an
//! application does when connections are lost.
//!
//! A handler alone needs no gateway:
//!
//! ```
//! # use onhook_client::{Nack, Received, testing::MadeDelivery, v1};
//! async fn handle(received: Received) -> Result<(), Nack> {
//!     let call_data = received.event().call_data().ok_or_else(|| Nack::park("no callData"))?;
//!     println!("wrapping up {call_data}");
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let event = v1::ReleaseEvent { event_id: "v1-1".into(), ..Default::default() };
//! let outcome = handle(MadeDelivery::of(event).attempt(2).received()).await;
//! assert!(outcome.unwrap_err().is_park());
//! # }
//! ```
//!
//! What has to do with the subscription does, and has one:
//!
//! ```
//! # use onhook_client::{Received, testing::FakeGateway, v1};
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let gateway = FakeGateway::start();
//! let subscriber = gateway.client().subscribe("crm", async |_: Received| Ok(()));
//! gateway.publish(v1::ReleaseEvent { event_id: "v1-1".into(), ..Default::default() });
//! let settlements = gateway.settlements(1).await;
//! assert_eq!((settlements[0].event_id.as_str(), &settlements[0].outcome), ("v1-1", &Ok(())));
//! subscriber.stop().await.unwrap();
//! # }
//! ```
//!
//! Everything goes by tokio's clock, so that a test that stops it (`start_paused`) waits for nothing.

mod gateway;
mod made;
mod network;
mod service;
mod state;
mod stream;

pub use self::{
    gateway::FakeGateway,
    made::MadeDelivery,
    state::{Extension, FakeSettlement},
};
