//! Fetches the recording of each call: retries what may pass, parks what will not, and takes its
//! time, for the library keeps the event meanwhile.
//!
//! ```text
//! cargo run --example recording_fetch -- 127.0.0.1:50051 /var/recordings
//! ```

use std::{
    env, fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use onhook_client::{Client, Event, Nack, Received, SubscriptionSpec};

/// Why a recording could not be fetched.
#[derive(Debug)]
enum FetchError {
    /// It is not ready yet.
    NotYet,
    /// It is not there, and will not be.
    Gone,
    /// The network, the disk.
    Transient(std::io::Error),
}

impl fmt::Display for FetchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::NotYet => formatter.write_str("the recording is not ready yet"),
            FetchError::Gone => formatter.write_str("there is no such recording"),
            FetchError::Transient(error) => write!(formatter, "cannot fetch: {error}"),
        }
    }
}

impl std::error::Error for FetchError {}

impl FetchError {
    /// What is to become of the event.
    fn into_nack(self) -> Nack {
        match self {
            FetchError::Gone => Nack::park(self),
            FetchError::NotYet => Nack::retry(self).after(Duration::from_secs(60)),
            // Any other error is a retry by itself, with the gateway's backoff.
            FetchError::Transient(_) => self.into(),
        }
    }
}

/// Stands for a download from the media node: copies a file.
async fn fetch(from: PathBuf, to: PathBuf) -> Result<(), FetchError> {
    let copied = tokio::task::spawn_blocking(move || {
        if from.with_extension("part").exists() {
            return Err(FetchError::NotYet);
        }
        // Under another name first: what is there under its own is whole.
        let part = to.with_extension("part");
        match std::fs::copy(&from, &part).and_then(|_| std::fs::rename(&part, &to)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(FetchError::Gone),
            Err(error) => Err(FetchError::Transient(error)),
        }
    });
    copied.await.unwrap_or_else(|panic| Err(FetchError::Transient(std::io::Error::other(panic))))
}

/// Where the recording is kept: the same for the same event, so fetching it again does no harm.
fn place_of(event: &Event, directory: &Path) -> PathBuf {
    directory.join(format!("{}.wav", event.event_id()))
}

async fn handle(received: Received, media: &Path, directory: &Path) -> Result<(), Nack> {
    let event = received.event();
    let Some(recordfile) = event.recordfile().filter(|path| !path.is_empty()) else {
        return Ok(()); // the call was not recorded
    };
    let name = Path::new(recordfile).file_name().ok_or_else(|| Nack::park("not a file's path"))?;
    let fetched = fetch(media.join(name), place_of(event, directory)).await;
    fetched.map_err(FetchError::into_nack)
}

#[tokio::main]
async fn main() -> Result<(), onhook_client::Error> {
    let mut arguments = env::args().skip(1);
    let server = arguments.next().unwrap_or("127.0.0.1:50051".to_owned());
    let directory = PathBuf::from(arguments.next().unwrap_or(".".to_owned()));
    let media = directory.join("media");
    let subscriber = Client::new(&server)?
        .subscription("recordings")
        .create_if_missing(SubscriptionSpec::new())
        .concurrency(4)
        .max_outstanding_events(16)
        .handle(move |received: Received| {
            let (media, directory) = (media.clone(), directory.clone());
            async move { handle(received, &media, &directory).await }
        });
    subscriber.wait().await
}

#[cfg(test)]
mod tests {
    use onhook_client::{testing::MadeDelivery, v1::ReleaseEvent};

    use super::*;

    fn made(recordfile: Option<&str>) -> Received {
        let event = ReleaseEvent {
            event_id: "v1-1".to_owned(),
            recordfile: recordfile.map(str::to_owned),
            ..Default::default()
        };
        MadeDelivery::of(event).received()
    }

    #[tokio::test]
    async fn a_recording_that_is_gone_is_parked_and_one_that_is_not_ready_comes_later() {
        let directory = env::temp_dir().join(format!("onhook-recordings-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let handled = |file| handle(made(file), &directory, &directory);
        assert!(handled(Some("/media/a.wav")).await.unwrap_err().is_park());
        std::fs::write(directory.join("a.part"), "").unwrap();
        assert!(handled(Some("/media/a.wav")).await.unwrap_err().delay().is_some());
        std::fs::remove_file(directory.join("a.part")).unwrap();
        std::fs::write(directory.join("a.wav"), "sound").unwrap();
        handled(Some("/media/a.wav")).await.unwrap();
        assert_eq!(std::fs::read_to_string(directory.join("v1-1.wav")).unwrap(), "sound");
        handled(None).await.unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
