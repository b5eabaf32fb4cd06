use std::time::Duration;

use tokio::time::Instant;
use tonic::Code;

use crate::{Error, connection::ConnectionOptions};

/// Decides, for whoever keeps a stream open, what the ends of its streams mean.
///
/// UNAUTHENTICATED is special: who was let in before may just have files that change later than the
/// gateway's, and is tried again for a while. Who never was is simply wrong.
pub(crate) struct Ends {
    patience: Duration,
    was_let_in: bool,
    // The first time since it was let in.
    refused_at: Option<Instant>,
}

impl Ends {
    pub(crate) fn new(options: &ConnectionOptions) -> Self {
        let has_identity = options.security.has_identity();
        Self {
            patience: if has_identity { options.rotation_patience } else { Duration::ZERO },
            was_let_in: false,
            refused_at: None,
        }
    }

    /// A stream is open.
    pub(crate) fn let_in(&mut self) {
        self.was_let_in = true;
        self.refused_at = None;
    }

    /// Whether no other stream is to be opened after one that ended so.
    pub(crate) fn is_final(&mut self, error: &Error, now: Instant) -> bool {
        if error.is_retryable() {
            return false;
        }
        if error.code() != Code::Unauthenticated || !self.was_let_in {
            return true;
        }
        let refused_at = *self.refused_at.get_or_insert(now);
        now - refused_at >= self.patience
    }
}
