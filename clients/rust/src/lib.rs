//! Receives the release events of an Onhook gateway: which call has
//! ended, when, and why.
//!
//! * [`Client::subscribe`] calls a handler for every event of a durable subscription, at least once,
//!   until it is acknowledged: for backends, which may miss nothing.
//! * [`Client::subscription`] has all options, and gives deliveries as a stream too.
//! * [`Client::watch`] reads the log from a place that the caller keeps.
//! * [`Client::get`] and [`Client::list`] look stored events up.
//!
//! The same event may come again, after a lost connection say: its
//! [`event_id`](Event::event_id) is the same each time, and is the key for doing things once.
//!
//! The feature `testing` brings a fake gateway, so that handlers can be tested without one.

mod address;
mod backoff;
mod client;
mod connection;
mod ends;
mod error;
mod event;
mod lease;
mod ledger;
mod lookup;
mod nack;
mod open_enum;
mod received;
mod security;
mod spec;
mod state;
mod stored;
mod subscriber;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod transport;
mod watch;

/// The messages and stubs that are generated from the gateway's API, `proto/onhook/v1`.
///
/// Where an event travels in an envelope, a delivery say, its bytes are kept as they came:
/// [`Event::decode`] reads them.
#[allow(missing_docs, unreachable_pub, rustdoc::all, clippy::all, reason = "it is generated")]
pub mod v1 {
    include!("generated/onhook.v1.rs");
}

pub use tokio_util::sync::CancellationToken;
pub use tonic::Code;

pub use self::{
    client::{AuthorizedChannel, Client, ClientBuilder},
    connection::Authorization,
    error::{Error, Gap, Status},
    event::Event,
    lookup::{EventList, ListBuilder},
    nack::Nack,
    open_enum::{
        Authentication, DeliveryState, DurabilityClass, RedeliveryReason, ReleaseReason,
        TimelineKind,
    },
    received::{Confirmation, Delivery, Received},
    spec::{EventFilter, StartPosition, SubscriptionSpec},
    state::ConnectionState,
    stored::{StoredEvent, Timeline, TimelineEntry},
    subscriber::{Handler, Subscriber, Subscription, SubscriptionBuilder, SubscriptionHandle},
    watch::{Watch, WatchBuilder, WatchedEvent},
};

/// The README's examples are compiled, and run where they need no gateway of their own.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;
