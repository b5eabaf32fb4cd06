use std::{collections::BTreeMap, process};

use onhook_client::{CancellationToken, Client, Code, Error, StartPosition, Watch};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    command::{self, Command, Connect, milliseconds},
    receiving::{Receiving, report_state},
    report::{code_name, ended, event_bytes, native, report},
};

/// Carries the commands out, one after the other; what takes time goes on beside them.
#[derive(Default)]
pub(crate) struct Program {
    // Why there is no client is what ends the subscription or the watch.
    client: Option<Result<Client, Error>>,
    receiving: Option<Receiving>,
    watch_stop: CancellationToken,
}

impl Program {
    pub(crate) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        while let Some(command) = commands.recv().await {
            self.carry_out(command);
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Connect(connect) => self.client = Some(client(&connect)),
            Command::Subscribe(subscribe) => self.subscribe(&subscribe),
            Command::Settle(settle) => self.receiving().settle(&settle),
            Command::Extend { number, deadline_ms } => self.receiving().extend(number, deadline_ms),
            Command::Pause => self.receiving().handle.pause(),
            Command::Resume => self.receiving().handle.resume(),
            Command::Stop { grace_ms } => self.stop(grace_ms),
            Command::Count => {
                let (handled, elapsed_ms) = self.receiving().log.count();
                report(&json!({"report": "count", "handled": handled, "elapsed_ms": elapsed_ms}));
            }
            Command::Watch(watch) => self.watch(&watch),
            Command::Get { event_id } => {
                tokio::spawn(get(self.client(), event_id));
            }
            Command::List { call_serial_no, page_size } => {
                tokio::spawn(list(self.client(), call_serial_no, page_size));
            }
        }
    }

    fn client(&self) -> Result<Client, Error> {
        self.client.clone().unwrap_or_else(|| refuse("connect comes first"))
    }

    fn receiving(&self) -> &Receiving {
        self.receiving.as_ref().unwrap_or_else(|| refuse("nothing is subscribed"))
    }

    fn subscribe(&mut self, command: &command::Subscribe) {
        match self.client() {
            Ok(client) => match Receiving::start(&client, command) {
                Ok(receiving) => self.receiving = Some(receiving),
                Err(error) => refuse(&format!("the log cannot be written: {error}")),
            },
            Err(error) => ended(&Err(error)),
        }
    }

    fn stop(&self, grace_ms: Option<u64>) {
        self.watch_stop.cancel();
        let Some(receiving) = self.receiving.clone() else {
            return;
        };
        tokio::spawn(async move {
            // How it went is what `ended` tells.
            let _ = match grace_ms {
                Some(grace) => receiving.handle.stop_within(milliseconds(grace)).await,
                None => receiving.handle.stop().await,
            };
        });
    }

    fn watch(&self, command: &command::Watch) {
        let client = match self.client() {
            Ok(client) => client,
            Err(error) => return ended(&Err(error)),
        };
        let mut builder = client
            .watch()
            .stop_at_end(command.stop_at_end)
            .observe_only(command.observe_only)
            .stop_on(self.watch_stop.clone())
            .on_state(report_state);
        builder = match command.position.as_deref() {
            Some("earliest") => builder.position(StartPosition::Earliest),
            Some("latest") => builder.position(StartPosition::Latest),
            Some(_) => refuse("a position is earliest or latest"),
            None => builder,
        };
        if let Some(cursor) = &command.after_cursor {
            builder = builder.after_cursor(cursor);
        }
        tokio::spawn(read(builder.open()));
    }
}

fn client(command: &Connect) -> Result<Client, Error> {
    let mut builder = Client::builder(&command.server);
    if let Some(path) = &command.ca_file {
        builder = builder.ca_file(path);
    }
    if command.certificate_file.is_some() || command.key_file.is_some() {
        let file = |path: &Option<_>| path.clone().unwrap_or_default();
        builder = builder.certificate(file(&command.certificate_file), file(&command.key_file));
    }
    if let Some(name) = &command.server_name {
        builder = builder.server_name(name);
    }
    if let Some(path) = &command.token_file {
        builder = builder.token_file(path);
    }
    if let Some(maximum) = command.backoff_max_ms {
        builder = builder.backoff(milliseconds(100), milliseconds(maximum));
    }
    builder.build()
}

async fn read(mut watch: Watch) {
    let result = loop {
        match watch.try_next().await {
            Ok(Some(watched)) => report(&json!({
                "report": "watched",
                "event_id": watched.event().event_id(),
                "cursor": watched.cursor(),
                "event": event_bytes(watched.event()),
            })),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    ended(&result);
}

async fn get(client: Result<Client, Error>, event_id: String) {
    let found = match client {
        Ok(client) => client.get(event_id).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(stored)) => {
            let timelines = stored.timelines().iter();
            let states: BTreeMap<_, _> = timelines
                .map(|timeline| {
                    let state = timeline.state.map(|state| state.to_string());
                    (timeline.subscription.clone(), state.unwrap_or("UNSPECIFIED".to_owned()))
                })
                .collect();
            report(&json!({
                "report": "got",
                "found": true,
                "code": "OK",
                "event": event_bytes(stored.event()),
                "native": native(stored.event()),
                "states": states,
            }));
        }
        Ok(None) => {
            report(&json!({"report": "got", "found": false, "code": code_name(Code::NotFound)}));
        }
        Err(error) => {
            report(&json!({"report": "got", "found": false, "code": code_name(error.code())}));
        }
    }
}

async fn list(client: Result<Client, Error>, call_serial_no: String, page_size: Option<u32>) {
    let listed = match client {
        Ok(client) => {
            let mut list = client.list().call_serial_no(call_serial_no);
            if let Some(events) = page_size {
                list = list.page_size(events);
            }
            list.collect().await
        }
        Err(error) => Err(error),
    };
    let code = listed.as_ref().err().map_or(Code::Ok, Error::code);
    let events = listed.unwrap_or_default();
    let event_ids: Vec<&str> = events.iter().map(|stored| stored.event().event_id()).collect();
    report(&json!({"report": "listed", "event_ids": event_ids, "code": code_name(code)}));
}

fn refuse(words: &str) -> ! {
    eprintln!("{words}");
    process::exit(2);
}
