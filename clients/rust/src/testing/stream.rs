use std::{collections::HashMap, time::Duration};

use tokio::sync::mpsc;
use tonic::Status;

use crate::v1::{self, subscribe_response::Response};

pub(super) type Answer = Result<v1::SubscribeResponse, Status>;

/// One Subscribe stream of a client.
pub(super) struct FakeStream {
    pub(super) subscription: String,
    pub(super) answers: mpsc::UnboundedSender<Answer>,
    pub(super) most: usize,
    pub(super) paused: bool,
    pub(super) going_away: bool,
    /// What it has, by delivery id.
    pub(super) held: HashMap<String, Held>,
}

/// An event that is with a stream.
pub(super) struct Held {
    /// Its place in the log.
    pub(super) index: usize,
    pub(super) attempt: i32,
}

impl FakeStream {
    pub(super) fn takes_more(&self) -> bool {
        !self.paused && !self.going_away && self.held.len() < self.most && !self.answers.is_closed()
    }

    pub(super) fn say(&self, response: Response) {
        let response = v1::SubscribeResponse { response: Some(response) };
        // A client that is gone is found out by what it does not send.
        let _ = self.answers.send(Ok(response));
    }

    pub(super) fn say_opened(&self, heartbeat: Duration, ack_deadline: Duration) {
        self.say(Response::Opened(v1::SubscribeOpened {
            max_outstanding_events: i32::try_from(self.most).unwrap_or(i32::MAX),
            ack_deadline: Some(crate::time::proto_duration(ack_deadline)),
            heartbeat_interval: Some(crate::time::proto_duration(heartbeat)),
            store_id: "fake".to_owned(),
            server_version: "fake".to_owned(),
            ..Default::default()
        }));
    }
}
