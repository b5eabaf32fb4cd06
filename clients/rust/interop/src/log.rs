use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use onhook_client::Received;

/// What was acknowledged without asking: how much, how fast and, if that is wanted, what.
pub(crate) struct Log(Mutex<Content>);

struct Content {
    handled: u64,
    first: Option<Instant>,
    last: Option<Instant>,
    file: Option<BufWriter<File>>,
}

impl Log {
    pub(crate) fn new(path: Option<&Path>) -> io::Result<Self> {
        let open = |path| File::options().create(true).append(true).open(path);
        let file = path.map(open).transpose()?;
        Ok(Self(Mutex::new(Content {
            handled: 0,
            first: None,
            last: None,
            file: file.map(BufWriter::new),
        })))
    }

    pub(crate) fn add(&self, received: &Received) {
        let now = Instant::now();
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        content.handled += 1;
        content.first.get_or_insert(now);
        content.last = Some(now);
        if let Some(file) = &mut content.file {
            let event_id = received.event().event_id();
            let written = writeln!(file, "{event_id} {}", received.attempt());
            written.expect("the log can be written");
        }
    }

    pub(crate) fn flush(&self) {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &mut content.file {
            file.flush().expect("the log can be written");
        }
    }

    /// How many were handled, and the milliseconds from the first to the last.
    pub(crate) fn count(&self) -> (u64, u128) {
        let content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = content.first.zip(content.last).map(|(first, last)| last - first);
        (content.handled, elapsed.unwrap_or_default().as_millis())
    }
}
